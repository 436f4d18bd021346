import { fail } from '@turnout/contracts/errors';
import { isAppError } from '@turnout/core/app-error';
import type { Phase } from '@turnout/machine/phases';
import { formatMs } from '@turnout/core/quantities';
import { CancelledSignal, isCancelled, waitUntil } from '@turnout/core/waiting';
import type { PairContext } from '../context.js';
import { preflight } from '../preflight/preflight.js';
import { preflightError } from '../preflight/verdict.js';
import { reasonOf } from '../switchover/recorder.js';
import { removeObjects } from './cleanup.js';
import { finishSchema, installGuards, installObjects, transferSchema } from './installation.js';
import { countLeaks } from '../gates/leaks.js';
import { followSide } from '../sides/reconcile-routes.js';
import { move } from './move.js';
import { withSideSessions } from './side-sessions.js';

const COPY_TIMEOUT_MS = 7 * 24 * 3_600_000;
const CATCH_UP_TIMEOUT_MS = 7 * 24 * 3_600_000;
const LINK_POLL_MS = 100;

type Stage = (context: PairContext, actor: string, signal: AbortSignal) => Promise<void>;

/** What each phase on the way to the first check does. Each may be begun again after a crash. */
const STAGES: Partial<Record<Phase, Stage>> = {
  preflight: examine,
  copying: copy,
  catching_up: catchUp,
};

/** Takes a pair from where it stands to verifying: preflight, schema, objects, copy, catch-up. */
export async function advancePair(
  context: PairContext,
  actor: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, pair, logger } = context;
  try {
    for (;;) {
      const row = await store.pairs.get(pair.name);
      const stage = STAGES[row?.phase as Phase];
      if (!stage || signal.aborted) return;
      await stage(context, actor, signal);
    }
  } catch (thrown) {
    if (isCancelled(thrown)) return;
    logger.error({ pair: pair.name, reason: reasonOf(thrown) }, 'start failed');
    await setErrored(context, thrown);
  }
}

async function examine(context: PairContext, actor: string): Promise<void> {
  const { store, pair } = context;
  const refused = preflightError(await preflight(pair));
  if (refused !== null) {
    const data = { code: refused.code };
    await move(store, pair.name, { event: 'preflight_failed', actor, data });
    throw refused;
  }
  const transferred = await install(context, actor);
  await store.links.ensure(pair.name, 'forward');
  await forgetOutcome(context);
  await store.links.setDesired(pair.name, 'forward', 'copying');
  await move(store, pair.name, {
    event: 'preflight_passed',
    actor,
    data: { schema: transferred ? 'pg_dump' : 'existing' },
  });
}

/**
 * Our objects first: the schema of the users comes in one transaction and cannot be taken back, so it
 * is last. What fails leaves nothing, and the pair where it can be started again.
 */
async function install({ store, pair }: PairContext, actor: string): Promise<boolean> {
  try {
    await installObjects(pair);
    const transferred = await transferSchema(pair);
    // Green is guarded from its creation: a write there would stop the copy, and be lost after it.
    await installGuards(pair, 'green');
    return transferred;
  } catch (thrown) {
    const left = await removeObjects(pair, null);
    const data = { reason: reasonOf(thrown), left };
    await move(store, pair.name, { event: 'preflight_failed', actor, data });
    throw thrown;
  }
}

async function copy(context: PairContext, actor: string, signal: AbortSignal): Promise<void> {
  const { store, pair } = context;
  await awaitLink(context, 'copied', COPY_TIMEOUT_MS, signal);
  if (pair.schema.transfer === 'pg_dump' && !(await schemaFinished(context))) {
    await finishSchema(pair);
    await store.journal.append(pair.name, {
      type: SCHEMA_FINISHED,
      data: {},
      actor,
      accepted: true,
    });
  }
  await installGuards(pair, 'green');
  await installGuards(pair, 'blue');
  await move(store, pair.name, { event: 'copy_finished', actor });
}

async function catchUp(context: PairContext, actor: string, signal: AbortSignal): Promise<void> {
  const { store, pair } = context;
  await store.links.setDesired(pair.name, 'forward', 'streaming');
  await awaitLink(context, 'streaming', CATCH_UP_TIMEOUT_MS, signal);
  await awaitLag(context, signal);
  // Routes lead somewhere from now on; one that cannot be set is told by its gate.
  await followSide(context, 'blue', 0n, signal);
  await move(store, pair.name, { event: 'caught_up', actor });
}

/** What an earlier start left on the link would be read as the outcome of this one. */
async function forgetOutcome({ store, pair }: PairContext): Promise<void> {
  const observed = (await store.links.get(pair.name, 'forward'))?.observed;
  if (!observed) return;
  const none = { state: 'stopped', code: null, message: null, copy: null } as const;
  await store.links.report(pair.name, 'forward', { ...observed, ...none });
}

const SCHEMA_FINISHED = 'schema_finished';

/** Whether indexes and constraints were built since the last start: building them twice fails. */
async function schemaFinished({ store, pair }: PairContext): Promise<boolean> {
  let finished = false;
  for (let after = 0; ;) {
    const entries = await store.journal.read(pair.name, { afterRevision: after, limit: 500 });
    for (const entry of entries) {
      after = entry.revision;
      if (entry.data['event'] === 'start_requested') finished = false;
      if (entry.type === SCHEMA_FINISHED) finished = true;
    }
    if (entries.length === 0) return finished;
  }
}

/** An abort ends the start it aborts: left waiting, it would meddle with the next one. */
async function requireUnderWay({ store, pair }: PairContext): Promise<void> {
  const row = await store.pairs.get(pair.name);
  if (!STAGES[row?.phase as Phase]) throw new CancelledSignal('start');
}

async function awaitLink(
  context: PairContext,
  state: 'copied' | 'streaming',
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { store, pair } = context;
  await waitUntil(
    async () => {
      await requireUnderWay(context);
      const link = await store.links.get(pair.name, 'forward');
      const observed = link?.observed;
      if (observed?.state === 'failed') {
        throw fail('copy_failed', {
          code: observed.code ?? null,
          reason: observed.message ?? null,
        });
      }
      return observed?.state === state ? true : undefined;
    },
    {
      timeoutMs,
      intervalMs: LINK_POLL_MS,
      signal,
      onTimeout: () => fail('copy_failed', { reason: `link is not ${state}` }),
    },
  );
}

async function awaitLag(context: PairContext, signal: AbortSignal): Promise<void> {
  const { store, pair } = context;
  await waitUntil(
    async () => {
      await requireUnderWay(context);
      const lag = await store.lag.get(pair.name, 'forward');
      const ms = lag?.lagMs ?? null;
      return ms !== null && ms <= pair.gates.lagMaxMs ? true : undefined;
    },
    {
      timeoutMs: CATCH_UP_TIMEOUT_MS,
      intervalMs: LINK_POLL_MS,
      signal,
      onTimeout: () => fail('drain_timed_out', { reason: 'the link does not catch up' }),
    },
  );
}

/** Errored is a condition beside the phase, so that the phase still says how far the pair came. */
async function setErrored({ store, pair, clock }: PairContext, thrown: unknown): Promise<void> {
  const row = await store.pairs.get(pair.name);
  if (!row) return;
  const code = isAppError(thrown) ? thrown.code : 'TRN7008';
  await store.journal.transition(pair.name, {
    conditions: [
      ...row.conditions.filter(({ condition }) => condition !== 'errored'),
      {
        condition: 'errored',
        since: new Date(clock.nowMs()).toISOString(),
        reason: reasonOf(thrown),
        code,
      },
    ],
    type: 'condition_changed',
    data: { condition: 'errored', code },
    actor: 'coordinator',
  });
}

/** Ends a pair and removes what it installed, on both sides. @throws TRN5022 while leaks are open */
export async function endPair(
  context: PairContext,
  event: 'abort_requested' | 'complete_requested',
  actor: string,
): Promise<string[]> {
  const { store, pair } = context;
  if (event === 'complete_requested') await requireSoaked(context);
  await move(store, pair.name, { event, actor });
  const row = await store.pairs.get(pair.name);
  for (const direction of ['forward', 'reverse'] as const) {
    const link = await store.links.get(pair.name, direction);
    if (!link) continue;
    await store.links.setDesired(pair.name, direction, 'stopped');
    await awaitStopped(context, direction);
  }
  for (const side of ['blue', 'green'] as const) {
    await store.tracking.setDesired(pair.name, side, false);
  }
  const left = await removeObjects(pair, event === 'complete_requested' ? 'blue' : null);
  if (left.length === 0) await move(store, pair.name, { event: 'cleaned_up', actor });
  await store.journal.append(pair.name, {
    type: 'objects_removed',
    data: { left, phase: row?.phase ?? null },
    actor,
    accepted: true,
  });
  return left;
}

/** @throws TRN5022 while leaks are open, TRN5002 before the soak is over */
async function requireSoaked({ store, pair, clock }: PairContext): Promise<void> {
  const last = await store.switchovers.last(pair.name);
  const switchedMs = last?.finishedAt ? Date.parse(last.finishedAt) : clock.nowMs();
  const soakedMs = clock.nowMs() - switchedMs;
  if (soakedMs < pair.soak.minMs) {
    throw fail('gate_closed', {
      gates: `soak: ${formatMs(soakedMs)}, needs ${formatMs(pair.soak.minMs)}`,
    });
  }
  const leaks = await withSideSessions(pair, countLeaks);
  if (leaks > 0) throw fail('leaks_open', { leaks });
}

const STOP_TIMEOUT_MS = 15_000;

async function awaitStopped(
  { store, pair }: PairContext,
  direction: 'forward' | 'reverse',
): Promise<void> {
  await waitUntil(
    async () => {
      const state = (await store.links.get(pair.name, direction))?.observed?.state;
      return state === undefined || state === 'stopped' || state === 'failed' ? true : undefined;
    },
    {
      timeoutMs: STOP_TIMEOUT_MS,
      intervalMs: LINK_POLL_MS,
      onTimeout: () => fail('link_superseded', { reason: 'link does not stop', direction }),
    },
  ).catch(() => undefined);
}
