import { expect, test } from 'vitest';
import type { StatusAnswer, SwitchoverAnswer } from '@turnout/api-client/answers';
import { drawCheck } from './check-report.js';
import { drawLeak, drawLeaks } from './leak-report.js';
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
      'side   role    version  writes  lsn         seen',
      'blue   source  13.11    open    0/9F0012C8     —',
      'green  target  15.4     —       —              —',
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

test('a pair without routes, or before they were looked at, has no part about them', () => {
  expect(drawStatus({ ...STATUS, routes: null })).toBe(drawStatus(STATUS));
});

const AT_MS = Date.parse('2026-03-01T12:00:13Z');

test('what the pair waits for, who is missing and what is left stand on the screen', () => {
  const text = drawStatus(
    {
      ...STATUS,
      conditions: [{ condition: 'errored', reason: 'cleanup', code: 'TRN5027' }],
      sides: {
        blue: { role: 'source', version: '13.11', writable: true, lsn: '0/9F0012C8', age_ms: 420 },
        green: {
          role: 'target',
          version: '15.4',
          writable: null,
          lsn: null,
          age_ms: 31_000,
          unknown: 'TRN2001 connect ECONNREFUSED',
        },
      },
      links: [{ ...STATUS.links[0]!, why: 'no worker holds link/shop/forward since 13 s' }],
      gates: [],
      waiting: {
        for: 'a worker of link/shop/forward',
        since: '2026-03-01T12:00:00Z',
        holder: null,
        remedy: 'turnout serve --services replicator',
      },
      workers: [
        { name: 'check/shop', holder: 'host-2', since: null, remedy: null },
        {
          name: 'link/shop/forward',
          holder: null,
          since: '2026-03-01T12:00:00Z',
          remedy: 'turnout serve --services replicator',
        },
      ],
      leader: { holder: 'host-1', since: '2026-03-01T11:57:13Z' },
      leaks: 2,
      routes: [
        { route: 'pgbouncer database shop (1 instances)', routed_to: 'blue', ok: true },
        { route: 'redis key turnout:shop:route', routed_to: 'unknown', ok: false },
      ],
    },
    AT_MS,
  );
  expect(text).toBe(
    [
      'shop   phase ready   revision 18   led by host-1 since 3 m 0 s   2 leaks open   errored (cleanup)',
      '',
      'Waiting for a worker of link/shop/forward, since 13.0 s',
      '  to do: turnout serve --services replicator',
      '',
      'No worker holds link/shop/forward since 13.0 s',
      '  to do: turnout serve --services replicator',
      '',
      'side   role    version  writes  lsn               seen',
      'blue   source  13.11    open    0/9F0012C8  420 ms ago',
      'green  target  15.4     —       —           31.0 s ago',
      'green is not known: TRN2001 connect ECONNREFUSED',
      '',
      'link     desired    observed   copied    lag   bytes  age  slot',
      'forward  streaming  streaming  —       12 ms  2.0 kB    —  turnout_shop_forward',
      'forward: no worker holds link/shop/forward since 13 s',
      '',
      'route                                  leads to',
      'pgbouncer database shop (1 instances)  blue      ✓',
      'redis key turnout:shop:route           unknown   ✗ does not follow yet, tried again',
    ].join('\n'),
  );
});

test('no leader and a number of leaks that is not known are said, never left out', () => {
  const text = drawStatus({ ...STATUS, leader: null, leaks: null });
  expect(text.split('\n')[0]).toBe(
    'shop   phase ready   revision 18   NO COORDINATOR LEADS IT   leaks not known',
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

test('the step that runs shows for how long it has been running', () => {
  const answer: SwitchoverAnswer = {
    schema: 'turnout.switchover/v1',
    id: 's2',
    pair: 'shop',
    to: 'green',
    outcome: 'running',
    reason: null,
    window_ms: null,
    steps: [
      {
        id: 'acquire',
        outcome: 'done',
        started_at: '2026-03-01T12:00:10Z',
        ms: 120,
        detail: null,
      },
      {
        id: 'arm',
        outcome: 'running',
        started_at: '2026-03-01T12:00:10.500Z',
        ms: null,
        detail: null,
      },
    ],
    certificate: null,
    client_stall_ms: null,
  };
  expect(drawSwitchover(answer, AT_MS).split('\n').slice(-2)).toEqual([
    'acquire  done      120 ms',
    'arm      running  2.5 s …',
  ]);
});

test('leaks are listed by position and tables, and an empty list says so', () => {
  const leak = {
    id: 'forward-0-16B3740',
    side: 'blue',
    link: 'forward',
    final_lsn: '0/16B3740',
    xid: 771,
    committed_at: '2026-03-01T12:00:00Z',
    tables: ['public.orders'],
    changes: 2,
    found_at: '2026-03-01T12:00:01Z',
    resolved_at: null,
    resolution: null,
  } as const;
  const answer = { schema: 'turnout.leaks/v1', pair: 'shop', leaks: [leak] } as const;
  expect(drawLeaks(answer).split('\n')[1]).toBe(
    'forward-0-16B3740  blue  2026-03-01T12:00:00Z  771        2  public.orders  open',
  );
  expect(drawLeaks({ ...answer, leaks: [] })).toBe('No leak of shop is open.');
  const resolved = { ...leak, resolved_at: '2026-03-01T13:00:00Z', resolution: 'entered by hand' };
  const shown = drawLeak({ schema: 'turnout.leak/v1', pair: 'shop', ...resolved });
  expect(shown).toContain('leak forward-0-16B3740 of shop');
  expect(shown).toContain('resolved: entered by hand');
});
