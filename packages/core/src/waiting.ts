import { AppError } from './app-error.js';

/** Thrown by a wait that was cancelled. It is control flow, not a failure, and never counted as one. */
export class CancelledSignal extends Error {
  override readonly name = 'AbortError';
  constructor(what: string) {
    super(`cancelled: ${what}`);
  }
}

export function isCancelled(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}

/** Resolves after `ms`; rejects with `CancelledSignal` as soon as `signal` aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new CancelledSignal('pause'));
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(new CancelledSignal('pause'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Why a wait gave up, made by the caller so that the error names what was waited for. */
export interface WaitLimits {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onTimeout: () => AppError | Error;
}

/** Asks `probe` until it answers something other than undefined, the time is up, or `signal` aborts. */
export async function waitUntil<T>(
  probe: () => Promise<T | undefined>,
  { timeoutMs, intervalMs, signal, onTimeout }: WaitLimits,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() >= deadlineMs) throw onTimeout();
    await pause(intervalMs, signal);
  }
}

/** Bounds any promise; the work itself is not cancelled, so `onTimeout` should say what to look at. */
export async function within<T>(
  work: Promise<T>,
  timeoutMs: number,
  onTimeout: () => Error,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onTimeout()), timeoutMs);
  });
  try {
    return await Promise.race([work, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise with its handles outside; for waiters that must be registered before the act. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
