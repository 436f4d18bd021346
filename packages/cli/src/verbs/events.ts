import { fail } from '@turnout/contracts/errors';
import type { EventAnswer } from '@turnout/api-client/answers';
import { parseDurationMs } from '@turnout/core/quantities';
import { EXIT_INTERRUPTED } from '../failure.js';
import { eventLine } from '../output/lists.js';
import type { Session, Verb } from '../verb.js';
import { pairName, textOption } from './operand.js';

export const events: Verb = {
  name: 'events',
  operands: '<pair>',
  summary: 'the journal of the pair',
  options: [
    ['--follow', 'go on as events happen, until Ctrl-C'],
    ['--since <when>', 'from behind this revision, or this long ago (15m, 2h)'],
  ],
  async run(session, operands, options) {
    const pair = pairName(operands);
    const { after, newerThanMs } = parseSince(textOption(options, 'since'));
    const write = writer(session, newerThanMs);
    const api = session.client();
    const { signal } = session.terminal;
    if (options['follow'] !== true) {
      for (let last = after ?? 0; ;) {
        const { events: entries } = await api.events(pair, last, { signal });
        for (const entry of entries) write(entry);
        const newest = entries.at(-1);
        if (newest === undefined) return 0;
        last = newest.revision;
      }
    }
    const onReconnect = (why: string): void => session.terminal.say(`connecting again: ${why}`);
    for await (const entry of api.follow(pair, signal, after ?? 0, onReconnect)) write(entry);
    return EXIT_INTERRUPTED;
  },
};

function writer({ terminal, global }: Session, newerThanMs: number): (entry: EventAnswer) => void {
  return (entry) => {
    if (Date.parse(entry.at) < newerThanMs) return;
    terminal.out(
      global.output === 'table'
        ? eventLine(entry)
        : JSON.stringify({ schema: 'turnout.event/v1', ...entry }),
    );
  };
}

interface Since {
  readonly after: number | undefined;
  readonly newerThanMs: number;
}

function parseSince(text: string | undefined): Since {
  if (text === undefined) return { after: undefined, newerThanMs: 0 };
  if (/^\d+$/.test(text)) return { after: Number(text), newerThanMs: 0 };
  const ago = parseDurationMs(text);
  if (ago !== null) return { after: undefined, newerThanMs: Date.now() - ago };
  throw fail('usage_invalid', {
    option: '--since',
    value: text,
    expected: 'a revision or a duration',
  });
}
