import { otherSide, SIDES, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { CLUSTER_MIGRATIONS, GUARD_BODIES } from '../generated/sql.js';
import type { Session } from '../session.js';
import { inReplicaRole } from '../replica-role.js';
import { swapGuard } from './guard.js';
import { applyMigrations } from '../migrations.js';

/** Who writes markers of which kind is said in `turnout.marker`'s users; every side has all of them. */
export const MARKER_KINDS = ['heartbeat', 'drain', 'roundtrip', 'check'] as const;
export type MarkerKind = (typeof MARKER_KINDS)[number];

/** Two installers at once would both find nothing and both create. */
const INSTALL_LOCK = 0x7475_726e;

export interface ClusterSide {
  readonly pair: string;
  readonly side: Side;
  /** State of a side that is new; a side that exists keeps its own. */
  readonly state: 'open' | 'closed';
}

export interface Installed {
  readonly pair: string;
  readonly side: string;
}

/** The side this database says it is; null when nothing is installed. */
export async function readInstalled(session: Session): Promise<Installed | null> {
  const { rows } = await session.query<{ found: string | null }>(
    /* sql */ `select to_regclass('turnout.side') as found`,
  );
  if (!rows[0]?.found) return null;
  const side = await session.query<{ pair: string; side: string }>(
    /* sql */ `select pair, side from turnout.side`,
  );
  return side.rows[0] ?? null;
}

/** A schema of that name that is not ours must not be filled with our objects. */
async function refuseForeignSchema(session: Session, pair: string): Promise<void> {
  const { rows } = await session.query(
    /* sql */ `select from pg_namespace where nspname = 'turnout' and to_regclass('turnout.migration') is null`,
  );
  if (rows.length > 0)
    throw fail('database_of_another_pair', { pair, reason: 'schema turnout is not ours' });
}

/** The bodies that `turnout.swap_guard` installs; those of this version replace older ones. */
async function keepGuardSources(session: Session): Promise<void> {
  await session.query(
    /* sql */ `insert into turnout.guard_source (guard, statements)
      select * from unnest($1::text[], $2::text[])
      on conflict (guard) do update set statements = excluded.statements`,
    [Object.keys(GUARD_BODIES), Object.values(GUARD_BODIES)],
  );
}

async function seedMarkers(session: Session): Promise<void> {
  const rows = SIDES.flatMap((side) => MARKER_KINDS.map((kind) => [side, kind] as const));
  await session.query(
    /* sql */ `insert into turnout.marker (side, kind)
      select * from unnest($1::text[], $2::text[]) on conflict (side, kind) do nothing`,
    [rows.map(([side]) => side), rows.map(([, kind]) => kind)],
  );
}

/**
 * Installs or upgrades the objects of a side, in one transaction. Idempotent: what exists stays,
 * `state` included, because the side itself says whether it is open. A new closed side is guarded
 * from its first moment.
 * @throws TRN2015 when the database belongs to another pair or side, TRN6006, TRN6003
 */
export async function installCluster(
  session: Session,
  { pair, side, state }: ClusterSide,
): Promise<void> {
  await inReplicaRole(session, async () => {
    await session.query(/* sql */ `select pg_advisory_xact_lock($1)`, [INSTALL_LOCK]);
    await refuseForeignSchema(session, pair);
    const installed = await readInstalled(session);
    if (installed && (installed.pair !== pair || installed.side !== side)) {
      throw fail('database_of_another_pair', {
        pair,
        side,
        found_pair: installed.pair,
        found_side: installed.side,
      });
    }
    await applyMigrations(session, 'turnout.migration', CLUSTER_MIGRATIONS);
    await keepGuardSources(session);
    if (!installed) {
      const guard = state === 'closed' ? 'closed' : 'pass';
      await session.query(
        /* sql */ `insert into turnout.side (pair, side, state, guard) values ($1, $2, $3, $4)`,
        [pair, side, state, guard],
      );
      await swapGuard(session, guard, { otherSide: otherSide(side) });
    }
    await seedMarkers(session);
  });
}

/**
 * Removes the objects of a side; nothing happens when there are none. The triggers go first, table
 * by table (`dropGuardTriggers`): dropping the schema with them would lock every table at once.
 * @throws TRN5007 when a table still has a guard trigger
 */
export async function uninstallCluster(session: Session): Promise<void> {
  const installed = await readInstalled(session);
  if (!installed) return;
  const { rows } = await session.query<{
    table: string;
    triggers: string;
  }>(/* sql */ `select min(tgrelid::regclass::text) as table, count(*) as triggers
      from pg_trigger where tgfoid = 'turnout.guard()'::regprocedure`);
  const left = Number(rows[0]?.triggers ?? 0);
  if (left > 0) throw fail('arm_timed_out', { table: rows[0]?.table ?? '', triggers_left: left });
  await inReplicaRole(session, () =>
    session.query(/* sql */ `drop schema if exists turnout cascade`),
  );
}
