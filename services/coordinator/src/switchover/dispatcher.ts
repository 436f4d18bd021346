import { fail } from '@turnout/contracts/errors';
import { otherSide, SIDES, type Side } from '@turnout/core/sides';
import { pause } from '@turnout/core/waiting';
import { evaluateGates } from '@turnout/machine/gates';
import type { PairContext } from '../context.js';
import { readFacts } from '../gates/read-facts.js';
import { newId } from '../pairs/installation.js';
import { move } from '../pairs/move.js';
import { withSideSessions } from '../pairs/side-sessions.js';
import type { SwitchoverRow } from '@turnout/store/switchovers';
import { execute, type Result } from './engine.js';
import { recover } from './recover.js';
import { reasonOf } from './recorder.js';
import { Run, type RunDependencies } from './run.js';

const RESUME_INTERVAL_MS = 250;

export interface SwitchRequest {
  readonly to: Side;
  readonly reason: string | null;
  readonly actor: string;
  readonly planHash: string | null;
  readonly expectRevision?: number | undefined;
}

/** Starts switches of one pair, one at a time, and finishes what an earlier process left. */
export class Dispatcher {
  readonly #context: PairContext;
  /** Switches that this process could not finish either: it waits for a person, or a restart. */
  readonly #told = new Set<string>();
  #current: { readonly run: Run; readonly done: Promise<Result> } | null = null;

  constructor(context: PairContext) {
    this.#context = context;
  }

  #dependencies(actor: string): RunDependencies {
    const { pair, store, routes, logger, metrics, clock, instanceId } = this.#context;
    return {
      pair,
      store,
      routes,
      logger,
      metrics,
      clock,
      instanceId,
      requireGates: (from) => requireGates(this.#context, from),
      movePhase: (run, outcome, reason) => this.#endPhase(run, outcome, { actor, reason }),
    };
  }

  /**
   * Accepts a switch and runs it in the background. A closed gate is refused here, before anything
   * is recorded as running, and again by the run itself.
   * @throws TRN5002, TRN5003, TRN5004
   */
  async start(request: SwitchRequest): Promise<string> {
    const { store, pair, clock } = this.#context;
    const running = await store.switchovers.running(pair.name);
    if (running !== null) throw fail('switchover_running', { switchover: running.id });
    // The last one has told its outcome and is putting its things away.
    await this.settled();
    const row = await store.pairs.get(pair.name);
    if (row?.writableSide === request.to)
      throw fail('expectation_failed', { writable: request.to });
    await requireGates(this.#context, otherSide(request.to));
    const id = newId('sw', clock.nowMs());
    // First, and only one can run: of two requests at once the other is refused here. A phase of
    // `switching` without a switch that a successor could find would stay for ever.
    await store.switchovers.create({
      id,
      pair: pair.name,
      to: request.to,
      reason: request.reason,
      actor: request.actor,
      planHash: request.planHash,
    });
    await this.#beginPhase(id, request);
    const run = new Run(this.#dependencies(request.actor), id, request.to);
    this.#follow(run, execute(run));
    return id;
  }

  async #beginPhase(id: string, request: SwitchRequest): Promise<void> {
    const { store, pair } = this.#context;
    try {
      await move(store, pair.name, {
        event: 'switchover_requested',
        actor: request.actor,
        data: { switchover: id, to: request.to, reason: request.reason },
        ...(request.expectRevision === undefined ? {} : { expectRevision: request.expectRevision }),
      });
    } catch (thrown) {
      await store.switchovers.update(id, { outcome: 'undone', reason: reasonOf(thrown) });
      throw thrown;
    }
  }

  /** Finishes or undoes what a dead coordinator left running. */
  async resume(signal: AbortSignal): Promise<void> {
    const { store, pair } = this.#context;
    while (!signal.aborted && this.#current === null) {
      const left = (await store.switchovers.running(pair.name)) ?? (await this.#stopped());
      if (left === null) return;
      const run = new Run(this.#dependencies('recovery'), left.id, left.to);
      this.#follow(run, recover(run));
      await this.settled();
      // Its holder may be alive and finish it, or be dead and its lease expire.
      await pause(RESUME_INTERVAL_MS, signal).catch(() => undefined);
    }
  }

  /** A switch that waits for an operator is looked at again by every coordinator that starts. */
  async #stopped(): Promise<SwitchoverRow | null> {
    const { store, pair } = this.#context;
    if ((await store.pairs.get(pair.name))?.phase !== 'switching') return null;
    const last = await store.switchovers.last(pair.name);
    const again = last?.outcome === 'needs_operator' && !this.#told.has(last.id);
    if (!again) return null;
    this.#told.add(last.id);
    return last;
  }

  /** Whether nothing of this pair is being moved by this process. */
  get idle(): boolean {
    return this.#current === null;
  }

  /** Cancels before the decision. @throws TRN5017 when none runs, TRN5010 after the decision */
  cancel(): void {
    const run = this.#current?.run;
    if (!run) throw fail('switchover_unknown', { pair: this.#context.pair.name, running: 'none' });
    if (run.decided) throw fail('already_decided', { switchover: run.id });
    run.abort.abort(fail('switchover_cancelled', { switchover: run.id }));
  }

  /** Resolves when no switch runs. */
  async settled(): Promise<void> {
    await this.#current?.done.catch(() => undefined);
  }

  async #endPhase(
    run: Run,
    outcome: 'committed' | 'undone',
    { actor, reason }: { actor: string; reason: string | null },
  ): Promise<void> {
    const { store, pair } = this.#context;
    const side = outcome === 'committed' ? run.to : run.from;
    // A predecessor may have come as far as this and died before it told the outcome.
    if ((await store.pairs.get(pair.name))?.phase === 'switching') {
      await move(store, pair.name, {
        event: `${outcome === 'committed' ? 'committed_to' : 'undone_on'}_${side}`,
        actor,
        writableSide: side,
        data: { switchover: run.id, reason, window_ms: run.windowMs },
      });
    }
    // Only now: the checker drops what is neither wished for nor on the writable side.
    for (const each of SIDES) await store.tracking.setDesired(pair.name, each, false);
  }

  #follow(run: Run, done: Promise<Result>): void {
    const { logger, metrics } = this.#context;
    const finished = done.then((result) => {
      metrics.count('switchovers_total', { outcome: result.outcome });
      return result;
    });
    this.#current = { run, done: finished };
    finished
      .catch((thrown: unknown) => logger.error({ err: thrown }, 'switch could not be recorded'))
      .finally(() => {
        this.#current = null;
      });
  }
}

/** @throws TRN5002 naming every closed gate with what was observed */
export async function requireGates(context: PairContext, from: Side): Promise<void> {
  const { pair, store, routes, clock } = context;
  const facts = await withSideSessions(pair, (control) =>
    readFacts({ pair, store, routes, control, from, nowMs: clock.nowMs() }),
  );
  const verdicts = evaluateGates(facts, pair.gates);
  for (const { id, open } of verdicts) {
    context.metrics.set('gate_open', { pair: pair.name, gate: id }, open ? 1 : 0);
  }
  const closed = verdicts.filter(({ open }) => !open);
  if (closed.length === 0) return;
  throw fail('gate_closed', {
    gates: closed
      .map(({ id, observed, limit }) => `${id}: ${observed ?? 'unknown'}, needs ${limit}`)
      .join('; '),
  });
}
