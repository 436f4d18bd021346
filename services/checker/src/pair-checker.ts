import { sessionName } from '@turnout/core/object-names';
import { directionFrom, isSide, otherSide, SIDES, type Side } from '@turnout/core/sides';
import { deferred, isCancelled, pause, type Deferred } from '@turnout/core/waiting';
import type { CheckRow } from '@turnout/store/checks';
import type { PairContext } from './checker-context.js';
import { describeFailure, reasonOf } from './check-failure.js';
import { runCheck } from './checks/check-run.js';
import { endCheck, startProgress } from './checks/check-report.js';
import { recordedDifferences } from './checks/recorded-differences.js';
import { ContinuousRounds } from './checks/continuous-rounds.js';
import type { SideTracking } from './tracking/side-tracking.js';
import { PairTrackers, type WantedTracking } from './tracking/pair-trackers.js';

/** Without a notification the control store is asked this often. */
const POLL_INTERVAL_MS = 1_000;
/** Pause after a pass that failed: a side that is down is asked twice a second. */
const FAILURE_PAUSE_MS = 500;
/** Nothing is replicated yet, or not any more. */
const PHASES_WITHOUT_TRACKING = new Set(['draft', 'preflight', 'completed', 'aborted']);

/** Serves one pair while its lease is held: one thing at a time, final checks before all others. */
export class PairChecker {
  readonly #context: PairContext;
  readonly #trackers: PairTrackers;
  readonly #rounds: ContinuousRounds;
  #wakeUp: Deferred<void> = deferred();
  #polledAtMs = Number.NEGATIVE_INFINITY;
  #wanted: WantedTracking = { writableSide: null, sides: new Set() };
  #eager = false;

  constructor(context: PairContext, epoch: bigint) {
    this.#context = context;
    this.#trackers = new PairTrackers({
      pair: context.pair,
      store: context.store,
      applicationName: sessionName(epoch, 'checker', context.pair.name),
    });
    this.#rounds = new ContinuousRounds(context, this.#trackers);
  }

  /** Something in the control store changed: look at once. */
  wake(): void {
    this.#polledAtMs = Number.NEGATIVE_INFINITY;
    this.#wakeUp.resolve();
  }

  /** Runs until `signal` aborts; closes every session and stream it opened. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, pair } = this.#context;
    try {
      while (!signal.aborted) {
        this.#wakeUp = deferred();
        try {
          await this.#pass(signal);
          await this.#sleep(signal);
        } catch (thrown) {
          if (signal.aborted || isCancelled(thrown)) break;
          const facts = {
            pair: pair.name,
            reason: reasonOf(thrown),
            said: describeFailure(thrown),
          };
          log.warn(facts, 'verification pass failed');
          await this.#trackers.closeSessions();
          await pause(FAILURE_PAUSE_MS, signal).catch(() => undefined);
        }
      }
    } finally {
      await this.#trackers.close();
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#polledAtMs >= POLL_INTERVAL_MS) {
      this.#polledAtMs = performance.now();
      // Claimed first: inside the window every other question can wait.
      for (;;) {
        const { pair, store, instanceId } = this.#context;
        const check = await store.checks.claim(pair.name, instanceId);
        if (!check) break;
        await this.#check(check, signal);
      }
      await this.#readWanted();
      await this.#trackers.reconcile(this.#wanted);
    }
    const { writableSide } = this.#wanted;
    if (writableSide !== null) await this.#rounds.runDue(writableSide, this.#eager, signal);
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const untilPollMs = this.#polledAtMs + POLL_INTERVAL_MS - performance.now();
    const ms = Math.max(0, Math.min(untilPollMs, this.#rounds.dueInMs(this.#eager)));
    const timer = new AbortController();
    const ended = AbortSignal.any([signal, timer.signal]);
    await Promise.race([this.#wakeUp.promise, pause(ms, ended).catch(() => undefined)]);
    timer.abort();
  }

  async #readWanted(): Promise<void> {
    const { pair, store } = this.#context;
    const row = await store.pairs.get(pair.name);
    if (!row || PHASES_WITHOUT_TRACKING.has(row.phase)) {
      this.#wanted = { writableSide: null, sides: new Set() };
      this.#eager = false;
      return;
    }
    const { writableSide } = row;
    const rows = await Promise.all(SIDES.map((side) => store.tracking.get(pair.name, side)));
    const desired = rows.filter((each) => each?.desired === 'on').map((each) => each!.side);
    const sides = new Set<Side>(desired);
    // A base found by an earlier process, or a tracker that a check has started, is kept up.
    const known = rows.find((each) => each?.side === writableSide)?.observed?.baseCheckId;
    if (desired.length > 0 || known || this.#trackers.get(writableSide)) sides.add(writableSide);
    // The coordinator ends the eager rounds of the side it is about to fence: one that runs would be
    // waited for inside the window.
    this.#eager = desired.includes(writableSide);
    this.#wanted = { writableSide, sides };
  }

  async #check(check: CheckRow, signal: AbortSignal): Promise<void> {
    const { pair, store } = this.#context;
    const progress = startProgress(this.#context, check.id);
    try {
      const source = await this.#sourceOf(check);
      const refusal = source === null ? 'pair_not_started' : await this.#linkRefusal(check, source);
      if (source === null || refusal !== null) {
        await endCheck(this.#context, check, { reason: refusal ?? 'pair_not_started' });
        return;
      }
      const tracking = await this.#trackingFor(check, source);
      if (tracking === null) {
        await endCheck(this.#context, check, { reason: 'no_base' });
        return;
      }
      const { end, alignment, thrown } = await runCheck({
        id: check.id,
        kind: check.kind,
        params: check.params,
        tracking,
        sessions: await this.#trackers.sessions(source),
        signal,
        record: (differences) =>
          store.checks.recordDifferences(check.id, recordedDifferences(differences)),
        onProgress: progress.update,
      });
      if (thrown !== undefined) await this.#trackers.closeSessions();
      if (check.kind === 'final' && end.outcome === 'equal' && alignment) {
        this.#trackers.adopt(otherSide(source), check.id, alignment.target);
      }
      await endCheck(this.#context, check, end);
    } catch (thrown) {
      await this.#trackers.closeSessions();
      await endCheck(this.#context, check, { reason: reasonOf(thrown) });
    } finally {
      await progress.stop();
    }
    await this.#rounds.report(pair.name);
  }

  /** A new slot waits for all transactions in progress, and so for ever for an open fence. */
  async #trackingFor({ kind }: CheckRow, source: Side): Promise<SideTracking | null> {
    if (kind === 'full') return this.#trackers.ensureCurrent(source);
    return kind === 'final' ? this.#trackers.get(source) : this.#trackers.ensure(source);
  }

  /** The caller of a final check says the direction; inside the window the pair's row still names the old one. */
  async #sourceOf({ params, pair }: CheckRow): Promise<Side | null> {
    if (isSide(params['source'])) return params['source'];
    const row = await this.#context.store.pairs.get(pair);
    return row && !PHASES_WITHOUT_TRACKING.has(row.phase) ? row.writableSide : null;
  }

  /** Half a copy is not a divergence. Inside the window the drain has shown that the link works. */
  async #linkRefusal({ kind, pair }: CheckRow, source: Side): Promise<string | null> {
    if (kind === 'final') return null;
    const link = await this.#context.store.links.get(pair, directionFrom(source));
    const state = link?.observed?.state ?? 'unknown';
    return state === 'streaming' ? null : `link_${state}`;
  }
}
