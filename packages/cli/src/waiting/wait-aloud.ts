import type { Session } from '../verb.js';
import { openRail, type Rail } from './rail.js';
import { watchWaiting } from './watch-waiting.js';

export interface AloudOptions {
  readonly pair: string;
  /** What a person who ends the waiting must know: the work does not end with it. */
  readonly interrupted: readonly string[];
}

/**
 * Runs `work`, which waits, with a rail on stderr that shows its steps and what the pair waits for.
 * Ctrl-C ends the waiting only; the lines of `interrupted` say what goes on.
 */
export async function waitAloud<T>(
  { terminal, client }: Session,
  { pair, interrupted }: AloudOptions,
  work: (rail: Rail) => Promise<T>,
): Promise<T> {
  const rail = openRail(terminal);
  const stop = new AbortController();
  const watching = watchWaiting(client(), pair, rail, stop.signal);
  try {
    return await work(rail);
  } finally {
    stop.abort();
    await watching;
    rail.end();
    if (terminal.signal.aborted) for (const line of interrupted) terminal.say(line);
  }
}
