import type { StatusAnswer } from '@turnout/api-client/answers';
import { pause } from '@turnout/core/waiting';
import { drawStatus, statusLine } from '../output/status-screen.js';
import { EXIT_INTERRUPTED } from '../failure.js';
import type { Session } from '../verb.js';

const REFRESH_MS = 500;

/** Redraws in place on a terminal; elsewhere one line whenever something changed. */
export async function watchStatus(
  { terminal, global, client }: Session,
  pair: string,
): Promise<number> {
  const api = client();
  let before = '';
  while (!terminal.signal.aborted) {
    const status = await api.status(pair, { signal: terminal.signal });
    const text =
      global.output === 'table' ? screen(status, terminal.isTTY) : JSON.stringify(status);
    if (text !== before) terminal.out(terminal.isTTY ? `\u001b[H\u001b[2J${text}` : text);
    before = text;
    await pause(REFRESH_MS, terminal.signal);
  }
  return EXIT_INTERRUPTED;
}

function screen(status: StatusAnswer, isTTY: boolean): string {
  return isTTY ? drawStatus(status) : `${status.pair}   ${statusLine(status)}`;
}
