import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fail } from '@turnout/contracts/errors';
import type { Endpoint, Session } from '@turnout/postgres/session';

const run = promisify(execFile);
const DUMP_TIMEOUT_MS = 120_000;
const DUMP_BYTES_MAX = 256 * 1024 * 1024;

/** Lines that only psql understands, and our own triggers, which each side installs for itself. */
export function loadable(dump: string): string {
  return dump
    .split('\n')
    .filter((line) => !line.startsWith('\\') && !line.includes(' turnout_guard '))
    .join('\n');
}

/**
 * One section of blue's schema as pg_dump writes it.
 * @throws TRN1009 when pg_dump is not on PATH, TRN2021 when it fails
 */
export async function dumpSection(
  endpoint: Endpoint,
  section: 'pre-data' | 'post-data',
): Promise<string> {
  try {
    const { stdout } = await run(
      'pg_dump',
      [
        '--schema-only',
        `--section=${section}`,
        '--no-publications',
        '--no-subscriptions',
        '--exclude-schema=turnout',
        `--dbname=${endpoint.url}`,
      ],
      {
        timeout: DUMP_TIMEOUT_MS,
        maxBuffer: DUMP_BYTES_MAX,
        env: {
          ...process.env,
          ...(endpoint.password ? { PGPASSWORD: endpoint.password.reveal() } : {}),
        },
      },
    );
    return loadable(stdout);
  } catch (thrown) {
    const missing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
    if (missing) throw fail('program_missing', { program: 'pg_dump' }, thrown);
    throw fail('schema_transfer_failed', { program: 'pg_dump', section }, thrown);
  }
}

/** Loads a section as one transaction: all of it or nothing. @throws TRN2021 */
export async function loadSection(session: Session, text: string): Promise<void> {
  try {
    await session.query(text);
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : null;
    throw fail('schema_transfer_failed', { sqlstate: code }, thrown);
  }
}
