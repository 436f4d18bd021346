import { CancelledSignal } from '@turnout/core/waiting';

/** Limits of one piece of work: it ends when `signal` aborts, and after `deadlineMs` at the latest. */
export interface WorkLimits {
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs: number;
  /** Made when the time is up, so that the error names what was waited for. */
  readonly onTimeout: () => Error;
}

/**
 * Runs `work` with a signal of its own and waits no longer than the limits allow, also when the work
 * does not obey its signal. The listener on the outer signal goes with the call: a loop that lives for
 * months would otherwise collect one a call.
 */
export async function withDeadline<T>(
  { signal, deadlineMs, onTimeout }: WorkLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw new CancelledSignal('route');
  const own = new AbortController();
  let onAbort: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<never>((_, reject) => {
    const end = (reason: Error): void => {
      // Rejected before the work hears of it: the reason told is the limit, not what broke by it.
      reject(reason);
      own.abort(reason);
    };
    timer = setTimeout(() => end(onTimeout()), Math.max(0, deadlineMs));
    onAbort = () => end(new CancelledSignal('route'));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(own.signal), ended]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/** Calls `act` once when `signal` aborts, now if it has; answers how to take that back. */
export function onAborted(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
  return () => signal.removeEventListener('abort', act);
}
