import { fail } from '@turnout/contracts/errors';
import { sessionName } from '@turnout/core/object-names';
import { SIDES, type Side } from '@turnout/core/sides';
import { within } from '@turnout/core/waiting';
import { evaluateGates, type GateVerdict } from '@turnout/machine/gates';
import { destroySession, openSession, type Session } from '@turnout/postgres/session';
import type { PairContext } from '../context.js';
import type { SchemaSeen, SchemaView } from '../side/schema-view.js';
import { readFacts } from './read-facts.js';

/** Longest evaluation; every part of it has a shorter limit of its own. */
const EVALUATION_TIMEOUT_MS = 12_000;
const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 6_000;
const SETTINGS = { statement_timeout: '5000', lock_timeout: '2000' };

export interface Evaluation {
  readonly from: Side;
  readonly verdicts: readonly GateVerdict[];
  /** Null when a side could not be read; its gate is closed then. */
  readonly schema: SchemaView | null;
  /** Monotonic, of this process. */
  readonly atMs: number;
}

/**
 * Evaluates the gates of a pair, one evaluation at a time and on one session a side: whoever asks
 * meanwhile gets the same answer. A side that is asked often sees no more of us for it.
 */
export class GateKeeper {
  readonly #context: PairContext;
  #sessions: Readonly<Record<Side, Session>> | null = null;
  #running: { readonly from: Side; readonly done: Promise<Evaluation> } | null = null;
  #latest: Evaluation | null = null;

  constructor(context: PairContext) {
    this.#context = context;
  }

  get latest(): Evaluation | null {
    return this.#latest;
  }

  /** The last evaluation when it is no older than `maxAgeMs`, the one under way, or a new one. */
  async recent(from: Side, maxAgeMs: number): Promise<Evaluation> {
    const latest = this.#latest;
    const ageMs = this.#context.clock.monotonicMs() - (latest?.atMs ?? Number.NEGATIVE_INFINITY);
    if (latest?.from === from && ageMs <= maxAgeMs) return latest;
    return this.#running?.from === from ? this.#running.done : this.#begin(from);
  }

  /** An evaluation that began after this call; those that wait for one share it. */
  async evaluate(from: Side): Promise<Evaluation> {
    const before = this.#running;
    if (before) await before.done.catch(() => undefined);
    const begun = this.#running;
    if (begun && begun !== before && begun.from === from) return begun.done;
    return begun && begun !== before ? this.evaluate(from) : this.#begin(from);
  }

  #begin(from: Side): Promise<Evaluation> {
    const running = { from, done: this.#evaluate(from) };
    this.#running = running;
    const ended = (): void => {
      if (this.#running === running) this.#running = null;
    };
    running.done.then(ended, ended);
    return running.done;
  }

  /** @throws TRN5002 naming every closed gate with what was observed */
  async require(from: Side): Promise<{ readonly schema: SchemaSeen }> {
    const { verdicts, schema } = await this.evaluate(from);
    const closed = verdicts.filter(({ open }) => !open);
    if (closed.length === 0 && schema !== null) return { schema: schema.seen };
    throw fail('gate_closed', {
      gates: closed
        .map(({ id, observed, limit }) => `${id}: ${observed ?? 'unknown'}, needs ${limit}`)
        .join('; '),
    });
  }

  close(): void {
    const sessions = this.#sessions;
    this.#sessions = null;
    if (sessions) for (const side of SIDES) destroySession(sessions[side]);
  }

  async #evaluate(from: Side): Promise<Evaluation> {
    const { pair, metrics, clock } = this.#context;
    const atMs = clock.monotonicMs();
    try {
      const control = await this.#answering();
      const { facts, schema } = await within(
        readFacts({ context: this.#context, control, from }),
        EVALUATION_TIMEOUT_MS,
        () => fail('step_timed_out', { step: 'gates', timeout_ms: EVALUATION_TIMEOUT_MS }),
      );
      // A fact that is unknown may be so because a session is in doubt.
      if (Object.values(facts).some((fact) => fact === null)) this.close();
      const verdicts = evaluateGates(facts, pair.gates);
      for (const { id, open } of verdicts) {
        metrics.set('gate_open', { pair: pair.name, gate: id }, open ? 1 : 0);
      }
      this.#latest = { from, verdicts, schema, atMs };
      return this.#latest;
    } catch (thrown) {
      this.close();
      this.#latest = null;
      throw thrown;
    }
  }

  /**
   * Sessions that answer: after a restart of a side those of before are dead, and everything read on
   * them would be unknown although the side is well.
   */
  async #answering(): Promise<Readonly<Record<Side, Session>>> {
    const kept = this.#sessions;
    if (kept !== null) {
      const pings = SIDES.map((side) => kept[side].query(/* sql */ `select 1`));
      await Promise.all(pings).catch(() => this.close());
    }
    return (this.#sessions ??= await this.#open());
  }

  async #open(): Promise<Readonly<Record<Side, Session>>> {
    const { pair } = this.#context;
    const open = (side: Side): Promise<Session> =>
      openSession({
        endpoint: pair[side],
        applicationName: sessionName(0n, 'gates', pair.name),
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        queryTimeoutMs: QUERY_TIMEOUT_MS,
        settings: SETTINGS,
      });
    const blue = await open('blue');
    try {
      return { blue, green: await open('green') };
    } catch (thrown) {
      destroySession(blue);
      throw thrown;
    }
  }
}
