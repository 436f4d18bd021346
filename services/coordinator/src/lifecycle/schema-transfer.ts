import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fail } from '@turnout/contracts/errors';
import { sqlState } from '@turnout/postgres/database-error';
import { inReplicaRole } from '@turnout/postgres/replica-role';
import { guardNewTables } from '@turnout/postgres/cluster/guard-triggers';
import { serverFacts } from '@turnout/postgres/database-error';
import type { Endpoint, Session } from '@turnout/postgres/session';
import { failingEntry } from './dump-entries.js';

const run = promisify(execFile);
const DUMP_TIMEOUT_MS = 120_000;
const DUMP_BYTES_MAX = 256 * 1024 * 1024;
const STDERR_LENGTH_MAX = 300;

export type DumpSection = 'pre-data' | 'post-data';

/** What only psql understands, and our own triggers, which each side installs for itself. */
const NOT_LOADED =
  /^(?:\\(?:un)?restrict |\\connect |CREATE TRIGGER turnout_guard |ALTER TABLE .* TRIGGER turnout_guard;)/;

export function loadable(dump: string): string {
  return dump
    .split('\n')
    .filter((line) => !NOT_LOADED.test(line))
    .join('\n');
}

/** The password goes by environment: arguments of a process are seen by everybody on its host. */
function dumpTarget({ url, password }: Endpoint): { dbname: string; env: NodeJS.ProcessEnv } {
  const parsed = new URL(url);
  const secret = password?.reveal() ?? decodeURIComponent(parsed.password);
  parsed.password = '';
  return {
    dbname: parsed.href,
    env: { ...process.env, ...(secret === '' ? {} : { PGPASSWORD: secret }) },
  };
}

/** First line that says what is wrong: names of objects and servers, a dump of a schema has no rows. */
function firstLine(thrown: unknown): string | null {
  const text = thrown instanceof Error && 'stderr' in thrown ? String(thrown.stderr) : '';
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((each) => each.includes('error:')) ?? lines[0];
  return line === undefined ? null : line.slice(0, STDERR_LENGTH_MAX);
}

/**
 * One section of blue's schema as pg_dump writes it.
 * @throws TRN1009 when pg_dump is not on PATH, TRN2021 with its first line when it fails
 */
export async function dumpSection(endpoint: Endpoint, section: DumpSection): Promise<string> {
  const { dbname, env } = dumpTarget(endpoint);
  try {
    const { stdout } = await run(
      'pg_dump',
      [
        '--schema-only',
        `--section=${section}`,
        '--no-publications',
        '--no-subscriptions',
        '--exclude-schema=turnout',
        `--dbname=${dbname}`,
      ],
      { timeout: DUMP_TIMEOUT_MS, maxBuffer: DUMP_BYTES_MAX, env },
    );
    return loadable(stdout);
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
    if (code === 'ENOENT') throw fail('program_missing', { program: 'pg_dump' }, thrown);
    const timedOut = thrown instanceof Error && 'killed' in thrown && thrown.killed === true;
    throw fail('schema_transfer_failed', {
      program: 'pg_dump',
      section,
      exit: typeof code === 'number' ? code : null,
      message: timedOut ? `no answer within ${DUMP_TIMEOUT_MS} ms` : firstLine(thrown),
    });
  }
}

/**
 * Loads a section as one transaction: all of it or nothing. The session keeps the settings that a dump
 * makes, an empty search path among them: give it one of its own. In replica role, so that event triggers
 * of users that are there already do not fire on it. Tables that it makes are guarded in the same
 * transaction: a write between their creation and their guard would be a row that blue never had.
 * @throws TRN2021 with the object, SQLSTATE and message of what the server refused
 */
export async function loadSection(session: Session, text: string): Promise<void> {
  try {
    await inReplicaRole(session, async () => {
      await session.query(text);
      await guardNewTables(session);
    });
  } catch (thrown) {
    const object = sqlState(thrown) === null ? null : await failingEntry(session, text);
    throw fail('schema_transfer_failed', { object, ...serverFacts(thrown) }, thrown);
  }
}
