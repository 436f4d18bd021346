import { expect, test } from 'vitest';
import type { StatusAnswer, SwitchoverAnswer } from '@turnout/api-client/answers';
import { drawCheck } from './check-report.js';
import { drawPlan } from './plan-report.js';
import { drawStatus } from './status-screen.js';
import { drawSwitchover } from './switchover-report.js';

const STATUS: StatusAnswer = {
  schema: 'turnout.status/v1',
  pair: 'shop',
  phase: 'ready',
  conditions: [],
  direction: 'forward',
  revision: 18,
  sides: {
    blue: { role: 'source', version: '13.11', writable: true, lsn: '0/9F0012C8' },
    green: { role: 'target', version: '15.4', writable: null, lsn: null },
  },
  links: [
    {
      direction: 'forward',
      desired: 'streaming',
      observed: 'streaming',
      lag_bytes: 2048,
      lag_ms: 12,
      age_ms: null,
      slot: 'turnout_shop_forward',
    },
  ],
  gates: [
    {
      id: 'lag',
      open: true,
      observed: '12 ms',
      limit: '<= 1.0 s',
      why: 'What is not applied is waited for.',
    },
    {
      id: 'verified',
      open: false,
      observed: null,
      limit: '<= 24 h',
      why: 'A comparison must have passed.',
    },
  ],
  estimate: null,
};

test('the status screen shows what is not known as such, and says why a gate is closed', () => {
  expect(drawStatus(STATUS)).toBe(
    [
      'shop   phase ready   revision 18',
      '',
      'side   role    version  writes  lsn',
      'blue   source  13.11    open    0/9F0012C8',
      'green  target  15.4     —       —',
      '',
      'link     desired    observed   copied    lag   bytes  age  slot',
      'forward  streaming  streaming  —       12 ms  2.0 kB    —  turnout_shop_forward',
      '',
      'gate                observed   limit',
      'lag       ✓ open    12 ms      <= 1.0 s',
      'verified  ✗ closed  not known  <= 24 h',
      'Why not now:',
      '  verified: A comparison must have passed.',
    ].join('\n'),
  );
});

test('a check that could not verify does not read like a pass', () => {
  const check = {
    schema: 'turnout.check/v1',
    id: 'c1',
    pair: 'shop',
    kind: 'full',
    outcome: 'could_not_verify',
    reason: 'slot is gone',
    tables: [],
    rows_compared: null,
    differences: null,
    seconds: null,
  } as const;
  expect(drawCheck(check)).toBe(
    'check c1 of shop (full): could not verify — slot is gone\n— rows in 0 tables compared, — differences, —',
  );
});

test('a plan numbers its steps, shows what undoes each and marks the point of no return', () => {
  const text = drawPlan({
    schema: 'turnout.plan/v1',
    pair: 'shop',
    to: 'green',
    hash: 'abc',
    steps: [
      { id: 'fence', does: 'Stops writes on blue.', undo: 'Rolls back.', estimate_ms: 14 },
      { id: 'decide', does: 'Commits.', undo: null, decision: true, estimate_ms: null },
    ],
    gates: [],
    estimate: { window_ms: 51, basis: '3 earlier switches' },
  });
  expect(text).toBe(
    [
      'plan for shop: writes move to green   hash abc',
      '',
      ' 1  fence    Stops writes on blue.   ~14 ms',
      '             undo: Rolls back.',
      ' 2  decide   Commits.',
      '             point of no return',
      '',
      'Writes would be held for ~51 ms, from 3 earlier switches.',
    ].join('\n'),
  );
});

test('a switchover report starts with the outcome', () => {
  const answer: SwitchoverAnswer = {
    schema: 'turnout.switchover/v1',
    id: 's1',
    pair: 'shop',
    to: 'green',
    outcome: 'undone',
    reason: 'TRN5008 Fence could not be closed in time',
    window_ms: 812.4,
    steps: [{ id: 'fence', outcome: 'failed', started_at: null, ms: 512, detail: { attempts: 5 } }],
    certificate: null,
    client_stall_ms: null,
  };
  expect(drawSwitchover(answer)).toBe(
    [
      'switchover s1 of shop to green was undone; writes go on where they were',
      'reason: TRN5008 Fence could not be closed in time',
      'window 812 ms   longest stall seen by clients —',
      '',
      'step   outcome    took  detail',
      'fence  failed   512 ms  attempts 5',
    ].join('\n'),
  );
});
