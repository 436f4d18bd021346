import { Command, CommanderError, Option } from 'commander';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { fail } from '@turnout/contracts/errors';
import { openClient } from './connection.js';
import { reportFailure } from './failure.js';
import { OUTPUTS, type Terminal } from './terminal.js';
import type { GlobalOptions, Session, Verb, VerbOptions } from './verb.js';
import { GROUPS, VERBS } from './verbs.js';

const VERSION = '0.1.0';

/** Runs one command line (without the program's own name) and answers the exit code. */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal,
  verbs: readonly Verb[] = VERBS,
): Promise<number> {
  let exit = 0;
  const program = createProgram(terminal);
  for (const verb of verbs) {
    addVerb(program, verb, async (operands, options) => {
      exit = await verb.run(openSession(program, terminal), operands, options);
    });
  }
  try {
    await program.parseAsync(words, { from: 'user' });
    return exit;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) return reportFailure(terminal, thrown);
    if (thrown.exitCode === 0) return 0;
    const message = thrown.message.replace(/^error: /, '').replaceAll('\n', ' ');
    const asked = thrown.code === 'commander.help';
    return reportFailure(
      terminal,
      fail('usage_invalid', { problem: asked ? 'no verb given' : message }),
    );
  }
}

function createProgram(terminal: Terminal): Command {
  const program = new Command('turnout')
    .description('Moves a live PostgreSQL database to another cluster and back.')
    .version(VERSION)
    .exitOverride()
    // `switchover` has a --reason, and so has `switchover force-open`: each takes its own.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      // The failure itself is printed once, by reportFailure; help asked for by mistake goes here.
      writeErr: (text) => text.startsWith('Usage') && terminal.say(text.trimEnd()),
      outputError: () => undefined,
      getOutHelpWidth: () => terminal.columns,
    });
  for (const option of globalOptions()) program.addOption(option);
  return program.setOptionValue('output', 'table');
}

function globalOptions(): Option[] {
  return [
    new Option('--config <file>', 'configuration file (TURNOUT_CONFIG, else ./turnout.yaml)'),
    new Option('--api <url>', 'address of the API; from the configuration unless given'),
    new Option('--token-file <file>', 'file with the API token (else TURNOUT_TOKEN)'),
    new Option('--output <form>', 'form of the data on stdout (table)').choices(OUTPUTS),
  ];
}

/** Where a user writes them must not matter: `turnout status --output json` is what people type. */
function acceptGlobalOptions(command: Command, program: Command): void {
  for (const option of globalOptions()) {
    command.addOption(option.hideHelp());
    const name = option.attributeName();
    command.on(`option:${option.name()}`, (value: string) => program.setOptionValue(name, value));
  }
}

function openSession(program: Command, terminal: Terminal): Session {
  const global: GlobalOptions = program.opts();
  let client: TurnoutClient | undefined;
  return { terminal, global, client: () => (client ??= openClient(global, terminal.env)) };
}

type Action = (operands: string[], options: VerbOptions) => Promise<void>;

function addVerb(program: Command, verb: Verb, action: Action): void {
  const [first = '', second] = verb.name.split(' ');
  const parent = second === undefined ? program : findGroup(program, first);
  const command = parent.command(second ?? first).description(verb.summary);
  command.enablePositionalOptions();
  if (verb.operands !== undefined) command.arguments(verb.operands);
  for (const [flags, text, fallback] of verb.options ?? []) command.option(flags, text, fallback);
  acceptGlobalOptions(command, program);
  if (verb.examples) {
    command.addHelpText('before', `${verb.examples.map((each) => `  ${each}`).join('\n')}\n`);
  }
  command.action(() => {
    const operands = command.processedArgs.flatMap((each: unknown) =>
      typeof each === 'string' ? [each] : [],
    );
    return action(operands, command.opts());
  });
}

function findGroup(program: Command, name: string): Command {
  const existing = program.commands.find((command) => command.name() === name);
  if (existing) return existing;
  const group = program
    .command(name)
    .description(GROUPS[name] ?? '')
    .enablePositionalOptions();
  acceptGlobalOptions(group, program);
  return group;
}
