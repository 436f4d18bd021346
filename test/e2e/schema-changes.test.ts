import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Side } from '@turnout/core/sides';
import { withClient } from '@turnout/testkit/cluster/client';
import { startClusters, type PairClusters } from '@turnout/testkit/pair/clusters';
import { Holds } from '@turnout/testkit/pair/holds';
import { PairApi } from '@turnout/testkit/pair/pair-api';
import { TestPair } from '@turnout/testkit/pair/test-pair';

/**
 * Blue changes under a running migration: whatever a dump would hold is missed by name before it can be
 * lost, and what the error says to do lets the pair go on.
 */
const TABLES = `
  create table public.item (id int primary key, name text);
  create table public.log (id int not null, day int not null, primary key (id, day))
    partition by range (day);
  create table public.log_1 partition of public.log for values from (1) to (2);
  create sequence public.ticket;
  create table public.visit (id bigint primary key default nextval('public.ticket'));`;
const SERVICES = ['replicator', 'lag-monitor', 'checker', 'coordinator'] as const;

let clusters: PairClusters;
let pair: TestPair;
let api: PairApi;
const holds = new Holds();

beforeAll(async () => {
  clusters = await startClusters();
  pair = await TestPair.create({ clusters, tables: TABLES });
  await ask('blue', `insert into public.item select n, 'item ' || n from generate_series(1, 50) n`);
  await pair.run(SERVICES, { failpoint: holds.failpoint });
  api = apiOf(pair);
  await api.ready();
  await api.makeReady();
}, 120_000);

afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await clusters?.[Symbol.asyncDispose]();
}, 60_000);

function apiOf({ config, name }: TestPair): PairApi {
  return new PairApi(config.api.port, name);
}

/** By a session of its own each time: the second layer of the fence ends those of clients. */
async function ask<Row extends object>(side: Side, text: string, of = pair): Promise<Row[]> {
  return withClient(of.url(side), async (client) => (await client.query<Row>(text)).rows);
}

/** The gates are read afresh for it: an answer may be a second old. */
async function untilGate(id: string, open: boolean): Promise<string | null> {
  let observed: string | null = null;
  await api.until('/gates', ({ gates }) => {
    const found = (gates as { id: string; open: boolean; observed: string | null }[]).find(
      (each) => each.id === id,
    );
    observed = found?.observed ?? null;
    return found?.open === open;
  });
  return observed;
}

/** Asks for a switch and does `work` while it stands behind the step named. */
async function duringSwitch(
  step: string,
  work: () => Promise<unknown>,
): Promise<Record<string, unknown>> {
  const held = holds.at(step);
  const asked = await api.call('POST', '/switchovers', { to: 'green' });
  expect(asked.status, JSON.stringify(asked.body)).toBe(202);
  await held.reached;
  await work();
  held.release();
  const ended = await api.until(
    `/switchovers/${String(asked.body['id'])}`,
    ({ outcome }) => outcome !== 'running',
  );
  await api.untilPhase('ready', 'on_green');
  return ended;
}

/** What is made on blue, how the error names it, and what an operator does about it. */
const CHANGES = [
  {
    what: 'a column',
    ddl: 'alter table public.item add column COLUMN text',
    used: `update public.item set name = 'new' where id = 1`,
    changed: 'public.item',
    named: /column public\.item\.COLUMN is missing on green/,
    mended: ['green', 'alter table public.item add column COLUMN text'],
  },
  {
    what: 'a table',
    ddl: 'create table public.TABLE (id int primary key)',
    used: 'insert into public.TABLE values (1)',
    changed: 'public.TABLE',
    named: /table public\.TABLE is (missing on green|not published on blue)/,
    mended: ['blue', 'drop table public.TABLE'],
  },
  {
    what: 'a partition',
    ddl: 'create table public.PART partition of public.log for values from (NUMBER) to (NUMBER + 1)',
    used: 'insert into public.log values (1, NUMBER)',
    changed: 'public.PART',
    named: /table public\.PART is (missing on green|not published on blue)/,
    mended: ['blue', 'drop table public.PART'],
  },
] as const;

test.each(CHANGES.flatMap((change) => ['gates', 'arm'].map((step) => ({ ...change, step }))))(
  'D3: $what added after step $step is named, not lost, and the pair goes on',
  async (change) => {
    const number = change.step === 'gates' ? 10 : 20;
    const said = (text: string): string =>
      text
        .replaceAll('COLUMN', `extra_${number}`)
        .replaceAll('TABLE', `added_${number}`)
        .replaceAll('PART', `log_${number}`)
        .replaceAll('NUMBER', String(number));
    const ended = await duringSwitch(change.step, async () => {
      await ask('blue', said(change.ddl));
      await ask('blue', said(change.used));
    });
    expect(ended).toMatchObject({ outcome: 'undone' });
    expect(ended['reason']).toMatch(/^TRN5024 /);
    expect(ended['reason']).toContain(said(change.changed));
    // What was written is where it was written, and blue takes more.
    expect(await api.request('GET', `/v1/pairs/${pair.name}/writable/blue`)).toMatchObject({
      status: 200,
    });
    expect(await untilGate('schema', false)).toMatch(new RegExp(said(change.named.source)));
    const [side, ddl] = change.mended;
    await ask(side, said(ddl));
    expect(await untilGate('schema', true)).toBe('same');
    // A link that met what green did not have stopped there; it goes on from there when it is told.
    const { body } = await api.call('GET', '');
    const [forward] = body['links'] as { observed: string | null }[];
    if (forward?.observed === 'failed') {
      const retried = await api.call('POST', '/link/retry');
      expect(retried.status, JSON.stringify(retried.body)).toBe(200);
    }
    await untilGate('link', true);
    await untilGate('lag', true);
  },
);

test('D24: what a dump would hold and blue got later is named by the gate, each by its name', async () => {
  const made = {
    'view public.few': 'create view public.few as select id from public.item where id < 5',
    'index public.item_name': 'create index item_name on public.item (name)',
    'function public.one()': `create function public.one() returns int language sql as 'select 1'`,
    'sequence public.other': 'create sequence public.other',
  };
  for (const ddl of Object.values(made)) await ask('blue', ddl);
  const observed = await untilGate('schema', false);
  for (const name of Object.keys(made)) expect(observed).toContain(`${name} is missing on green`);
  const refused = await api.call('POST', '/switchovers', { to: 'green' });
  expect(refused.body).toMatchObject({ code: 'TRN5002' });
  expect(JSON.stringify(refused.body['observed'])).toContain('view public.few');
  for (const ddl of Object.values(made)) await ask('green', ddl);
  expect(await untilGate('schema', true)).toBe('same');
});

test('D22: a sequence that was restarted and not called goes on where it was restarted', async () => {
  await ask('blue', `select setval('public.ticket', 40)`);
  await ask('blue', 'insert into public.visit select n from generate_series(500, 509) n');
  await ask('blue', 'alter sequence public.ticket restart with 510');
  expect(await api.switchTo('green')).toMatchObject({ outcome: 'committed' });
  const stands = 'select last_value::int as value, is_called as called from public.ticket';
  expect(await ask('green', stands)).toEqual([{ value: 510, called: false }]);
  const [row] = await ask<{ id: string }>(
    'green',
    'insert into public.visit default values returning id',
  );
  expect(Number(row?.id)).toBe(510);
  await api.untilPhase('on_green');
  await untilGate('lag', true);
  expect(await api.switchTo('blue')).toMatchObject({ outcome: 'committed' });
  const [back] = await ask<{ id: string }>(
    'blue',
    'insert into public.visit default values returning id',
  );
  expect(Number(back?.id)).toBeGreaterThan(510);
});

test('D23: an event trigger that logs DDL, on both sides, sees nothing of ours and stops nothing', async () => {
  await using logging = await TestPair.create({
    clusters,
    tables: `
      create table public.item (id int primary key);
      create table public.ddl_log (id bigserial primary key, tag text);
      create function public.log_ddl() returns event_trigger language plpgsql as
        $$ begin insert into public.ddl_log (tag) values (tg_tag); end $$;
      create event trigger log_ddl_end on ddl_command_end execute function public.log_ddl();
      create event trigger log_ddl_drop on sql_drop execute function public.log_ddl();`,
  });
  await ask('blue', 'insert into public.item values (1)', logging);
  const count = 'select count(*)::int as count from public.ddl_log';
  expect(await ask('blue', count, logging)).toEqual([{ count: 0 }]);
  await logging.run(SERVICES);
  const other = apiOf(logging);
  await other.ready();
  await other.makeReady();
  expect(await other.switchTo('green')).toMatchObject({ outcome: 'committed', reason: null });
  await other.untilPhase('on_green');
  expect(await other.switchTo('blue')).toMatchObject({ outcome: 'committed', reason: null });
  await other.untilPhase('ready');
  expect(await other.call('POST', '/abort')).toMatchObject({ status: 200 });
  for (const side of ['blue', 'green'] as const) {
    expect(await ask(side, count, logging)).toEqual([{ count: 0 }]);
    expect(await logging.traces(side)).toEqual([]);
  }
});
