import { SIDES, type Side } from '@turnout/core/sides';
import { CancelledSignal, pause, within } from '@turnout/core/waiting';
import type { HoldDeadline } from './hold-deadline.js';
import {
  areBothClosed,
  errorOf,
  writableSide,
  type SideAnswer,
  type SideAnswers,
} from './writable-side.js';

/** Once one side said `open`, the other is waited for no longer than this. */
const SECOND_ANSWER_GRACE_MS = 50;
/** Polling slows down with the length of the hold, by a hundredth of it, up to this. */
const POLL_INTERVAL_MAX_MS = 250;
const NO_ANSWER: SideAnswer = { kind: 'unknown', error: new Error('the side has not answered') };

export interface TrackerOptions {
  readonly probe: (side: Side) => Promise<SideAnswer>;
  readonly hint: () => Promise<Side | null>;
  readonly pollMs: number;
  /** Knowledge older than this is confirmed in the background; ten times older, before use. */
  readonly recheckMs: number;
  readonly onMoved: (side: Side, before: Side | null) => void;
}

/** What a pool knows of the side that takes writes, and the one search that all waiters share. */
export class WritableSideTracker {
  readonly #options: TrackerOptions;
  #side: Side | null = null;
  #last: Side | null = null;
  #confirmedAtMs = 0;
  #search: Promise<Side> | null = null;
  #refresh: Promise<void> | null = null;
  #waiters = 0;
  #lastError: unknown = undefined;
  #closed = false;

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /** The side in use, null while held. */
  get side(): Side | null {
    return this.#side;
  }

  get waiters(): number {
    return this.#waiters;
  }

  /**
   * The side to send work to; waits while no side is open.
   * @throws HoldTimeoutError, or the side's error if none was ever known and one cannot be asked
   */
  async writable(deadline: HoldDeadline): Promise<Side> {
    if (this.#closed) throw new Error('Cannot use a pool after calling end on the pool');
    if (this.#side !== null) {
      const ageMs = performance.now() - this.#confirmedAtMs;
      if (ageMs > this.#options.recheckMs * 10) await this.refresh();
      else if (ageMs > this.#options.recheckMs) void this.refresh();
    }
    return this.#side ?? (await this.#held(deadline));
  }

  /** The guard of `side` refused: whoever comes next waits until a side says that it is open. */
  refused(side: Side): void {
    if (this.#side === side) this.#side = null;
  }

  /** Asks the sides now. What cannot be learned changes nothing. */
  refresh(): Promise<void> {
    this.#refresh ??= this.#refreshOnce().finally(() => {
      this.#refresh = null;
    });
    return this.#refresh;
  }

  close(): void {
    this.#closed = true;
  }

  async #refreshOnce(): Promise<void> {
    const answers = await this.#inspect();
    if (this.#closed) return;
    const side = writableSide(answers, { last: this.#last, hint: await this.#options.hint() });
    if (side !== null) this.#learn(side);
    else if (areBothClosed(answers)) this.#side = null;
    // A side that does not answer is the application's to notice; the next question is not now.
    else this.#confirmedAtMs = performance.now();
  }

  async #held(deadline: HoldDeadline): Promise<Side> {
    this.#waiters += 1;
    try {
      this.#search ??= this.#searchOpenSide();
      return await within(this.#search, deadline.remainingMs(), () =>
        deadline.exhausted(this.#lastError),
      );
    } finally {
      this.#waiters -= 1;
    }
  }

  /** Ends when a side is found, or when nobody waits any more. */
  async #searchOpenSide(): Promise<Side> {
    const startedAtMs = performance.now();
    try {
      for (;;) {
        const answers = await this.#inspect();
        const belief = { last: this.#last, hint: await this.#options.hint() };
        const side = writableSide(answers, belief);
        if (side !== null) return this.#learn(side);
        this.#lastError = errorOf(answers);
        // Never known and not to be asked: that is a wrong address or password, not a switch.
        if (this.#last === null && this.#lastError !== undefined) throw this.#lastError;
        if (this.#closed || this.#waiters === 0) throw new CancelledSignal('hold');
        const heldMs = performance.now() - startedAtMs;
        await pause(Math.min(this.#options.pollMs + heldMs / 100, POLL_INTERVAL_MAX_MS));
      }
    } finally {
      this.#search = null;
    }
  }

  #learn(side: Side): Side {
    const before = this.#last;
    this.#side = side;
    this.#last = side;
    this.#confirmedAtMs = performance.now();
    if (before !== side) this.#options.onMoved(side, before);
    return side;
  }

  /** Both answers, or one that is decisive: a side that hangs must not hold up the other. */
  async #inspect(): Promise<SideAnswers> {
    const answers: Record<Side, SideAnswer> = { blue: NO_ANSWER, green: NO_ANSWER };
    const asked = SIDES.map(async (side) => {
      const answer = await this.#options.probe(side);
      answers[side] = answer;
      return answer.kind === 'open';
    });
    const both = Promise.all(asked);
    const oneOpen = Promise.any(
      asked.map(async (isOpen) => {
        if (!(await isOpen)) return both;
        return pause(SECOND_ANSWER_GRACE_MS);
      }),
    );
    await Promise.race([both, oneOpen]);
    return answers;
  }
}
