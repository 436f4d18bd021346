import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitUntil } from '@turnout/core/waiting';
import { withClient } from '@turnout/testkit/cluster/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBadCluster, type Answer, type BadCluster } from './bad-cluster.js';
import type { WrittenConfig, WrittenPair } from '@turnout/testkit/pair/config-files';
import { turnout, type Run } from './turnout.js';

/**
 * What is asked for wrongly is answered once: a code, what was observed, what to do, by the exit code
 * and the status that belong to it. And nothing is changed by having been asked.
 */
let world: BadCluster;

beforeAll(async () => {
  world = await startBadCluster();
}, 60_000);

afterAll(() => world?.[Symbol.asyncDispose](), 60_000);

function expectProblem(answer: Answer, code: string, status: number): Record<string, unknown> {
  expect(answer.body, JSON.stringify(answer)).toMatchObject({ code, status });
  expect(answer.status).toBe(status);
  expect(answer.type).toMatch(/^application\/problem\+json/);
  expect(answer.body['remedy']).toMatch(/\w+/);
  return answer.body['observed'] as Record<string, unknown>;
}

function expectOneError({ exit, out, said }: Run, code: string, expected: number): void {
  const lines = said.trim().split('\n');
  expect(lines[0], said).toMatch(new RegExp(`^${code} \\S`));
  expect(lines.at(-1)).toMatch(/^To do: \w/);
  expect(lines.length, 'an error says what was observed').toBeGreaterThan(2);
  expect(said.match(/^TRN\d{4}/gm)).toHaveLength(1);
  expect(out).toBe('');
  expect(exit).toBe(expected);
}

async function statusOf(pair: string): Promise<Record<string, unknown>> {
  return (await world.call('GET', `/pairs/${pair}`)).body;
}

async function untilPhase(pair: string, phase: string): Promise<void> {
  let last: unknown;
  await waitUntil(
    async () => {
      last = await statusOf(pair);
      return (last as { phase?: string }).phase === phase ? true : undefined;
    },
    {
      timeoutMs: 30_000,
      intervalMs: 50,
      onTimeout: () => new Error(`not ${phase}: ${JSON.stringify(last)}`),
    },
  );
}

async function onBlue(database: string, sql: string): Promise<void> {
  await withClient(world.blue.url(database), (client) => client.query(sql));
}

async function onBoth(database: string, sql: string): Promise<void> {
  await onBlue(database, sql);
  await withClient(world.green.url(database), (client) => client.query(sql));
}

async function tracesOf(pair: string): Promise<string[]> {
  const { blue, green } = world.config.pairs[pair]!;
  return [...(await world.traces(blue.url)), ...(await world.traces(green.url))];
}

describe('a configuration that cannot be meant', () => {
  const shop = (): WrittenPair => world.config.pairs['shop']!;
  const nowhere = 'postgres://postgres@127.0.0.1:9/control';
  const sameByName = (): WrittenPair => ({
    ...shop(),
    green: { url: shop().blue.url.replace('127.0.0.1', 'localhost') },
  });

  test.each<[string, string, number, RegExp, () => Partial<WrittenConfig>]>([
    [
      'unknown key',
      'TRN1002',
      2,
      /log\.levle[^]*did_you_mean: log\.level/,
      () => ({ log: { levle: 'info' } }),
    ],
    [
      'one database twice',
      'TRN1006',
      2,
      /loopback:\d+\/shop/,
      () => ({ pairs: { shop: sameByName() } }),
    ],
    ['no control store', 'TRN6001', 8, /ECONNREFUSED/, () => ({ control: { url: nowhere } })],
  ])('%s keeps serve from starting', async (name, code, exit, observed, change) => {
    const file = join(world.directory, `${name.replaceAll(' ', '-')}.yaml`);
    await writeFile(file, JSON.stringify({ ...world.config, ...change() }));
    const run = await turnout(['--config', file, 'serve']);
    expectOneError(run, code, exit);
    expect(run.said).toMatch(observed);
  });
});

describe('a pair that does not meet what the migration needs', () => {
  const REFUSED = [
    ['no_host', 'TRN2001', 503, 8, { blue_connection: /127\.0\.0\.1:\d+\/shop \(ECONNREFUSED\)/ }],
    ['no_database', 'TRN2003', 404, 8, { green_connection: /\/nowhere \(3D000\)/ }],
    ['twin', 'TRN1006', 400, 2, { distinct_sides: /one database/ }],
    ['low_wal', 'TRN2010', 409, 3, { wal_level: /^blue: wal_level is replica$/ }],
    [
      'keyless',
      'TRN2013',
      409,
      3,
      { replica_identity: /^blue: "public"\."note" has no primary key/ },
    ],
    [
      'no_rights',
      'TRN2017',
      409,
      3,
      {
        privileges: /^TRN2012 blue: role "plain" lacks REPLICATION;.* green: role "plain" lacks/,
        ownership: /"public"\."item" belongs to "postgres"/,
        monitoring: /^TRN2022 blue: role "plain" reads NULL/,
      },
    ],
    ['bad_both', 'TRN2017', 409, 3, { wal_level: /TRN2010/, privileges: /TRN2012 green/ }],
  ] as const;

  async function expectRefused(
    pair: string,
    code: string,
    [status, exit]: readonly [number, number],
    observed: Readonly<Record<string, RegExp>>,
  ): Promise<void> {
    const [answer, run] = await Promise.all([
      world.call('POST', `/pairs/${pair}/start`),
      world.run('start', pair),
    ]);
    const facts = expectProblem(answer, code, status);
    for (const [name, text] of Object.entries(observed)) expect(facts[name]).toMatch(text);
    if (code !== 'TRN2017') expect(Object.keys(facts)).toEqual(Object.keys(observed));
    expectOneError(run, code, exit);
    const after = await statusOf(pair);
    expect(after).toMatchObject({ phase: 'draft', conditions: [] });
  }

  test.each(REFUSED)('%s is refused by %s', async (pair, code, status, exit, observed) => {
    await expectRefused(pair, code, [status, exit], observed);
    if (!pair.startsWith('no_host') && pair !== 'no_database') {
      expect(await tracesOf(pair)).toEqual([]);
    }
  });

  test('no free slot is refused, and the slots of others stay', async () => {
    const fill = `select pg_create_physical_replication_slot('other_' || n)
      from generate_series(1, current_setting('max_replication_slots')::int) n`;
    await onBlue('postgres', fill);
    try {
      const observed = { slots: /^blue: max_replication_slots 0 of \d+ free, 2 needed$/ };
      await expectRefused('no_slot', 'TRN2011', [409, 3], observed);
      expect(await tracesOf('no_slot')).toEqual([]);
    } finally {
      const drop = `select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots`;
      await onBlue('postgres', drop);
    }
  });

  test('once mended it starts', async () => {
    await onBoth('keyless', 'alter table public.note replica identity full');
    const started = await world.run('start', 'keyless', '--wait');
    expect(started.exit, started.said).toBe(0);
    expect(await world.run('abort', 'keyless')).toMatchObject({ exit: 0 });
    expect(await tracesOf('keyless')).toEqual([]);
  });

  test('a copy that fails is told, ended and started again', async () => {
    await withClient(world.green.url('strict'), (client) =>
      client.query('alter table public.item add constraint none check (id < 0)'),
    );
    const failed = await world.run('start', 'strict', '--wait');
    expect(failed.exit, failed.said).toBe(9);
    // The table, the server's code and words, and what to do; no cell of the row that did not fit.
    expect(failed.said).toMatch(/TRN3012 Copy could not finish[^]*public\.item[^]*23514/);
    expect(failed.said).toMatch(/violates check constraint "none"[^]*To do: .*link retry/);
    expect(failed.said).not.toMatch(/item \d/);
    expectProblem(await world.call('POST', '/pairs/strict/start'), 'TRN5003', 409);
    expect(await statusOf('strict')).toMatchObject({
      phase: 'copying',
      waiting: { for: expect.stringContaining('TRN3012') },
      next_steps: expect.arrayContaining([
        expect.objectContaining({ command: 'turnout link retry strict --direction forward' }),
      ]),
    });
    await withClient(world.green.url('strict'), (client) =>
      client.query('alter table public.item drop constraint none'),
    );
    const retried = await world.run('link', 'retry', 'strict', '--direction', 'forward');
    expect(retried.exit, retried.said).toBe(0);
    await untilPhase('strict', 'verifying');
    expect(await world.call('POST', '/pairs/strict/abort')).toMatchObject({ status: 200 });
    expect(await tracesOf('strict')).toEqual([]);
    await withClient(world.green.url('strict'), (client) => client.query('truncate public.item'));
    expect(await world.run('start', 'strict', '--wait')).toMatchObject({ exit: 0 });
    expect(await statusOf('strict')).toMatchObject({ conditions: [] });
  });
});

describe('a request that does not fit', () => {
  test('shop comes to life though no Kafka, Redis or PgBouncer answers', async () => {
    const pairs = ['shop', 'routed'];
    for (const pair of pairs) {
      expect(await world.call('POST', `/pairs/${pair}/start`)).toMatchObject({ status: 202 });
    }
    await Promise.all(pairs.map((pair) => untilPhase(pair, 'verifying')));
  });

  test('a pair cannot take a database of another, nor its fence away', async () => {
    const facts = expectProblem(await world.call('POST', '/pairs/thief/start'), 'TRN2015', 409);
    expect(facts).toEqual({ one_pair: 'blue: schema turnout belongs to pair shop as blue' });
    const before = await tracesOf('shop');
    expect(before).toContain('trigger on item');
    expect(await world.call('POST', '/pairs/thief/abort')).toMatchObject({ status: 200 });
    expect(await tracesOf('shop')).toEqual(before);
  });

  test('a gate that never opened refuses the switch, which leaves no record of one', async () => {
    const { revision } = await statusOf('shop');
    const answer = await world.call('POST', '/pairs/shop/switchovers', { body: { to: 'green' } });
    expect(expectProblem(answer, 'TRN5002', 409)['gates']).toMatch(/^verified: unknown, needs/);
    expectOneError(await world.run('switchover', 'shop', '--to', 'green', '--wait'), 'TRN5002', 3);
    expect(await statusOf('shop')).toMatchObject({ phase: 'verifying', revision });
    const { body } = await world.call('GET', '/pairs/shop/switchovers');
    expect(body['switchovers']).toEqual([]);
  });

  test('a pooler that does not answer is named and refuses the switch, Redis does not', async () => {
    expect(await world.run('verify', 'routed', '--wait')).toMatchObject({ exit: 0 });
    await untilPhase('routed', 'ready');
    const run = await world.run('switchover', 'routed', '--to', 'green', '--wait');
    expectOneError(run, 'TRN5002', 3);
    expect(run.said).toMatch(/gates: poolers: pgbouncer .*ECONNREFUSED/);
    // Redis is away too, and closes nothing: it delays its own clients only.
    expect(run.said).not.toMatch(/redis/i);
    expect(await statusOf('routed')).toMatchObject({
      phase: 'ready',
      sides: { blue: { writable: true }, green: { writable: false } },
    });
  });

  test('whoever looked at something else is told so', async () => {
    expect(await world.run('verify', 'shop', '--wait')).toMatchObject({ exit: 0 });
    await untilPhase('shop', 'ready');
    const post = (body: object, headers = {}): Promise<Answer> =>
      world.call('POST', '/pairs/shop/switchovers', { body, headers });
    const to = 'green';
    expectProblem(await post({ to }, { 'if-match': '"1"' }), 'TRN5005', 412);
    expectProblem(await post({ to, expect: { source: 'green' } }), 'TRN5005', 412);
    expectProblem(await post({ to, expect: { phase: 'on_green' } }), 'TRN5005', 412);
    const { approved } = expectProblem(await post({ to, plan_hash: 'no' }), 'TRN5006', 409);
    expect(approved).toBe('no');
    expectProblem(await post({ to: 'blue' }), 'TRN5025', 409);
    expect(await statusOf('shop')).toMatchObject({ phase: 'ready' });
    const { body } = await world.call('GET', '/pairs/shop/switchovers');
    expect(body['switchovers']).toEqual([]);
  });

  test('an idempotency key answers for one request only', async () => {
    const headers = { 'idempotency-key': 'once' };
    const check = (kind: string): Promise<Answer> =>
      world.call('POST', '/pairs/shop/checks', { headers, body: { kind } });
    const first = await check('full');
    expect(first.status).toBe(202);
    expect((await check('full')).body['id']).toBe(first.body['id']);
    const facts = expectProblem(await check('incremental'), 'TRN7003', 422);
    expect(facts).toEqual({ key: 'once' });
  });

  test('who may not, may not', async () => {
    const get = (role: 'none' | 'stranger'): Promise<Answer> =>
      world.call('GET', '/pairs/shop', { role });
    expect(expectProblem(await get('none'), 'TRN7001', 401)).toEqual({ token: 'missing' });
    expect(expectProblem(await get('stranger'), 'TRN7001', 401)).toEqual({ token: 'not known' });
    const start = await world.call('POST', '/pairs/shop/start', { role: 'viewer' });
    const facts = expectProblem(start, 'TRN7002', 403);
    expect(facts).toEqual({ role: 'viewer', needed: 'operator' });
    const abort = await world.call('POST', '/pairs/shop/abort', { role: 'operator' });
    expectProblem(abort, 'TRN7002', 403);
  });

  test('what is not there, or not well formed, is named', async () => {
    expectProblem(await world.call('GET', '/pairs/nope'), 'TRN5001', 404);
    expectProblem(await world.call('GET', '/pairs/shop/checks/nope'), 'TRN4004', 404);
    expectProblem(await world.call('GET', '/pairs/shop/switchovers/last'), 'TRN5017', 404);
    expectProblem(await world.call('GET', '/nonsense'), 'TRN7006', 404);
    const post = (request: object): Promise<Answer> =>
      world.call('POST', '/pairs/shop/switchovers', request);
    expectProblem(await post({ raw: '{"to": "gr' }), 'TRN7005', 400);
    expectProblem(await post({ body: { to: 'purple' } }), 'TRN7005', 400);
    const unknown = await post({ body: { to: 'green', plan_hahs: 'x' } });
    expect(expectProblem(unknown, 'TRN7005', 400)['field']).toBe('plan_hahs');
    const [status, side] = await Promise.all([
      world.run('switchover', 'nope', '--to', 'green'),
      world.run('switchover', 'shop', '--to', 'purple'),
    ]);
    expectOneError(status, 'TRN5001', 4);
    expectOneError(side, 'TRN1008', 2);
  });

  test('a second switch is refused while one runs, and the first goes on', async () => {
    const url = world.blue.url('shop');
    const post = (): Promise<Answer> =>
      world.call('POST', '/pairs/shop/switchovers', { body: { to: 'green' } });
    const { first, second } = await withClient(url, async (client) => {
      // Whoever writes is waited for, so the first is still at its fence when the second is asked for.
      await client.query('begin');
      await client.query(`update public.item set name = 'held' where id = 1`);
      const begun = { first: await post(), second: await post() };
      await client.query('commit');
      return begun;
    });
    expect(first.status, JSON.stringify(first)).toBe(202);
    expectProblem(second, 'TRN5004', 409);
    await untilPhase('shop', 'on_green');
    expect(await statusOf('shop')).toMatchObject({
      sides: { blue: { writable: false }, green: { writable: true } },
    });
    const { body } = await world.call('GET', '/pairs/shop/switchovers');
    expect(body['switchovers']).toHaveLength(1);
  });
});
