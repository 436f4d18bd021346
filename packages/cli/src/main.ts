#!/usr/bin/env node
import { EXIT_INTERRUPTED } from './failure.js';
import { runCommandLine } from './program.js';
import { processTerminal } from './terminal.js';

const interruption = new AbortController();
/** Once: stop what this process does, in order. Twice: leave at once. */
function interrupt(): void {
  if (interruption.signal.aborted) process.exit(EXIT_INTERRUPTED);
  interruption.abort();
}
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
  if (thrown.code === 'EPIPE') process.exit(0);
});

process.exitCode = await runCommandLine(
  process.argv.slice(2),
  processTerminal(interruption.signal),
);
