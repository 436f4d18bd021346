import type { NextStep } from '@turnout/api-client/answers';

export const OUTPUTS = ['table', 'json', 'ndjson'] as const;
export type Output = (typeof OUTPUTS)[number];

/** Where a verb writes and what it may look at; passed in, so that a test sees every byte. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly isTTY: boolean;
  /** Whether messages may be drawn over themselves. */
  readonly stderrIsTTY: boolean;
  readonly columns: number;
  readonly colour: boolean;
  readonly signal: AbortSignal;
  /** Data: what a script reads. */
  out(text: string): void;
  /** Messages: what a person reads. */
  say(text: string): void;
  /** Messages with their own line ends and cursor movements; only where `stderrIsTTY`. */
  draw(text: string): void;
}

const COLUMNS = 100;

export function processTerminal(signal: AbortSignal): Terminal {
  const { env, stdout, stderr } = process;
  return {
    env,
    isTTY: stdout.isTTY === true,
    stderrIsTTY: stderr.isTTY === true && env['TERM'] !== 'dumb',
    // A pseudo-terminal without a size says 0.
    columns: stdout.columns || stderr.columns || COLUMNS,
    colour: stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    signal,
    out: (text) => void stdout.write(`${text}\n`),
    say: (text) => void stderr.write(`${text}\n`),
    draw: (text) => void stderr.write(text),
  };
}

/** Data as asked for: the screen made by `draw`, or the answer itself. */
export function print<T>(
  terminal: Terminal,
  output: Output,
  answer: T & { readonly next_steps?: readonly NextStep[] | undefined },
  draw: (answer: T) => string,
): void {
  if (output === 'json') return terminal.out(JSON.stringify(answer, null, 2));
  if (output === 'ndjson') return terminal.out(JSON.stringify(answer));
  terminal.out(draw(answer));
  for (const { command, why } of answer.next_steps ?? [])
    terminal.say(`Next: ${command}  — ${why}`);
}
