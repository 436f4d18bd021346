import { readFile, writeFile } from 'node:fs/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustSkip } from './availability.js';
import { startCluster, type Cluster } from './cluster.js';
import { pgBouncerMissing, startPgBouncer, type PgBouncer } from './pgbouncer.js';

const skip = await mustSkip(pgBouncerMissing);
let cluster: Cluster;
let bouncer: PgBouncer;

beforeAll(async () => {
  if (skip) return;
  cluster = await startCluster({ version: '13', name: 'pgbouncer' });
  await cluster.createDatabase('one');
  await cluster.createDatabase('two');
  bouncer = await startPgBouncer({ databases: { shop: target('one') }, users: ['postgres'] });
});

afterAll(async () => {
  await bouncer?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

function target(database: string): string {
  return `host=127.0.0.1 port=${cluster.port} dbname=${database}`;
}

async function ask(url: string, question: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(question)).rows;
  } finally {
    await client.end();
  }
}

const WHERE = 'select current_database() as name';

test.skipIf(skip)('rewriting the included file and reloading moves the route', async () => {
  const url = bouncer.url('shop', 'postgres');
  expect(await ask(url, WHERE)).toEqual([{ name: 'one' }]);
  const before = await readFile(bouncer.databasesFile, 'utf8');
  await ask(bouncer.adminUrl, 'PAUSE shop');
  await writeFile(bouncer.databasesFile, before.replace('dbname=one', 'dbname=two'));
  await ask(bouncer.adminUrl, 'RELOAD');
  await ask(bouncer.adminUrl, 'RESUME shop');
  expect(await ask(url, WHERE)).toEqual([{ name: 'two' }]);
});

test.skipIf(skip)('a crashed pooler comes back on its port with the route as written', async () => {
  await writeFile(bouncer.databasesFile, `[databases]\nshop = ${target('two')}\n`);
  await bouncer.crash();
  await bouncer.start();
  expect(await ask(bouncer.url('shop', 'postgres'), WHERE)).toEqual([{ name: 'two' }]);
});
