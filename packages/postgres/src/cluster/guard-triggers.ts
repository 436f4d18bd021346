import { backoffMs } from '@turnout/core/backoff';
import { pause } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import {
  readGuardedTables,
  readOwnNewTables,
  readUnguardedTables,
  type UserTable,
} from '../catalog/guarded-tables.js';
import { readTableHolder } from '../catalog/locks.js';
import { sqlState } from '../database-error.js';
import { quoteTable } from '../identifiers.js';
import type { Session } from '../session.js';
import { inReplicaRole } from '../replica-role.js';

export interface GuardTriggerOptions {
  /** How long one attempt may hold up writers of its table, 100 ms unless given. */
  readonly lockTimeoutMs?: number | undefined;
  /** Time for all tables, 60 s unless given; checked between rounds. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told which table is in the way, after every attempt that failed. */
  readonly onBlocked?: ((table: string, round: number) => void) | undefined;
}

/** No lock in time, and the victim's side of a deadlock: both mean that somebody works on the table. */
const IN_THE_WAY = new Set(['55P03', '40P01']);
/** The table, or the trigger, went away in between. */
const GONE = new Set(['42P01', '42704', '3F000']);

const CREATE = /* sql */ `create trigger turnout_guard
  before insert or update or delete or truncate on`;

/** An existing trigger that is switched off, or fires for replicas, is set right instead. */
function installStatement(table: UserTable): string {
  const name = quoteTable(table);
  if (table.guarded) return `alter table only ${name} enable trigger turnout_guard`;
  return `${CREATE} ${name} for each statement execute function turnout.guard()`;
}

/**
 * Guards the tables that the open transaction of `session` has made: when they become visible they are
 * guarded, and no write can come before. Needs no lock that anybody else could hold.
 * @returns number of triggers installed
 */
export async function guardNewTables(session: Session): Promise<number> {
  const tables = await readOwnNewTables(session);
  for (const table of tables) await session.query(installStatement(table));
  return tables.length;
}

function dropStatement(table: UserTable): string {
  return `drop trigger if exists turnout_guard on ${quoteTable(table)}`;
}

interface Work {
  readonly session: Session;
  readonly list: (session: Session) => Promise<UserTable[]>;
  readonly statement: (table: UserTable) => string;
  readonly options: GuardTriggerOptions;
}

/** One attempt at one table in a transaction of its own; false when somebody is in the way. */
async function attempt({ session, statement, options }: Work, table: UserTable): Promise<boolean> {
  const settings = { lock_timeout: String(options.lockTimeoutMs ?? 100) };
  try {
    await inReplicaRole(session, () => session.query(statement(table)), settings);
    return true;
  } catch (thrown) {
    const state = sqlState(thrown) ?? '';
    if (GONE.has(state)) return true;
    if (IN_THE_WAY.has(state)) return false;
    throw thrown;
  }
}

/** Names the first table and, while it is still there, who holds it. */
async function inTheWay(
  session: Session,
  blocked: readonly UserTable[],
  rounds: number,
): Promise<Error> {
  const table = blocked[0]!;
  const holder = await readTableHolder(session, table);
  return fail('arm_timed_out', {
    table: quoteTable(table),
    tables: blocked.length,
    rounds,
    held_by: holder?.holder ?? null,
    pid: holder?.pid ?? null,
  });
}

/** Round after round over what is left, so that one busy table does not hold up the others. */
async function forEachTable(work: Work): Promise<number> {
  const { session, list, options } = work;
  const deadlineMs = performance.now() + (options.timeoutMs ?? 60_000);
  let done = 0;
  for (let round = 1; ; round += 1) {
    const blocked: UserTable[] = [];
    for (const table of await list(session)) {
      options.signal?.throwIfAborted();
      if (await attempt(work, table)) done += 1;
      else {
        blocked.push(table);
        options.onBlocked?.(quoteTable(table), round);
      }
    }
    if (blocked.length === 0) return done;
    if (performance.now() >= deadlineMs) {
      throw await inTheWay(session, blocked, round);
    }
    await pause(backoffMs(round, { firstMs: 20, maxMs: 1_000 }), options.signal);
  }
}

/**
 * Gives every user table, partition and partitioned root the guard, one table per transaction:
 * creating a trigger waits for the writers of its table and holds up new ones meanwhile.
 * @returns how many tables were changed
 * @throws TRN5007 naming a table whose lock could not be had
 */
export function installGuardTriggers(
  session: Session,
  options: GuardTriggerOptions = {},
): Promise<number> {
  return forEachTable({
    session,
    list: readUnguardedTables,
    statement: installStatement,
    options,
  });
}

/**
 * Takes the guard from every table; swap it to `pass` before.
 * @returns how many tables were changed
 * @throws TRN5007 naming a table whose lock could not be had
 */
export function dropGuardTriggers(
  session: Session,
  options: GuardTriggerOptions = {},
): Promise<number> {
  return forEachTable({ session, list: readGuardedTables, statement: dropStatement, options });
}
