import { Client, escapeIdentifier } from 'pg';

export interface DatabaseOptions {
  /** Database to copy; nobody may be connected to it. */
  readonly template?: string | undefined;
}

/** Creates the database `name` on the server of `url`. */
export async function createDatabase(
  url: string,
  name: string,
  { template }: DatabaseOptions,
): Promise<void> {
  const from = template === undefined ? '' : /* sql */ ` template ${escapeIdentifier(template)}`;
  await execute(url, /* sql */ `create database ${escapeIdentifier(name)}${from}`);
}

export async function dropDatabase(url: string, name: string): Promise<void> {
  await execute(url, /* sql */ `drop database if exists ${escapeIdentifier(name)} with (force)`);
}

/** Runs `statements` in one session of the server of `url`, as one simple query. */
export async function execute(url: string, statements: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}
