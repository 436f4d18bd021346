import { must } from '@turnout/core/assert';
import { directionFrom, otherSide, SIDES, type Direction, type Side } from '@turnout/core/sides';
import { destroySession, type Session } from '@turnout/postgres/session';
import type { SwitchoverRow } from '@turnout/store/switchovers';
import type { Hold } from '@turnout/traffic/routes';
import type { PairContext } from '../context.js';
import type { GateKeeper } from '../gates/gate-keeper.js';
import type { Claimed } from '../side/claim.js';
import type { DrainProof } from '../side/drain.js';
import type { SchemaSeen } from '../side/schema-view.js';
import type { SequenceMargin, SequenceMove } from '../side/sequences.js';
import type { Recorder } from './recorder.js';

/** What one step finds out and a later one needs, by name. */
export interface Known {
  readonly claimed: Claimed;
  /** Runs nothing but the fence transaction on `from`. */
  readonly fence: Session;
  /** Runs nothing but the prepare transaction on `to`. */
  readonly prepare: Session;
  /** Both sides as the gates saw them; arm and fence compare with exactly this. */
  readonly schema: SchemaSeen;
  readonly guardian: Hold;
  readonly fenceEpoch: bigint;
  readonly proof: DrainProof;
  readonly checkId: string;
  readonly sequences: readonly SequenceMove[];
  /** How fast sequences were used while arming, and for how long the margin has to last. */
  readonly margin: SequenceMargin;
  readonly certificate: Readonly<Record<string, unknown>>;
}

export interface AttemptParts {
  readonly context: PairContext;
  readonly gates: GateKeeper;
  readonly row: Pick<SwitchoverRow, 'id' | 'to' | 'actor'>;
  readonly recorder: Recorder;
  /** Epoch to claim with. */
  readonly epoch: bigint;
  readonly known?: Partial<Known> | undefined;
}

/**
 * One try of a switch, or the finishing of one that was decided. It owns its sessions; when anything
 * goes wrong they are destroyed and the loop looks at the sides again: an attempt undoes nothing.
 */
export class Attempt {
  readonly context: PairContext;
  readonly gates: GateKeeper;
  readonly recorder: Recorder;
  readonly id: string;
  readonly actor: string;
  readonly epoch: bigint;
  readonly to: Side;
  readonly from: Side;
  /** Carries changes from `from` to `to` until C2, then watches `from`. */
  readonly oldLink: Direction;
  /** Carries changes from `to` back to `from` after C2. */
  readonly newLink: Direction;
  readonly #abort = new AbortController();
  #known: Partial<Known>;
  #failure: unknown = null;
  #windowStartedMs: number | null = null;
  #windowMs: number | null = null;
  /** C1 was sent: neither a request to cancel nor a lost lease ends the attempt from here on. */
  decided = false;

  constructor({ context, gates, row, recorder, epoch, known = {} }: AttemptParts) {
    this.context = context;
    this.gates = gates;
    this.recorder = recorder;
    this.id = row.id;
    this.actor = row.actor;
    this.epoch = epoch;
    this.to = row.to;
    this.from = otherSide(row.to);
    this.oldLink = directionFrom(this.from);
    this.newLink = directionFrom(this.to);
    this.#known = known;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why it was ended from outside; null when it was not. */
  get failure(): unknown {
    return this.#failure;
  }

  learn(known: Partial<Known>): void {
    this.#known = { ...this.#known, ...known };
  }

  known<Name extends keyof Known>(name: Name): Known[Name] {
    return must(this.#known[name], `${name} is known to a step that needs it`) as Known[Name];
  }

  knownIfAny<Name extends keyof Known>(name: Name): Known[Name] | null {
    return (this.#known[name] as Known[Name] | undefined) ?? null;
  }

  control(side: Side): Session {
    return must(this.known('claimed').control[side], `a session on ${side} is open`);
  }

  /** Ends it: whatever waits, waits no longer. The first reason is kept. */
  fail(reason: unknown): void {
    this.#failure ??= reason;
    this.#abort.abort(reason);
    this.destroySessions();
  }

  /** Asks it to end before the decision; false when that is past. */
  cancel(reason: unknown): boolean {
    if (this.decided) return false;
    this.fail(reason);
    return true;
  }

  /** Writes are held or refused: nothing waits for the control store now. */
  get inWindow(): boolean {
    return this.#windowStartedMs !== null && this.#windowMs === null;
  }

  get windowMs(): number | null {
    return this.#windowMs;
  }

  /** The window opens with the first pause or fence call. */
  openWindow(): void {
    this.#windowStartedMs ??= this.context.clock.monotonicMs();
  }

  closeWindow(endMs: number = this.context.clock.monotonicMs()): void {
    if (this.#windowStartedMs !== null) this.#windowMs ??= endMs - this.#windowStartedMs;
  }

  windowSoFarMs(): number | null {
    if (this.#windowStartedMs === null) return null;
    return this.context.clock.monotonicMs() - this.#windowStartedMs;
  }

  /** Milliseconds that are left of the window; the whole of it before it opened. */
  windowLeftMs(): number {
    return Math.max(0, this.context.pair.window.maxMs - (this.windowSoFarMs() ?? 0));
  }

  /** Open transactions roll back; our ends of the connections are not waited for. */
  destroySessions(): void {
    const { claimed, fence, prepare } = this.#known;
    for (const session of [fence, prepare, ...SIDES.map((side) => claimed?.control[side])]) {
      if (session) destroySession(session);
    }
  }
}
