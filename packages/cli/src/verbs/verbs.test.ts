import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { runCommandLine } from '../program.js';
import type { Terminal } from '../terminal.js';

/** What the API answers to the n-th call of one address; the last answer stays. */
type Answers = Readonly<Record<string, readonly Reply[] | Reply>>;
type Reply = { readonly status?: number; readonly body: unknown; readonly also?: () => void };

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly said: readonly string[];
  readonly asked: readonly string[];
}

const interruption = { controller: new AbortController() };

/** Runs one command line against an API that answers as told. */
async function run(line: readonly string[], answers: Answers): Promise<Ran> {
  const asked: string[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = `${request.method} ${request.url?.replace('/v1/pairs', '')}`;
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      asked.push(`${key} ${body}`.trim());
      const told = answers[key];
      const replies: readonly Reply[] = told === undefined ? [] : ([told].flat() as Reply[]);
      const index = counts.get(key) ?? 0;
      counts.set(key, index + 1);
      const reply = replies[Math.min(index, replies.length - 1)];
      if (reply === undefined) return void response.writeHead(404).end('{"code":"TRN7006"}');
      if (reply.body === NEVER) return void reply.also?.();
      if (reply.body === CUT) return void response.destroy();
      response.writeHead(reply.status ?? 200).end(JSON.stringify(reply.body));
      reply.also?.();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const out: string[] = [];
  const said: string[] = [];
  interruption.controller = new AbortController();
  const terminal: Terminal = {
    env: { TURNOUT_CONFIG: '/nonexistent/turnout.yaml' },
    isTTY: false,
    stderrIsTTY: false,
    columns: 80,
    colour: false,
    signal: interruption.controller.signal,
    out: (text) => void out.push(text),
    say: (text) => void said.push(text),
    draw: (text) => void said.push(text),
  };
  const exit = await runCommandLine(['--api', api, ...line], terminal);
  return { exit, out: out.join('\n'), said, asked };
}

/** The connection is cut instead of an answer. */
const CUT = Symbol('cut');
/** The answer never comes. */
const NEVER = Symbol('never');

const operation = (kind: string, state = 'done') => ({
  schema: 'turnout.operation/v1',
  id: 'o1',
  pair: 'shop',
  kind,
  state,
  next_steps: [{ command: 'turnout status shop', why: 'See it.' }],
});

const status = (phase: string, more: object = {}) => ({
  schema: 'turnout.status/v1',
  pair: 'shop',
  phase,
  conditions: [],
  direction: 'forward',
  revision: 7,
  sides: { blue: null, green: null },
  links: [],
  gates: [],
  estimate: null,
  waiting: null,
  ...more,
});

const step = (id: string, outcome: string, ms: number | null) => ({
  id,
  outcome,
  started_at: '2026-03-01T12:00:00Z',
  ms,
  detail: null,
});

const switchover = (outcome: string, steps: readonly object[], reason: string | null = null) => ({
  schema: 'turnout.switchover/v1',
  id: 's1',
  pair: 'shop',
  to: 'green',
  outcome,
  reason,
  window_ms: null,
  steps,
  certificate: null,
  client_stall_ms: null,
});

const WAITING = {
  for: 'the oldest writer on blue',
  since: null,
  holder: 'pid 771',
  remedy: 'end it',
};

const SWITCH: Answers = {
  'POST /shop/switchovers': { status: 202, body: switchover('running', []) },
  'GET /shop': { body: status('switching', { waiting: WAITING }) },
  'GET ': { body: { pairs: [{ pair: 'shop', phase: 'on_green' }] } },
  'GET /shop/switchovers/s1': [
    { body: switchover('running', [step('acquire', 'running', null)]) },
    { body: switchover('running', [step('acquire', 'done', 120), step('arm', 'running', null)]) },
    { body: CUT },
    { body: switchover('committed', [step('acquire', 'done', 120), step('arm', 'done', 300)]) },
  ],
};

test('a switch that is waited for is told step by step, also over a lost connection', async () => {
  const { exit, out, said } = await run(
    ['switchover', 'shop', '--to', 'green', '--wait', '--output', 'json'],
    SWITCH,
  );
  expect(exit).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ schema: 'turnout.switchover/v1', outcome: 'committed' });
  const steps = said.filter((line) => /^(acquire|arm) /.test(line));
  expect(steps).toEqual([
    'acquire      begins',
    'acquire      done  120 ms',
    'arm          begins',
    'arm          done  300 ms',
  ]);
  expect(said).toContain('waiting for the oldest writer on blue, held by pid 771; to do: end it');
  expect(said.join('\n')).toContain('the API does not answer');
});

test('Ctrl-C ends the waiting, says that the switch goes on and how to take it back', async () => {
  const { exit, out, said } = await run(['rollback', 'shop', '--wait'], {
    ...SWITCH,
    'GET /shop/switchovers/s1': [
      {
        body: switchover('running', [step('arm', 'running', null)]),
        also: () => interruption.controller.abort(),
      },
    ],
  });
  expect(exit).toBe(130);
  expect(out).toBe('');
  expect(said.slice(-3)).toEqual([
    'Waiting ended; the switch goes on.',
    'Next: turnout switchover cancel shop  — take it back, if its decision has not been made',
    'Next: turnout switchover show shop  — see its steps',
  ]);
});

test('Ctrl-C before the answer says that the switch may have begun', async () => {
  const { exit, said } = await run(['switchover', 'shop', '--to', 'green', '--wait'], {
    ...SWITCH,
    'POST /shop/switchovers': { body: NEVER, also: () => interruption.controller.abort() },
  });
  expect(exit).toBe(130);
  expect(said).toContain(
    'Waiting ended; the switch may have begun: the answer was not waited for.',
  );
});

test('cancel says what happened: undone, or decided already', async () => {
  const undone = switchover('undone', [step('arm', 'undone', 300)], 'TRN5016 cancelled');
  const first = await run(['switchover', 'cancel', 'shop'], {
    'DELETE /shop/switchovers/current': { body: undone },
  });
  expect(first.exit).toBe(0);
  expect(first.out).toContain('was undone; writes go on where they were');
  const second = await run(['switchover', 'cancel', 'shop'], {
    'DELETE /shop/switchovers/current': {
      status: 409,
      body: { code: 'TRN5010', observed: { outcome: 'committed' } },
    },
  });
  expect(second.exit).toBe(5);
  expect(second.said.join('\n')).toContain('TRN5010 The decision has been made');
  const third = await run(['switchover', 'cancel', 'shop'], {
    ...SWITCH,
    'DELETE /shop/switchovers/current': { body: switchover('running', []) },
    'GET /shop/switchovers/s1': [
      { body: switchover('running', [step('hold', 'running', null)]) },
      { body: switchover('committed', [step('hold', 'done', 4)]) },
    ],
  });
  expect(third.exit).toBe(5);
  expect(third.said).toContain('hold         done  4 ms');
});

test('show prints the step that runs', async () => {
  const answer = switchover('running', [step('fence', 'running', null)]);
  const { exit, out } = await run(['switchover', 'show', 'shop'], {
    'GET /shop/switchovers/last': { body: answer },
  });
  expect(exit).toBe(0);
  expect(out).toMatch(/fence {2}running .* …/);
});

test('forcing a side open needs the word that the other is isolated', async () => {
  const refused = await run(['switchover', 'force-open', 'shop', '--side', 'green'], {});
  expect(refused).toMatchObject({ exit: 2, out: '', asked: [] });
  expect(refused.said.join('\n')).toContain('power blue off, or cut it off from every client');
  const wrong = await run(['switchover', 'force-open', 'shop', '--side', 'red'], {});
  expect(wrong.said.join('\n')).toContain('option: --side');
  const line = ['switchover', 'force-open', 'shop', '--side', 'green', '--reason', 'blue burnt'];
  const given = await run([...line, '--i-have-isolated-the-other'], {
    'POST /shop/force-open': { status: 202, body: operation('force-open', 'accepted') },
  });
  expect(given.exit).toBe(0);
  expect(given.asked).toEqual([
    'POST /shop/force-open {"side":"green","i_have_isolated_the_other":true,"reason":"blue burnt"}',
  ]);
  expect(given.out).toContain('force-open of shop: accepted, not finished yet');
  expect(given.said).toEqual(['Next: turnout status shop  — See it.']);
});

test('leaks are listed, shown and resolved with a reason', async () => {
  const leak = {
    id: 'forward-0-16B3740',
    side: 'blue',
    link: 'forward',
    final_lsn: '0/16B3740',
    xid: 771,
    committed_at: null,
    tables: ['public.orders'],
    changes: 1,
    found_at: '2026-03-01T12:00:01Z',
    resolved_at: null,
    resolution: null,
  };
  const answers: Answers = {
    'GET /shop/leaks?all=true': {
      body: { schema: 'turnout.leaks/v1', pair: 'shop', leaks: [leak] },
    },
    'GET /shop/leaks/forward-0-16B3740': {
      body: { schema: 'turnout.leak/v1', pair: 'shop', ...leak },
    },
    'POST /shop/leaks/forward-0-16B3740/resolve': { body: operation('resolve_leak') },
  };
  expect((await run(['leaks', 'list', 'shop', '--all'], answers)).out).toContain('public.orders');
  const shown = await run(['leaks', 'show', 'shop', leak.id, '--output', 'json'], answers);
  expect(JSON.parse(shown.out)).toMatchObject({ schema: 'turnout.leak/v1', id: leak.id });
  const mute = await run(['leaks', 'resolve', 'shop', leak.id], answers);
  expect(mute).toMatchObject({ exit: 2, asked: [] });
  const named = await run(['leaks', 'resolve', 'shop', leak.id, '--reason', 'by hand'], answers);
  expect(named.exit).toBe(0);
  expect(named.asked).toEqual(['POST /shop/leaks/forward-0-16B3740/resolve {"reason":"by hand"}']);
  expect((await run(['leaks', 'show', 'shop', 'nonsense'], answers)).exit).toBe(2);
});

test('cleanup, adopt and settle are asked for at their address', async () => {
  const answers: Answers = {
    'POST /shop/cleanup': { body: operation('cleanup') },
    'POST /shop/adopt': { body: operation('adopt') },
    'POST /shop/switchovers/current/settle': { body: operation('settle') },
  };
  expect((await run(['cleanup', 'shop'], answers)).out).toContain('cleanup of shop: done');
  expect((await run(['adopt', 'shop'], answers)).out).toContain('adopt of shop: done');
  const settled = await run(['switchover', 'settle', 'shop'], answers);
  expect(settled.out).toContain('settle of shop: done');
});

test('complete waits until nothing is left, and says what it waits for meanwhile', async () => {
  const waiting = { for: 'slots on blue', since: null, holder: null, remedy: 'bring blue back' };
  const line = ['complete', 'shop', '--confirm', 'shop', '--output', 'json'];
  const { exit, out, said } = await run(line, {
    'POST /shop/complete': { status: 202, body: operation('complete', 'accepted') },
    'GET /shop': [
      { body: status('completing', { waiting }) },
      { body: status('completing', { waiting }) },
      { body: status('completed') },
    ],
  });
  expect(exit).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ schema: 'turnout.operation/v1', state: 'done' });
  expect(said).toContain('waiting for slots on blue; to do: bring blue back');
  expect(said).toContain('completed    reached');
  const brief = await run(['abort', 'shop', '--no-wait'], {
    'POST /shop/abort': { status: 202, body: operation('abort', 'accepted') },
  });
  expect(brief.asked).toEqual(['POST /shop/abort']);
});

test('start shows the phases, and a link that failed is told by its own error', async () => {
  const link = (observed: string, more: object = {}) => ({
    direction: 'forward',
    desired: 'copying',
    observed,
    lag_bytes: null,
    lag_ms: null,
    age_ms: null,
    slot: null,
    ...more,
  });
  const started = { 'POST /shop/start': { status: 202, body: operation('start', 'accepted') } };
  const done = await run(['start', 'shop', '--wait'], {
    ...started,
    'GET /shop': [
      { body: status('preflight') },
      { body: status('copying', { links: [link('copying')] }) },
      { body: status('copying', { links: [link('copying')] }) },
      { body: status('verifying', { links: [link('streaming')] }) },
    ],
  });
  expect(done.exit).toBe(0);
  expect(done.said.map((line) => line.split(/ {2,}/)[0])).toEqual(
    expect.arrayContaining(['copying', 'verifying']),
  );
  const failed = await run(['start', 'shop', '--wait'], {
    ...started,
    'GET /shop': {
      body: status('copying', {
        links: [link('failed', { code: 'TRN3007', message: 'public.orders 23505' })],
      }),
    },
  });
  expect(failed.exit).toBe(9);
  expect(failed.said.join('\n')).toContain('TRN3007');
  expect(failed.said.join('\n')).toContain('message: public.orders 23505');
});

test('a check that is waited for says how far it is and ends with its exit code', async () => {
  const check = (outcome: string, rows: number) => ({
    schema: 'turnout.check/v1',
    id: 'c1',
    pair: 'shop',
    kind: 'full',
    outcome,
    tables: [],
    rows_compared: rows,
    differences: outcome === 'different' ? 2 : 0,
    seconds: 1.5,
  });
  const { exit, said } = await run(['verify', 'shop', '--wait'], {
    'POST /shop/checks': { status: 202, body: check('running', 0) },
    'GET /shop': { body: status('ready') },
    'GET /shop/checks/c1': [{ body: check('running', 1_000) }, { body: check('different', 2_000) }],
  });
  expect(exit).toBe(7);
  expect(said).toContain('full check   begins');
  expect(said).toContain('full check   1,000 rows in 0 tables compared');
  expect(said).toContain('full check   different  1.5 s');
});
