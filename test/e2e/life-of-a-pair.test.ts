import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '@turnout/core/waiting';
import { SIDES, type Side } from '@turnout/core/sides';
import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { serve, type Run, type ServedProgram } from './turnout.js';

const TABLE = 'create table public.t (id int primary key, note text)';
const ROWS = `insert into public.t select n, 'row ' || n from generate_series(1, 500) as n`;

let pair: TestPair;
let served: ServedProgram;

beforeAll(async () => {
  pair = await TestPair.create({
    tables: TABLE,
    // Nobody listens there: news are lost, and nothing else may change.
    common: { bus: { kind: 'kafka', brokers: ['127.0.0.1:1'] } },
  });
  await pair.blue.query(ROWS);
  served = pair.use('program', await serve(pair.configFile));
});

afterAll(() => pair?.[Symbol.asyncDispose]());

async function json(words: string): Promise<Run & { readonly answer: Record<string, unknown> }> {
  const run = await served.run(...words.split(' '), '--output', 'json');
  return { ...run, answer: JSON.parse(run.out || 'null') as Record<string, unknown> };
}

function write(side: Side, id: number): Promise<unknown> {
  return withClient(pair.url(side), (client) =>
    client.query('insert into public.t values ($1, $2)', [id, 'written']),
  );
}

test('a pair lives from start to abort by the CLI alone, with Kafka out of reach', async () => {
  const started = await json('start shop --wait');
  expect(started.exit, started.said).toBe(0);
  expect(started.answer).toMatchObject({ schema: 'turnout.status/v1', pair: 'shop' });

  const verified = await json('verify shop --wait');
  expect(verified.exit, verified.said).toBe(0);
  expect(verified.answer).toMatchObject({ outcome: 'equal', rows_compared: 500, differences: 0 });

  const plan = await json('plan shop --to green');
  expect((plan.answer['steps'] as unknown[]).length).toBe(12);

  const asked = await json('switchover shop --to green');
  expect(asked.answer, asked.said).toMatchObject({ outcome: 'running' });
  // The first one may be over by the time this one is there; green is then writable already.
  const again = await json('switchover shop --to green');
  expect(again.exit, again.said).toBe(5);
  expect(again.said).toMatch(/TRN5004|TRN5025/);
  await waitUntil(
    async () => {
      const { answer } = await json('status shop');
      return answer['phase'] === 'on_green' ? answer : undefined;
    },
    { timeoutMs: 60_000, intervalMs: 100, onTimeout: () => new Error('the switch does not end') },
  );

  await write('green', 1_001);
  // Twice over: read-only by default once the second layer stands, and whoever lifts that meets the guard.
  await expect(write('blue', 1_002)).rejects.toMatchObject({ code: '25006' });
  const lifted = withClient(pair.url('blue'), async (client) => {
    await client.query('set default_transaction_read_only = off');
    await client.query('insert into public.t values (1002)');
  });
  await expect(lifted).rejects.toMatchObject({ code: '25006', schema: 'turnout' });

  const back = await json('rollback shop --wait');
  expect(back.answer, back.said).toMatchObject({ outcome: 'committed', to: 'blue' });
  await write('blue', 1_003);
  await expect(write('green', 1_004)).rejects.toMatchObject({ code: '25006' });

  const events = await served.run('events', 'shop', '--output', 'ndjson');
  const revisions = events.out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { revision: number }).revision);
  expect(revisions).toEqual(revisions.map((_, index) => index + 1));

  const ended = await json('abort shop');
  expect(ended.exit, ended.said).toBe(0);
  for (const side of SIDES) expect(await pair.traces(side)).toEqual([]);
});
