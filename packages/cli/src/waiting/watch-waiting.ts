import type { StatusAnswer } from '@turnout/api-client/answers';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { pause } from '@turnout/core/waiting';
import type { Rail } from './rail.js';

const INTERVAL_MS = 1_000;

/** A watch of what a pair waits for, from before a request is made until it ended. */
export interface WaitingWatch {
  /** The request was accepted: from now on it is its wait, whatever it is. */
  accepted(): void;
  readonly ended: Promise<void>;
}

/**
 * Shows what the pair waits for until `signal` aborts. What it waited for before the request is shown
 * when that was accepted: a refusal has words of its own. A status that cannot be had is not this
 * watch's to tell: whoever waits for the outcome reads from the same API and says so.
 */
export function watchWaiting(
  client: TurnoutClient,
  pair: string,
  rail: Rail,
  signal: AbortSignal,
): WaitingWatch {
  let accepted = false;
  let before: string | null | undefined;
  let last: StatusAnswer['waiting'];
  const show = (): void => {
    const key = keyOf(last);
    if (before === undefined) before = key;
    rail.waiting(!accepted && key === before ? null : (last ?? null));
  };
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        last = (await client.status(pair, { signal })).waiting;
        show();
      } catch {
        // Told by the other reader.
      }
      await pause(INTERVAL_MS, signal).catch(() => undefined);
    }
  };
  const ended = watch();
  return {
    accepted: () => {
      accepted = true;
      show();
    },
    ended,
  };
}

function keyOf(waiting: StatusAnswer['waiting']): string | null {
  return waiting ? `${waiting.for} ${waiting.since}` : null;
}
