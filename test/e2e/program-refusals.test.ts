import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { withClient } from '@turnout/testkit/cluster/client';
import { startClusters, type PairClusters } from '@turnout/testkit/pair/clusters';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { serve, turnout, type ServedProgram } from './turnout.js';

const TABLE = 'create table public.t (id int primary key); insert into t values (1)';
const NO_IDENTITY = 'create table public.plain (id int); insert into plain values (1)';

let clusters: PairClusters;
let bad: Cluster;
let pair: TestPair;
let served: ServedProgram;

async function database(cluster: Cluster, name: string, ddl = TABLE): Promise<string> {
  const url = await cluster.createDatabase(name);
  await withClient(url, (client) => client.query(ddl));
  return url;
}

beforeAll(async () => {
  clusters = await startClusters({ blue: { version: '15' }, green: 'blue', control: 'blue' });
  const good = clusters.blue;
  const settings = { wal_level: 'replica', max_replication_slots: '1' };
  bad = await startCluster({ version: '13', name: 'bad', settings });
  await withClient(good.url(), (client) => client.query('create role weak login'));
  const green = await database(good, 'green2');
  const others = {
    unreachable: { blue: 'postgres://postgres@127.0.0.1:1/x', green },
    absent: { blue: good.url('nothing_here'), green },
    weak: { blue: good.url('fine_blue', 'weak'), green },
    replica: { blue: await database(bad, 'blue'), green },
    plain: {
      blue: await database(good, 'plain', NO_IDENTITY),
      green,
      settings: { schema: { transfer: 'pg_dump' as const } },
    },
  };
  pair = await TestPair.create({ clusters, name: 'fine', tables: TABLE, others });
  served = pair.use('program', await serve(pair.configFile));
});

afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await bad?.[Symbol.asyncDispose]();
  await clusters?.[Symbol.asyncDispose]();
});

test.each([
  ['a server that cannot be reached', 'unreachable', 'TRN2001'],
  ['a database that does not exist', 'absent', 'TRN2003'],
  ['missing privileges', 'weak', 'TRN2012'],
  ['wal_level that is not logical', 'replica', 'TRN2010'],
  ['no free slot', 'replica', 'TRN2011'],
  ['a table without replica identity', 'plain', 'TRN2013'],
])('%s is named by preflight, with what to do', async (_, pair, code) => {
  const { exit, out } = await served.run('preflight', pair);
  expect(out).toContain(code);
  expect(out).toMatch(/to do: \w+/);
  expect(exit).toBe(3);
});

test('a start that preflight forbids changes nothing on either side', async () => {
  const { exit, said } = await served.run('start', 'plain', '--wait');
  expect(said).toMatch(/^TRN2013/);
  expect(exit).toBe(3);
  const installed = `select to_regnamespace('turnout') is null as clean`;
  for (const name of ['plain', 'green2']) {
    const { rows } = await withClient(clusters.blue.url(name), (client) => client.query(installed));
    expect(rows).toEqual([{ clean: true }]);
  }
});

test('an unknown pair, an unknown check and an unknown switchover are not found', async () => {
  const pair = await served.run('status', 'nobody');
  expect([pair.exit, pair.said]).toEqual([4, expect.stringContaining('TRN5001')]);
  const check = await served.run('verify', 'show', 'fine', 'chk_0');
  expect([check.exit, check.said]).toEqual([4, expect.stringContaining('TRN4004')]);
  const switchover = await served.run('switchover', 'show', 'fine');
  expect([switchover.exit, switchover.said]).toEqual([4, expect.stringContaining('TRN5017')]);
});

test('a switchover with closed gates is refused, with what each observed, and leaves the phase', async () => {
  const { exit, said } = await served.run('switchover', 'fine', '--to', 'green', '--wait');
  expect(said).toContain('TRN5002');
  expect(said).toContain('link: stopped, needs streaming');
  expect(exit).toBe(3);
  expect(JSON.parse((await served.run('status', 'fine', '--output', 'json')).out)).toMatchObject({
    phase: 'draft',
  });
});

test.each([
  ['an unknown key, with a suggestion', { contol: {} }, 'TRN1002', /control/],
  [
    'blue and green the same database',
    {
      control: { url: 'postgres://u@h/c' },
      pairs: { p: { blue: { url: 'postgres://u@h/d' }, green: { url: 'postgres://v@h:5432/d' } } },
    },
    'TRN1006',
    /h:5432\/d/,
  ],
  [
    'a variable that is not set',
    { control: { url: '${env:NOT_SET_ANYWHERE}' } },
    'TRN1004',
    /NOT_SET_ANYWHERE/,
  ],
])('a configuration with %s does not start', async (_, config, code, observed) => {
  const directory = await mkdtemp(join(tmpdir(), 'turnout-config-'));
  const file = join(directory, 'turnout.yaml');
  await writeFile(file, JSON.stringify(config));
  const { exit, out, said } = await turnout(['--config', file, 'serve']);
  await rm(directory, { recursive: true });
  expect(said).toContain(code);
  expect(said).toMatch(observed);
  expect(said).toContain('To do:');
  expect([exit, out]).toEqual([2, '']);
});

test('an API that is not there and a wrong form of output have their exit codes', async () => {
  expect((await turnout(['--api', 'http://127.0.0.1:1', 'status', 'fine'])).exit).toBe(8);
  const refused = await served.run('status', 'fine', '--output', 'yaml');
  expect([refused.exit, refused.said]).toEqual([2, expect.stringContaining('TRN1008')]);
});
