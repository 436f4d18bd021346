import { isAppError, messageOf } from '@turnout/core/app-error';
import { isCancelled } from '@turnout/core/waiting';
import { runbookPage } from './runbook.js';
import type { Terminal } from './terminal.js';

export const EXIT_INTERRUPTED = 130;

/** One clear error: code and title, what was observed, what to do. Answers the exit code. */
export function reportFailure(terminal: Terminal, thrown: unknown): number {
  if (isCancelled(thrown) || terminal.signal.aborted) return EXIT_INTERRUPTED;
  if (!isAppError(thrown)) {
    terminal.say(`Unexpected failure: ${messageOf(thrown)}`);
    if (thrown instanceof Error && terminal.env['TURNOUT_DEBUG'])
      terminal.say(String(thrown.stack));
    return 1;
  }
  terminal.say(`${thrown.code} ${thrown.entry.title}`);
  for (const [name, value] of Object.entries(thrown.facts)) {
    if (value !== null) terminal.say(`  ${name}: ${String(value)}`);
  }
  const page = runbookPage(thrown.code);
  if (page !== null) terminal.say(`  runbook: ${page}`);
  terminal.say(`To do: ${thrown.entry.remedy}`);
  return thrown.entry.exit;
}
