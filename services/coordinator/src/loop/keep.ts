import { directionFrom, DIRECTIONS, otherSide, SIDES, type Side } from '@turnout/core/sides';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import type { LinkDesired } from '@turnout/store/links';
import type { RouteOutcome } from '@turnout/traffic/routes';
import { endClaimed, nextEpoch, takeOver, type Claimed } from '../side/claim.js';
import { closeForClients, openForClients } from '../side/second-layer.js';
import type { Leading } from '../lifecycle/stage.js';
import { openSide, rowsSeen } from './scene.js';

/**
 * What is kept true in every round while nothing switches. Everything here is derived: from the phase,
 * the conditions and the sides. A wish that another wrote late is simply wished again.
 */

/** What the links of a pair are to do; a link that is left out stays as it is. */
export function desiredLinks(
  phase: Phase,
  { paused, source }: { readonly paused: boolean; readonly source: Side },
): Partial<Record<(typeof DIRECTIONS)[number], LinkDesired>> {
  const { forward } = PHASE_TRAITS[phase];
  if (forward === 'stopped') return { forward: 'stopped', reverse: 'stopped' };
  if (forward === 'copying') return { forward: 'copying' };
  // The link that carries changes; the other one watches, once it was made for a first switch.
  if (phase === 'switching') return {};
  return { [directionFrom(source)]: paused ? 'stopped' : 'streaming' };
}

export async function keepLinks({ context, row, sides }: Leading): Promise<void> {
  const { store, pair } = context;
  const paused = row.conditions.some(({ condition }) => condition === 'paused');
  const source = openSide(sides) ?? row.writableSide;
  const desired = desiredLinks(row.phase as Phase, { paused, source });
  for (const direction of DIRECTIONS) {
    const wanted = desired[direction];
    if (wanted === undefined) continue;
    const link = await store.links.get(pair.name, direction);
    if (link === null && wanted === 'stopped') continue;
    if (link?.desired !== wanted) await store.links.setDesired(pair.name, direction, wanted);
  }
}

/** Tracking on demand is of a switch only; what one left behind is taken back. */
export async function keepTracking({ context, row }: Leading): Promise<void> {
  if (row.phase === 'switching') return;
  const { store, pair } = context;
  for (const side of SIDES) {
    const tracking = await store.tracking.get(pair.name, side);
    if (tracking?.desired === 'on') await store.tracking.setDesired(pair.name, side, false);
  }
}

/** A side seen on another server than before: proofs made until now say nothing about it. */
export async function keepIdentities({ context, sides }: Leading): Promise<void> {
  const { store, pair, clock, logger } = context;
  const { identities } = await store.notes.get(pair.name);
  for (const side of SIDES) {
    const seen = sides[side];
    if (!seen.reachable || seen.identity.timeline === null) continue;
    const { systemIdentifier, timeline } = seen.identity;
    const known = identities[side];
    if (known?.system_identifier === systemIdentifier && known.timeline === timeline) continue;
    const changed = known !== undefined;
    const since = new Date(clock.nowMs()).toISOString();
    await store.notes.setIdentity(pair.name, side, {
      system_identifier: systemIdentifier,
      timeline,
      since,
      changed,
    });
    if (!changed) continue;
    const data = {
      side,
      was: `${known.system_identifier}/${known.timeline ?? ''}`,
      is: `${systemIdentifier}/${timeline}`,
    };
    logger.error({ pair: pair.name, ...data }, 'another server answers for a side');
    const entry = { type: 'identity_changed', data, actor: 'coordinator', accepted: true };
    await store.journal.append(pair.name, entry);
  }
}

/** Runs `work` under a fresh claim of the sides named; the sessions end with it. */
export async function underClaim<T>(
  { context, lease, sides }: Pick<Leading, 'context' | 'lease' | 'sides'>,
  { all, optional }: { readonly all: readonly Side[]; readonly optional: readonly Side[] },
  work: (claimed: Claimed) => Promise<T>,
): Promise<T> {
  const epoch = nextEpoch(lease.epoch, rowsSeen(sides));
  const claimed = await takeOver({ pair: context.pair, sides: all, optional, epoch });
  try {
    return await work(claimed);
  } finally {
    endClaimed(claimed.control);
  }
}

/**
 * The second layer of the fence: a side that a switch closed is read-only by default, the open one is
 * not. It was open before its first switch, so a fresh green is left alone.
 */
export async function keepSecondLayer(leading: Leading): Promise<void> {
  const { context, sides, row } = leading;
  const open = openSide(sides);
  if (open === null || row.phase === 'switching') return;
  const closed = otherSide(open);
  const wrong = SIDES.filter((side) => {
    const seen = sides[side];
    if (!seen.reachable || !seen.row) return false;
    const fenced = side === closed && seen.row.fenceEpoch > 0n;
    return side === open ? seen.readOnlyByDefault : fenced !== seen.readOnlyByDefault;
  });
  if (wrong.length === 0) return;
  await underClaim(leading, { all: wrong, optional: [] }, async (held) => {
    for (const side of wrong) {
      const session = held.control[side]!;
      if (held.rows[side]?.state !== (side === open ? 'open' : 'closed')) continue;
      const ended =
        side === open
          ? await openForClients(session, held.claim)
          : await closeForClients(session, held.claim);
      const data = { side, read_only: side !== open, sessions_ended: ended };
      const entry = { type: 'second_layer', data, actor: 'coordinator', accepted: true };
      await context.store.journal.append(context.pair.name, entry);
    }
  });
}

const ROUTES_INTERVAL_MS = 5_000;
const ROUTES_DEADLINE_MS = 3_000;

/**
 * Routes follow the sides for ever: a pooler that came back with an old file is set right. They are
 * asked first, and touched only under the claim: who merely starts touches none.
 */
export class RouteKeeper {
  #keptMs = Number.NEGATIVE_INFINITY;
  #outcomes: readonly RouteOutcome[] | null = null;

  /** What became of each route when it was last looked at; null before the first time. */
  get outcomes(): readonly RouteOutcome[] | null {
    return this.#outcomes;
  }

  /** The next round looks at once. */
  hurry(): void {
    this.#keptMs = Number.NEGATIVE_INFINITY;
  }

  async keep(leading: Leading): Promise<void> {
    const { context, sides, row } = leading;
    const { routes, clock } = context;
    const open = openSide(sides);
    const due = clock.monotonicMs() - this.#keptMs >= ROUTES_INTERVAL_MS;
    if (routes.count === 0 || open === null || !due) return;
    if (!PHASE_TRAITS[row.phase as Phase].routed || row.phase === 'switching') return;
    this.#keptMs = clock.monotonicMs();
    const states = await routes.probe({ deadlineMs: ROUTES_DEADLINE_MS });
    if (states.every(({ routedTo }) => routedTo === open)) {
      this.#outcomes = states.map(({ route, kind, routedTo, ms }) => ({
        route,
        kind,
        ok: true,
        observed: routedTo,
        error: null,
        ms,
      }));
      return;
    }
    this.#outcomes = await underClaim(leading, { all: [open], optional: [] }, async (held) => {
      const seen = held.rows[open];
      if (seen?.state !== 'open') return this.#outcomes;
      return routes.reconcile(open, seen.fenceEpoch, { deadlineMs: ROUTES_DEADLINE_MS });
    });
  }
}
