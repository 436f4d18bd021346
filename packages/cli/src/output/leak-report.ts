import type { LeakAnswer, LeakDetailAnswer, LeaksAnswer } from '@turnout/api-client/answers';
import { count, word } from './figures.js';
import { drawGrid } from './grid.js';

const state = ({ resolved_at, resolution }: LeakAnswer): string =>
  resolved_at === null ? 'open' : `resolved: ${word(resolution)}`;

export function drawLeaks({ pair, leaks }: LeaksAnswer): string {
  if (leaks.length === 0) return `No leak of ${pair} is open.`;
  return drawGrid(
    [
      { title: 'id', cell: ({ id }) => id },
      { title: 'on', cell: ({ side }) => side },
      { title: 'committed', cell: ({ committed_at }) => word(committed_at) },
      { title: 'xid', align: 'right', cell: ({ xid }) => word(xid === null ? null : String(xid)) },
      { title: 'changes', align: 'right', cell: ({ changes }) => count(changes) },
      { title: 'tables', cell: ({ tables }) => tables.join(', ') },
      { title: 'state', cell: state },
    ],
    leaks,
  );
}

/** One leak by name and position; its rows are in the database, never here. */
export function drawLeak(leak: LeakDetailAnswer): string {
  const facts: readonly (readonly [string, string])[] = [
    ['found on', `${leak.side}, by link ${leak.link}`],
    ['position', leak.final_lsn],
    ['transaction', word(leak.xid === null ? null : String(leak.xid))],
    ['committed', word(leak.committed_at)],
    ['found', leak.found_at],
    ['tables', leak.tables.join(', ')],
    ['changes', count(leak.changes)],
    ['state', state(leak)],
    ['resolved', word(leak.resolved_at)],
  ];
  const lines = facts.map(([name, value]) => `  ${name.padEnd(12)} ${value}`);
  return [`leak ${leak.id} of ${leak.pair}`, ...lines].join('\n');
}
