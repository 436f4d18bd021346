import { directionFrom, DIRECTIONS, SIDES, type Direction, type Side } from '@turnout/core/sides';
import { objectName } from '@turnout/core/object-names';
import { evaluateGates, type GateVerdict } from '@turnout/machine/gates';
import type { Session } from '@turnout/postgres/session';
import type { PairRow } from '@turnout/store/pairs';
import type { PairContext } from '../context.js';
import { readFacts } from '../gates/read-facts.js';
import { withSideSessions } from '../pairs/side-sessions.js';
import { copyView, type NextStep } from './views.js';

interface SideView {
  readonly role: 'source' | 'target';
  readonly version: string | null;
  readonly writable: boolean | null;
  readonly lsn: string | null;
}

/** What a side says of itself; unknown stays null. */
async function sideView(session: Session, role: SideView['role']): Promise<SideView> {
  const { rows } = await session.query<{
    version: string;
    lsn: string;
    installed: string;
  }>(/* sql */ `select current_setting('server_version') as version,
      pg_current_wal_lsn() as lsn, to_regclass('turnout.side') is not null as installed`);
  const row = rows[0];
  let writable: boolean | null = null;
  if (row?.installed === 't') {
    const side = await session.query<{ state: string }>(/* sql */ `select state from turnout.side`);
    writable = side.rows[0] ? side.rows[0].state === 'open' : null;
  }
  return { role, version: row?.version ?? null, writable, lsn: row?.lsn ?? null };
}

async function linkView(context: PairContext, direction: Direction): Promise<unknown> {
  const { store, pair } = context;
  const link = await store.links.get(pair.name, direction);
  const lag = await store.lag.get(pair.name, direction);
  return {
    direction,
    desired: link?.desired ?? null,
    observed: link?.observed?.state ?? null,
    code: link?.observed?.code ?? null,
    copy: link?.observed?.copy ? copyView(link.observed.copy) : null,
    lag_bytes: lag?.lagBytes ?? null,
    lag_ms: lag?.lagMs ?? null,
    age_ms: lag ? Math.max(0, context.clock.nowMs() - Date.parse(lag.measuredAt)) : null,
    slot: link ? objectName(pair.name, direction) : null,
  };
}

const NEXT: Readonly<Record<string, NextStep>> = {
  draft: { command: 'turnout preflight {pair}', why: 'See what the migration needs.' },
  preflight: { command: 'turnout status {pair} --watch', why: 'It is being checked.' },
  copying: { command: 'turnout tables {pair}', why: 'See how far the copy is.' },
  catching_up: { command: 'turnout status {pair} --watch', why: 'It applies what was written.' },
  verifying: { command: 'turnout verify {pair} --wait', why: 'Prove that both sides are equal.' },
  ready: { command: 'turnout plan {pair} --to green', why: 'See what a switch would do.' },
  switching: { command: 'turnout switchover show {pair}', why: 'A switch is running.' },
  on_green: { command: 'turnout verify {pair} --wait', why: 'Prove the way back.' },
  completed: { command: 'turnout events {pair}', why: 'The journal of the migration.' },
  aborted: { command: 'turnout start {pair}', why: 'Begin anew.' },
};

export function nextSteps({ pair, phase }: PairRow): NextStep[] {
  const next = NEXT[phase];
  return next ? [{ command: next.command.replace('{pair}', pair), why: next.why }] : [];
}

/** Gates mean something once there is a link to measure. */
const GATED_PHASES = new Set(['verifying', 'ready', 'on_green']);

async function sidesAndGates(
  context: PairContext,
  row: PairRow,
): Promise<{ sides: Record<Side, SideView | null>; gates: GateVerdict[] }> {
  const { pair, store, routes, clock } = context;
  return withSideSessions(pair, async (control) => {
    const views = await Promise.all(
      SIDES.map((side) => sideView(control[side], side === row.writableSide ? 'source' : 'target')),
    );
    const sides = { blue: views[0] ?? null, green: views[1] ?? null };
    if (!GATED_PHASES.has(row.phase)) return { sides, gates: [] };
    const from = row.writableSide;
    const facts = await readFacts({ pair, store, routes, control, from, nowMs: clock.nowMs() });
    return { sides, gates: evaluateGates(facts, pair.gates) };
  });
}

/** `turnout.status/v1`: one screen of truth. A side that cannot be asked is null. */
export async function statusView(context: PairContext, row: PairRow): Promise<object> {
  const { pair, store } = context;
  const { sides, gates } = await sidesAndGates(context, row).catch(() => ({
    sides: { blue: null, green: null },
    gates: [] as GateVerdict[],
  }));
  const past = (await store.switchovers.list(pair.name))
    .map(({ windowMs }) => windowMs)
    .filter((ms): ms is number => ms !== null)
    .toSorted((a, b) => a - b);
  const last = past.at(-1);
  return {
    schema: 'turnout.status/v1',
    pair: pair.name,
    phase: row.phase,
    conditions: row.conditions,
    direction: directionFrom(row.writableSide),
    revision: row.revision,
    sides,
    links: await Promise.all(DIRECTIONS.map((direction) => linkView(context, direction))),
    gates,
    estimate:
      last === undefined
        ? null
        : { window_ms_p50: past[Math.floor((past.length - 1) / 2)], window_ms_p95: last },
    next_steps: nextSteps(row),
  };
}
