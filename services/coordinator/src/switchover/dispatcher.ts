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

  #dependencies(): RunDependencies {
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
    };
  }

  /**
   * Accepts a switch and runs it in the background. A closed gate is refused here, before anything
   * is recorded as running, and again by the run itself.
   * @throws TRN5002, TRN5003, TRN5004
   */
  async start(request: SwitchRequest): Promise<string> {
    const { store, pair, clock } = this.#context;
    if (this.#current !== null || (await store.switchovers.running(pair.pair)) !== null) {
      throw fail('TRN5004', { switchover: this.#current?.run.id ?? null });
    }
    const row = await store.pairs.get(pair.pair);
    if (row?.writableSide === request.to) throw fail('TRN5005', { writable: request.to });
    await requireGates(this.#context, otherSide(request.to));
    const id = newId('sw', clock.nowMs());
    await move(store, pair.pair, {
      event: 'switchover_requested',
      actor: request.actor,
      data: { switchover: id, to: request.to, reason: request.reason },
      ...(request.expectRevision === undefined ? {} : { expectRevision: request.expectRevision }),
    });
    await store.switchovers.create({
      id,
      pair: pair.pair,
      to: request.to,
      reason: request.reason,
      actor: request.actor,
      planHash: request.planHash,
    });
    const run = new Run(this.#dependencies(), id, request.to);
    this.#follow(run, execute(run), request.actor);
    return id;
  }

  /** Finishes or undoes what a dead coordinator left running. */
  async resume(signal: AbortSignal): Promise<void> {
    const { store, pair } = this.#context;
    while (!signal.aborted && this.#current === null) {
      const left = (await store.switchovers.running(pair.pair)) ?? (await this.#stopped());
      if (left === null) return;
      const run = new Run(this.#dependencies(), left.id, left.to);
      this.#follow(run, recover(run), 'recovery');
      await this.settled();
      // Its holder may be alive and finish it, or be dead and its lease expire.
      await pause(RESUME_INTERVAL_MS, signal).catch(() => undefined);
    }
  }

  /** A switch that waits for an operator is looked at again by every coordinator that starts. */
  async #stopped(): Promise<SwitchoverRow | null> {
    const { store, pair } = this.#context;
    if ((await store.pairs.get(pair.pair))?.phase !== 'switching') return null;
    const last = await store.switchovers.last(pair.pair);
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
    if (!run) throw fail('TRN5017', { pair: this.#context.pair.pair, running: 'none' });
    if (run.decided) throw fail('TRN5010', { switchover: run.id });
    run.abort.abort(fail('TRN5016', { switchover: run.id }));
  }

  /** Resolves when no switch runs. */
  async settled(): Promise<void> {
    await this.#current?.done.catch(() => undefined);
  }

  #follow(run: Run, done: Promise<Result>, actor: string): void {
    const { store, pair, logger, metrics } = this.#context;
    const finished = done.then(async (result) => {
      metrics.count('switchovers_total', { outcome: result.outcome });
      if (result.outcome === 'needs_operator' || result.outcome === 'superseded') return result;
      const side = result.outcome === 'committed' ? run.to : run.from;
      await move(store, pair.pair, {
        event: `${result.outcome === 'committed' ? 'committed_to' : 'undone_on'}_${side}`,
        actor,
        writableSide: side,
        data: { switchover: run.id, reason: result.reason, window_ms: run.windowMs },
      });
      // Only now: the checker drops what is neither wished for nor on the writable side.
      for (const each of SIDES) await store.tracking.setDesired(pair.pair, each, false);
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
    context.metrics.set('gate_open', { pair: pair.pair, gate: id }, open ? 1 : 0);
  }
  const closed = verdicts.filter(({ open }) => !open);
  if (closed.length === 0) return;
  throw fail('TRN5002', {
    gates: closed
      .map(({ id, observed, limit }) => `${id}: ${observed ?? 'unknown'}, needs ${limit}`)
      .join('; '),
  });
}
