import { otherSide } from '@turnout/core/sides';
import { ROUTE_KINDS } from '@turnout/traffic/route-kinds';
import { sendMarker } from '../side/round-trip.js';
import { ask } from '../side/side-row.js';
import { readLinkOpen } from '../side/sql/drain-sql.js';
import { awaitStandbys } from '../side/standbys.js';
import type { Attempt } from './attempt.js';
import { recordOutcome } from './outcome.js';
import type { StepDetail } from './step.js';

const CANARY_TIMEOUT_MS = 15_000;
const ROUTE_TIMEOUT_MS = 3_000;

/**
 * Leads clients to `to`, each route by itself. One that cannot be set delays its own clients and is
 * repeated by the loop; the switch is committed without it.
 */
export async function route(attempt: Attempt): Promise<StepDetail> {
  const { context, to } = attempt;
  const { routes, pair, clock } = context;
  // An opening counts when its standbys have it: a lagging one that is promoted is closed again.
  const wait = { side: to, policy: pair.standbys, timeoutMs: pair.window.standbyWaitMs };
  await awaitStandbys(attempt.control(to), wait);
  const openedMs = clock.monotonicMs();
  const epoch = attempt.known('fenceEpoch');
  const outcomes = await routes.point(to, epoch, { deadlineMs: ROUTE_TIMEOUT_MS });
  // Clients wait for poolers that were paused; what only brings news does not hold them up.
  const held = outcomes.filter(({ kind }) => ROUTE_KINDS[kind].pausable).map(({ ms }) => ms);
  attempt.closeWindow(openedMs + Math.max(0, ...held));
  await attempt.knownIfAny('guardian')?.release();
  const unfinished = outcomes.filter(({ ok }) => !ok);
  return {
    routes: outcomes.length,
    routes_unfinished: unfinished.map(({ route: name }) => name).join(' ') || null,
    window_ms: attempt.windowMs === null ? null : Math.round(attempt.windowMs),
  };
}

/** A marker behind C2 in the stream of `to`: when it arrives the new link has handled C2. */
export async function watch(attempt: Attempt): Promise<StepDetail> {
  const { to, newLink } = attempt;
  const from = attempt.known('claimed').control[otherSide(to)];
  // The retired side may be gone: what was decided holds without it.
  if (!from) return { canary_ms: null, new_link_open: null };
  const canaryMs = await sendMarker(
    { side: to, written: attempt.control(to), seen: from },
    CANARY_TIMEOUT_MS,
  );
  const [link] = await ask(from, readLinkOpen(newLink));
  return { canary_ms: Math.round(canaryMs), new_link_open: link?.['open'] === 't' };
}

export async function report(attempt: Attempt): Promise<StepDetail> {
  const { windowMs, context, id, to, actor } = attempt;
  const rows = attempt.known('claimed').rows;
  // Written on the side in the transaction that closed it; this is the record of it.
  const certificate = attempt.knownIfAny('certificate') ?? rows[otherSide(to)]?.certificate ?? null;
  await recordOutcome(context, attempt.recorder, {
    id,
    to,
    actor,
    outcome: 'committed',
    reason: null,
    windowMs,
    certificate,
  });
  return { window_ms: windowMs === null ? null : Math.round(windowMs) };
}
