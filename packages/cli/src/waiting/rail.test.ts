import { expect, test } from 'vitest';
import type { StatusAnswer, WaitingAnswer } from '@turnout/api-client/answers';
import type { Terminal } from '../terminal.js';
import { openRail, type Rail, type RailRow } from './rail.js';
import { PhaseRows } from './rail-rows.js';

const T0 = Date.parse('2026-03-01T12:00:00Z');

interface Stand {
  readonly rail: Rail;
  /** What was printed or drawn since the last time it was asked. */
  taken(): string[];
  at(ms: number): void;
}

function stand(stderrIsTTY: boolean): Stand {
  let nowMs = T0;
  let texts: string[] = [];
  const terminal: Terminal = {
    env: {},
    isTTY: false,
    stderrIsTTY,
    columns: 60,
    colour: false,
    signal: new AbortController().signal,
    out: () => expect.unreachable('a rail writes no data'),
    say: (text) => void texts.push(text),
    draw: (text) => void texts.push(text),
  };
  return {
    rail: openRail(terminal, () => nowMs),
    taken: () => texts.splice(0, texts.length),
    at: (ms) => (nowMs = T0 + ms),
  };
}

const row = (name: string, outcome: string, ms: number | null): RailRow => ({
  name,
  outcome,
  ms,
  startedAtMs: T0,
});

const WAITING: WaitingAnswer = {
  for: 'the oldest writer on blue',
  since: '2026-03-01T11:59:47Z',
  holder: 'pid 771 (psql)',
  remedy: 'end it, or wait',
};

test('without a terminal each step is one line as it begins and one as it ends', () => {
  const { rail, taken } = stand(false);
  rail.rows([row('acquire', 'running', null)]);
  rail.rows([row('acquire', 'running', null)]);
  expect(taken()).toEqual(['acquire      begins']);
  rail.rows([row('acquire', 'done', 120), row('gates', 'done', 80), row('arm', 'running', null)]);
  expect(taken()).toEqual([
    'acquire      done  120 ms',
    'gates        done  80 ms',
    'arm          begins',
  ]);
  rail.rows([row('acquire', 'done', 120), row('gates', 'done', 80), row('arm', 'failed', 9_000)]);
  expect(taken()).toEqual(['arm          failed  9.0 s']);
  rail.end();
  rail.rows([row('late', 'running', null)]);
  expect(taken()).toEqual([]);
});

test('what is waited for is told once, again after 10 s, and when it changes or ends', () => {
  const { rail, taken, at } = stand(false);
  rail.waiting(null);
  expect(taken()).toEqual([]);
  rail.waiting(WAITING);
  const told =
    'waiting for the oldest writer on blue, since 13.0 s, held by pid 771 (psql); to do: end it, or wait';
  expect(taken()).toEqual([told]);
  at(9_000);
  rail.waiting({ ...WAITING, since: '2026-03-01T11:59:48Z' });
  expect(taken()).toEqual([]);
  at(10_000);
  rail.waiting(WAITING);
  expect(taken()).toEqual([told.replace('13.0 s', '23.0 s')]);
  rail.waiting({ for: 'a leader', since: null, holder: null, remedy: null });
  expect(taken()).toEqual(['waiting for a leader']);
  rail.waiting(null);
  rail.waiting(null);
  expect(taken()).toEqual(['goes on']);
});

test('on a terminal the block is drawn over itself, and no line is wider than the screen', () => {
  const { rail, taken, at } = stand(true);
  rail.rows([row('acquire', 'done', 120), row('arm', 'running', null)]);
  expect(taken()).toEqual([
    '\r\u001b[J✓ acquire        120 ms\n▸ arm              0 ms  running\n',
  ]);
  at(2_500);
  rail.waiting(WAITING);
  const [drawn = ''] = taken();
  expect(drawn.startsWith('\u001b[2A\r\u001b[J')).toBe(true);
  const lines = drawn.split('\n');
  expect(lines[1]).toContain('2.5 s');
  expect(lines[2]).toMatch(/^! waiting for the oldest writer on blue, since 15\.5 s/);
  expect(lines.every((line) => line.replace(/^.*\[J/s, '').length < 60)).toBe(true);
  rail.rows([row('acquire', 'undone', 120), row('arm', 'undo_failed', 2_600)]);
  expect(taken()[0]).toContain(
    '↺ acquire        120 ms  undone\n✗ arm             2.6 s  undo_failed',
  );
  rail.end();
  expect(taken().join('')).not.toContain('waiting');
});

const status = (phase: string, more: object = {}): StatusAnswer =>
  ({ phase, links: [], direction: 'forward', conditions: [], ...more }) as unknown as StatusAnswer;

test('phases are remembered with the time they lasted, and the copy says how far it is', () => {
  let nowMs = T0;
  const phases = new PhaseRows(() => nowMs);
  const copy = { rows: 1_200, rows_expected: 5_000 };
  phases.next(status('preflight'));
  nowMs += 700;
  const rows = phases.next(status('copying', { links: [{ direction: 'forward', copy }] }));
  expect(rows).toEqual([
    { name: 'preflight', outcome: 'done', startedAtMs: T0, ms: 700, note: undefined },
    {
      name: 'copying',
      outcome: 'running',
      startedAtMs: T0 + 700,
      ms: null,
      note: '1,200 of ~5,000 rows copied',
    },
  ]);
  nowMs += 300;
  expect(phases.next(status('copying'))[1]).toMatchObject({ startedAtMs: T0 + 700, ms: null });
  phases.next(status('verifying'));
  expect(phases.reached().map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    'preflight done',
    'copying done',
    'verifying reached',
  ]);
});
