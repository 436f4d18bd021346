import { directionFrom, otherSide, SIDES, type Side } from '@turnout/core/sides';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import type { PairRow } from '@turnout/store/pairs';
import type { SwitchoverRow } from '@turnout/store/switchovers';
import type { LinkProgress, SideObservation } from '../side/observation.js';
import type { SettleFacts, SideFact } from './settle-table.js';

/** What was observed in one round: the sides first, the store last. */
export interface Scene {
  readonly sides: Readonly<Record<Side, SideObservation>>;
  /** Null when the store does not answer. */
  readonly store: {
    readonly row: PairRow;
    readonly switchover: SwitchoverRow | null;
  } | null;
}

/** An attempt of this process, if one is under way. */
export interface OwnAttempt {
  readonly epoch: bigint;
  readonly holder: string | null;
}

/** The phase that was read last, for a round in which the store does not answer. */
export interface Remembered {
  readonly phase: Phase | null;
}

function factOf(side: SideObservation): SideFact {
  if (!side.reachable || side.inRecovery) return 'silent';
  return side.row?.state ?? 'absent';
}

/** The row of a link's progress stands on its target. */
function progressFrom(sides: Scene['sides'], source: Side): LinkProgress | null {
  const target = sides[otherSide(source)];
  return target.reachable ? (target.progress[directionFrom(source)] ?? null) : null;
}

/** The side that exactly one open link reads from. */
export function sourceOf(sides: Scene['sides']): Side | null {
  const open = SIDES.filter((side) => progressFrom(sides, side)?.open === true);
  return open.length === 1 ? open[0]! : null;
}

function rowsOf({ blue, green }: Scene['sides']) {
  return {
    blue: blue.reachable ? blue.row : null,
    green: green.reachable ? green.row : null,
  };
}

function newerFence(sides: Scene['sides']): Side | null {
  const { blue, green } = rowsOf(sides);
  if (!blue || !green || blue.fenceEpoch === green.fenceEpoch) return null;
  return blue.fenceEpoch > green.fenceEpoch ? 'blue' : 'green';
}

function attemptOf(sides: Scene['sides'], attempt: OwnAttempt | null): SettleFacts['attempt'] {
  if (attempt === null) return 'none';
  const superseded = Object.values(rowsOf(sides)).some(
    (row) => row !== null && row.claimEpoch > attempt.epoch && row.holder !== attempt.holder,
  );
  return superseded ? 'superseded' : 'ours';
}

/** What the settle table looks at. */
export function factsOf(
  { sides, store }: Scene,
  attempt: OwnAttempt | null,
  remembered: Remembered,
): SettleFacts {
  const rows = rowsOf(sides);
  const source = sourceOf(sides);
  const newer = newerFence(sides);
  const lastOpen = source ?? newer;
  const phase = (store?.row.phase as Phase | undefined) ?? remembered.phase;
  const open = SIDES.filter((side) => rows[side]?.state === 'open');
  return {
    sides: { blue: factOf(sides.blue), green: factOf(sides.green) },
    armed: open.length === 1 && rows[open[0]!]?.guard === 'armed',
    newerFence: newer,
    source,
    certified: lastOpen !== null && rows[lastOpen]?.certificate != null,
    installed: phase === null ? null : PHASE_TRAITS[phase].installed,
    journalSide: store?.row.writableSide ?? null,
    switching: phase === 'switching',
    row: store?.switchover
      ? { to: store.switchover.to, begun: store.switchover.begunAt !== null }
      : null,
    attempt: attemptOf(sides, attempt),
  };
}

/** The one side that says it is open; null when none or both do. */
export function openSide(sides: Scene['sides']): Side | null {
  const rows = rowsOf(sides);
  const open = SIDES.filter((side) => rows[side]?.state === 'open');
  return open.length === 1 ? open[0]! : null;
}

/** Highest epochs seen on the sides, for the next claim. */
export function rowsSeen(sides: Scene['sides']) {
  const { blue, green } = rowsOf(sides);
  return [blue, green];
}
