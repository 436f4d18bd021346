import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deferred, within, type Deferred } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import type { Endpoint } from '@turnout/postgres/session';
import type { PoolerInstance } from '../route.js';
import {
  encodeMessage,
  MessageReader,
  type GuardianEnd,
  type GuardianMessage,
  type GuardianPlan,
  type ParentMessage,
} from './messages.js';

export interface GuardianOptions {
  readonly poolers: readonly PoolerInstance[];
  /** The side that is writable now, past any pooler. */
  readonly fromEndpoint: Endpoint;
  /** The hold is given up this long after the start, whatever the parent does. */
  readonly deadlineMs: number;
  readonly pauseTimeoutMs: number;
  readonly settleTimeoutMs?: number | undefined;
}

const SETTLE_TIMEOUT_MS = 600_000;
/** Beyond the limit of PAUSE: start of the process, connecting, and resuming after a failure. */
const ANSWER_MARGIN_MS = 10_000;

/** The compiled program, also when this file runs from its source. */
function programPath(): string {
  const here = import.meta.url;
  const compiled = here.replace(/\/src\/guardian\/[^/]*$/, '/dist/guardian/guardian.js');
  return fileURLToPath(new URL('./guardian-main.js', compiled));
}

/** `died`: without a word. `settling`: it still tries to reach `from`, and goes on by itself. */
export type GuardianOutcome = GuardianEnd | 'died' | 'settling';

/** The parent's end of the process that holds the poolers. Made by `startGuardian`. */
export class Guardian {
  readonly #child: ChildProcess;
  #pauseTimeoutMs = 0;
  readonly #ready: Deferred<void> = deferred();
  readonly #paused: Deferred<void> = deferred();
  readonly #ended: Deferred<GuardianOutcome> = deferred();

  constructor(child: ChildProcess) {
    this.#child = child;
    const reader = new MessageReader<GuardianMessage>();
    child.stdout?.setEncoding('utf8');
    child.stdout?.on('data', (chunk: string) => {
      for (const message of reader.read(chunk)) this.#take(message);
    });
    child.stdin?.on('error', () => undefined);
    child.once('error', () => this.#onGone());
    child.once('close', () => this.#onGone());
  }

  /** Process id, for reports and tests. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** How it ended; `died` when it did without a word: the poolers must be read back then. */
  get ended(): Promise<GuardianOutcome> {
    return this.#ended.promise;
  }

  /** Whether it can still be told what to hold. */
  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when its program is loaded; what is told before that only waits. */
  async ready(): Promise<void> {
    await within(this.#ready.promise, ANSWER_MARGIN_MS, () =>
      fail('pooler_not_paused', { instance: 'guardian', waited_ms: ANSWER_MARGIN_MS }),
    );
  }

  /** Gives it the plan, once; PAUSE goes out at once. Follow with `paused`. */
  hold(options: GuardianOptions): void {
    const plan: GuardianPlan = {
      poolers: options.poolers,
      fromUrl: options.fromEndpoint.url,
      fromPassword: options.fromEndpoint.password?.reveal() ?? null,
      pauseTimeoutMs: options.pauseTimeoutMs,
      deadlineMs: options.deadlineMs,
      settleTimeoutMs: options.settleTimeoutMs ?? SETTLE_TIMEOUT_MS,
    };
    this.#pauseTimeoutMs = plan.pauseTimeoutMs;
    this.#tell({ type: 'plan', plan });
  }

  /**
   * Resolves when every pooler has acknowledged that it is paused.
   * @throws TRN5013 after all of them were resumed, or when the guardian died
   */
  async paused(): Promise<void> {
    const limitMs = this.#pauseTimeoutMs + ANSWER_MARGIN_MS;
    await within(this.#paused.promise, limitMs, () =>
      fail('pooler_not_paused', { instance: 'guardian', waited_ms: limitMs }),
    );
  }

  /** The hold is over and the poolers are in the caller's hands: it exits without touching them. */
  async release(): Promise<GuardianOutcome> {
    this.#tell({ type: 'release' });
    return this.#finish();
  }

  /** Has it look at `from` and act on that, as if the caller had died. */
  async close(): Promise<GuardianOutcome> {
    this.#child.stdin?.end();
    return this.#finish();
  }

  /** Bounded: one that cannot reach `from` goes on by itself, and need not be waited for. */
  async #finish(): Promise<GuardianOutcome> {
    try {
      return await within(this.#ended.promise, ANSWER_MARGIN_MS, () => new Error('still settling'));
    } catch {
      return 'settling';
    } finally {
      this.#child.unref();
    }
  }

  #take(message: GuardianMessage): void {
    if (message.type === 'ready') this.#ready.resolve();
    else if (message.type === 'paused') this.#paused.resolve();
    else if (message.type === 'ended') this.#ended.resolve(message.end);
    else {
      const { instance, reason, notResumed } = message;
      const observed = { instance, reason, not_resumed: notResumed.join(', ') || null };
      this.#paused.reject(fail('pooler_not_paused', observed));
    }
  }

  #onGone(): void {
    const died = fail('pooler_not_paused', { instance: 'guardian', reason: 'the guardian died' });
    this.#ready.reject(died);
    this.#paused.reject(died);
    this.#ended.resolve('died');
  }

  #tell(message: ParentMessage): void {
    if (this.#child.stdin?.writable) this.#child.stdin.write(encodeMessage(message));
  }
}

/**
 * Starts the process without a plan, so that its start is no part of the window. It ends by itself
 * when the caller does. It is detached: what ends the caller's process group does not end it.
 */
export function spawnGuardian(): Guardian {
  const child = spawn(process.execPath, [programPath()], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return new Guardian(child);
}

/** Starts the process that pauses the poolers and gives the pause back if the caller dies. */
export function startGuardian(options: GuardianOptions): Guardian {
  const guardian = spawnGuardian();
  guardian.hold(options);
  return guardian;
}
