import { objectName } from '@turnout/core/object-names';
import {
  directionFrom,
  DIRECTIONS,
  otherSide,
  SIDES,
  type Direction,
  type Side,
} from '@turnout/core/sides';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import type { GateVerdict } from '@turnout/machine/gates';
import type { PairRow } from '@turnout/store/pairs';
import { leaderLease, missingWords, readWorkers, type Worker } from '../gates/workers.js';
import { openSide } from '../loop/scene.js';
import type { PairRuntime } from '../runtime.js';
import { nextSteps } from './next-steps.js';
import { copyView } from './views.js';

/** Gates shown in a status may be this old; whoever needs them exactly asks for the gates. */
const GATES_AGE_MAX_MS = 3_000;

/** What a side said of itself when it was last asked; unknown stays null. */
function sideView(runtime: PairRuntime, side: Side, open: Side): object {
  const { latest, answered } = runtime.probes[side];
  const age = runtime.ageMs(side);
  return {
    role: side === open ? 'source' : 'target',
    version: answered?.versionText ?? null,
    writable: runtime.writable(side),
    lsn: answered?.lsn ?? null,
    age_ms: age === null ? null : Math.round(age),
    unknown: latest && !latest.reachable ? latest.reason : (answered?.foreign ?? null),
    slots:
      answered?.slots.map(({ name, active, retainedBytes }) => ({
        name,
        active,
        retained_bytes: retainedBytes,
      })) ?? null,
  };
}

/** A link is observed by its worker: without one, what it reported last says nothing. */
async function linkView(
  { context }: PairRuntime,
  direction: Direction,
  workers: readonly Worker[],
): Promise<object> {
  const { store, pair, clock } = context;
  const link = await store.links.get(pair.name, direction);
  const lag = await store.lag.get(pair.name, direction);
  const worker = workers.find(({ name }) => name === `link/${pair.name}/${direction}`);
  const orphan = link !== null && link.desired !== 'stopped' && worker?.holder === null;
  const observed = link?.observed;
  return {
    direction,
    desired: link?.desired ?? null,
    observed: orphan ? null : (observed?.state ?? null),
    why: orphan ? missingWords(worker, clock.nowMs()) : null,
    code: observed?.code ?? null,
    message: observed?.message ?? null,
    copy: observed?.copy ? copyView(observed.copy) : null,
    lag_bytes: lag?.lagBytes ?? null,
    lag_ms: lag?.lagMs ?? null,
    age_ms: lag ? Math.max(0, clock.nowMs() - Date.parse(lag.measuredAt)) : null,
    slot: link ? objectName(pair.name, direction) : null,
  };
}

/** Gates mean something once there is a link to measure; what cannot be evaluated shows none. */
async function gatesOf(
  runtime: PairRuntime,
  row: PairRow,
  open: Side,
): Promise<readonly GateVerdict[]> {
  if (!PHASE_TRAITS[row.phase as Phase].gated) return [];
  try {
    return (await runtime.gates.recent(open, GATES_AGE_MAX_MS)).verdicts;
  } catch {
    return [];
  }
}

function openOf({ probes }: PairRuntime, row: PairRow): Side {
  const [blue, green] = SIDES.map((side) => probes[side].latest);
  return (blue && green && openSide({ blue, green })) || row.writableSide;
}

function leaksOf({ probes }: PairRuntime): number | null {
  const counts = SIDES.map((side) => {
    const latest = probes[side].latest;
    return latest?.reachable ? latest.openLeaks : null;
  });
  return counts.some((count) => count === null) ? null : counts.reduce((a, b) => a! + b!, 0);
}

async function estimateOf({ context }: PairRuntime): Promise<object | null> {
  const past = (await context.store.switchovers.list(context.pair.name))
    .map(({ windowMs }) => windowMs)
    .filter((ms): ms is number => ms !== null)
    .toSorted((a, b) => a - b);
  const last = past.at(-1);
  if (last === undefined) return null;
  return { window_ms_p50: past[Math.floor((past.length - 1) / 2)], window_ms_p95: last };
}

/** Links that are to work and stopped at an error; what one reported before it was stopped is past. */
async function failedLinks({ context }: PairRuntime, row: PairRow): Promise<Direction[]> {
  if (PHASE_TRAITS[row.phase as Phase].forward === 'stopped') return [];
  const links = await Promise.all(
    DIRECTIONS.map((direction) => context.store.links.get(row.pair, direction)),
  );
  return DIRECTIONS.filter((_, index) => {
    const link = links[index];
    return link?.desired !== 'stopped' && link?.observed?.state === 'failed';
  });
}

/** What the next steps of a pair are computed from. */
export async function nextStepsOf(runtime: PairRuntime, row: PairRow) {
  const { store } = runtime.context;
  const open = openOf(runtime, row);
  const [gates, workers, note, linksFailed] = await Promise.all([
    gatesOf(runtime, row, open),
    readWorkers(store, row.pair),
    store.notes.get(row.pair),
    failedLinks(runtime, row),
  ]);
  const { waiting } = note;
  const openLeaks = leaksOf(runtime);
  return {
    gates,
    workers,
    waiting,
    openLeaks,
    open,
    steps: nextSteps({ row, waiting, workers, gates, open, openLeaks, linksFailed }),
  };
}

/** `turnout.status/v1`: one screen of truth, from what the loop observed last. */
export async function statusView(runtime: PairRuntime, row: PairRow): Promise<object> {
  const { pair } = runtime.context;
  const { gates, workers, waiting, openLeaks, open, steps } = await nextStepsOf(runtime, row);
  const leader = workers.find(({ name }) => name === leaderLease(pair.name));
  const links = await Promise.all(DIRECTIONS.map((each) => linkView(runtime, each, workers)));
  const outcomes = runtime.loop.routes.outcomes;
  return {
    schema: 'turnout.status/v1',
    pair: pair.name,
    phase: row.phase,
    conditions: row.conditions,
    direction: directionFrom(open),
    revision: row.revision,
    sides: {
      blue: sideView(runtime, 'blue', open),
      green: sideView(runtime, 'green', open),
    },
    links,
    gates,
    leaks: openLeaks,
    waiting: leader?.holder === null ? noLeader(leader, runtime) : waiting,
    leader: leader?.holder ? { holder: leader.holder, since: null } : null,
    workers: workers.map(({ name, holder, since, remedy }) => ({ name, holder, since, remedy })),
    routes:
      outcomes?.map(({ route, observed, ok }) => ({ route, routed_to: observed, ok })) ?? null,
    estimate: await estimateOf(runtime),
    next_steps: steps,
    to: otherSide(open),
  };
}

/** Without a leader nothing goes on, and what was waited for last is old. */
function noLeader(leader: Worker, { context }: PairRuntime): object {
  return {
    for: `a coordinator: ${missingWords(leader, context.clock.nowMs()).replace(/ since .*/, '')}`,
    since: leader.since ?? new Date(context.clock.nowMs()).toISOString(),
    holder: null,
    remedy: leader.remedy,
  };
}
