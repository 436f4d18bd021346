import type { Session } from '../verb.js';
import { openRail, type Rail } from './rail.js';
import { watchWaiting } from './watch-waiting.js';

export interface AloudOptions {
  readonly pair: string;
  /** What goes on when the waiting ends: `the switch`. */
  readonly what: string;
  /** What a person who ends the waiting may do next. */
  readonly next: readonly string[];
}

/**
 * Asks for something by `begin` and waits for its end by `follow`, with a rail on stderr that shows the
 * steps and what the pair waits for, from the request on. Ctrl-C ends the waiting only, and says so.
 */
export async function waitAloud<Begun, Ended>(
  { terminal, client }: Session,
  { pair, what, next }: AloudOptions,
  begin: () => Promise<Begun>,
  follow: (begun: Begun, rail: Rail) => Promise<Ended>,
): Promise<Ended> {
  const rail = openRail(terminal);
  const stop = new AbortController();
  const watch = watchWaiting(client(), pair, rail, stop.signal);
  let begun = false;
  try {
    const answer = await begin();
    begun = true;
    watch.accepted();
    return await follow(answer, rail);
  } finally {
    stop.abort();
    await watch.ended;
    rail.end();
    if (terminal.signal.aborted) {
      const went = begun ? 'goes on' : 'may have begun: the answer was not waited for';
      terminal.say(`Waiting ended; ${what} ${went}.`);
      for (const line of next) terminal.say(`Next: ${line}`);
    }
  }
}
