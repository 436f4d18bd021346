import type { StandbyPolicy } from '@turnout/contracts/config/pair-config';
import { objectName } from '@turnout/core/object-names';
import { directionFrom, otherSide, SIDES, type Direction, type Side } from '@turnout/core/sides';
import type { GateVerdict } from '@turnout/machine/gates';
import { readGuardedTables, readUnguardedTables } from '@turnout/postgres/catalog/guarded-tables';
import { readWriterLocks } from '@turnout/postgres/catalog/locks';
import type { Session } from '@turnout/postgres/session';
import { readSlot } from '@turnout/postgres/slots';
import type { PairContext } from '../context.js';
import { previewSequences, type SequencePreview } from '../side/sequences.js';
import { awaitStandbys } from '../side/standbys.js';

/** What the rows of the step table will act on, read from the databases. */
export interface PlanFacts {
  readonly from: Side;
  readonly to: Side;
  readonly oldLink: Direction;
  readonly newSlot: { readonly name: string; readonly exists: boolean };
  readonly gates: readonly GateVerdict[];
  readonly guarded: number;
  readonly unguarded: readonly string[];
  readonly sequences: readonly (Omit<SequencePreview, 'note'> & { readonly note: string })[];
  readonly policy: StandbyPolicy;
  readonly standbys: string;
  /** Transactions that arming would wait for now. */
  readonly writers: readonly string[];
  readonly routes: readonly string[];
  readonly poolerCount: number;
  /** Full check that the final one builds on; null when there is none. */
  readonly proofBase: string | null;
  readonly lockTimeoutMs: number;
  readonly attemptsMax: number;
}

export async function readPlanFacts(
  { pair, store, routes }: PairContext,
  sessions: Readonly<Record<Side, Session>>,
  { to, gates }: { readonly to: Side; readonly gates: readonly GateVerdict[] },
): Promise<PlanFacts> {
  const from = otherSide(to);
  const slot = objectName(pair.name, directionFrom(to));
  const guarded = await readGuardedTables(sessions[from]);
  const unguarded = await readUnguardedTables(sessions[from]);
  const tracking = await store.tracking.get(pair.name, from);
  const counts: string[] = [];
  for (const side of SIDES) {
    const wait = { side, policy: pair.standbys, timeoutMs: pair.window.standbyWaitMs };
    const count = await awaitStandbys(sessions[side], wait).catch(() => null);
    counts.push(`${side} ${count ?? 'behind'}`);
  }
  const writers = await readWriterLocks(sessions[from]);
  return {
    from,
    to,
    oldLink: directionFrom(from),
    newSlot: { name: slot, exists: (await readSlot(sessions[to], slot)) !== null },
    gates,
    guarded: guarded.length,
    unguarded: unguarded.map(({ schema, name }) => `${schema}.${name}`),
    sequences: await previewSequences(sessions[from], sessions[to]),
    policy: pair.standbys,
    standbys: counts.join(', '),
    writers: writers.map(({ pid, applicationName, virtualTransaction }) =>
      pid === null
        ? `prepared transaction ${virtualTransaction}`
        : `session ${pid} ${applicationName ?? ''}`.trim(),
    ),
    routes: routes.describe(),
    poolerCount: routes.poolerCount,
    proofBase: tracking?.observed?.baseCheckId ?? null,
    lockTimeoutMs: pair.window.lockTimeoutMs,
    attemptsMax: pair.window.attemptsMax,
  };
}

/** What would be done, without what was merely observed: a plan that is approved stays the same. */
export function lasting(facts: PlanFacts): PlanFacts {
  return {
    ...facts,
    gates: facts.gates.map((gate) => ({ ...gate, open: true, observed: '' })),
    sequences: facts.sequences.map((each) => ({ ...each, from: '', to: '', margin: '', note: '' })),
    standbys: '',
    writers: [],
    proofBase: '',
  };
}
