import { SIDES, type Side } from '@turnout/core/sides';
import { withClient } from '@turnout/testkit/cluster/client';
import type { CoordinatorChild } from '@turnout/testkit/pair/coordinator-child';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import type { TcpProxy } from '@turnout/testkit/tcp-proxy';
import { afterAll, beforeAll, expect, test } from 'vitest';

/**
 * Whatever is asked of the API, a side sees a fixed handful of our sessions: production has other uses
 * for its connections.
 */
const SESSIONS_MAX = 16;
const REQUESTS = 300;
/** So few that 300 requests with a session each would leave none for anybody. */
const LIMITS = { max_connections: '40' };

let pair: TestPair;
let coordinator: CoordinatorChild;
let green: TcpProxy;

beforeAll(async () => {
  pair = await TestPair.create({
    servers: { blue: { settings: LIMITS }, green: { settings: LIMITS }, control: {} },
    tables: 'create table public.item (id int primary key, name text)',
  });
  await pair.blue.query(`insert into public.item select n, 'x' from generate_series(1, 100) n`);
  green = await pair.proxy('green');
  await pair.run(['replicator', 'lag-monitor', 'checker']);
  coordinator = await pair.startCoordinator({ via: { green } });
  await coordinator.makeReady();
}, 120_000);

afterAll(() => pair?.[Symbol.asyncDispose](), 60_000);

/** Counts our sessions on both sides, and comes as a new client, until it is stopped. */
class Watch {
  readonly most: Record<Side, number> = { blue: 0, green: 0 };
  readonly refused: string[] = [];
  clients = 0;
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  constructor() {
    this.#done = Promise.all(SIDES.flatMap((side) => [this.#count(side), this.#come(side)]));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #count(side: Side): Promise<void> {
    // From another database: the second layer of the fence ends the sessions of clients in this one.
    await withClient(pair.cluster(side).url(), async (client) => {
      const ours = `select count(*) as count from pg_stat_activity where datname = '${pair.name}'
        and application_name like 'turnout/%' and backend_type = 'client backend'`;
      while (!this.#stop.signal.aborted) {
        const { rows } = await client.query<{ count: string }>(ours);
        this.most[side] = Math.max(this.most[side], Number(rows[0]?.count));
      }
    });
  }

  async #come(side: Side): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await withClient(pair.url(side), (client) => client.query('select 1'));
        this.clients += 1;
      } catch (thrown) {
        const { code } = thrown as { code?: string };
        // The second layer of the fence ends the sessions of clients on the side that closes.
        // The driver says so in its own words when it happens between two queries.
        const ended = code === '57P01' || /not queryable|terminated/.test(String(thrown));
        if (!ended) this.refused.push(`${side}: ${code ?? String(thrown)}`);
      }
    }
  }
}

const PATHS = [
  { path: '', role: 'viewer' },
  { path: '/gates', role: 'viewer' },
  { path: '/plans?to=green', role: 'viewer' },
  { path: '/writable/blue', role: null },
  { path: '/writable/green', role: null },
] as const;

interface Answered {
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

function askAll(): Promise<Answered[]> {
  return Promise.all(
    Array.from({ length: REQUESTS }, async (_, index) => {
      const { path, role } = PATHS[index % PATHS.length]!;
      const startedMs = performance.now();
      const url = `/v1/pairs/${pair.name}${path}`;
      const { status } = await coordinator.request('GET', url, { role });
      return { path, status, ms: performance.now() - startedMs };
    }),
  );
}

function statuses(answers: readonly Answered[], path: string): number[] {
  return [...new Set(answers.filter((each) => each.path === path).map(({ status }) => status))];
}

test('D18: 300 requests at a time while green hangs open no session more', async () => {
  const watch = new Watch();
  green.stall();
  const answers = [...(await askAll()), ...(await askAll())];
  green.heal();
  await watch.end();
  expect(watch.refused).toEqual([]);
  expect(watch.clients).toBeGreaterThan(20);
  expect(Math.max(watch.most.blue, watch.most.green)).toBeLessThan(SESSIONS_MAX);
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(15_000);
  expect(statuses(answers, '/writable/blue')).toEqual([200]);
  expect(statuses(answers, '/writable/green')).toEqual([503]);
  expect(statuses(answers, '')).toEqual([200]);
  // What would need green says that it does not answer.
  for (const path of ['/gates', '/plans?to=green']) {
    for (const status of statuses(answers, path)) expect([200, 503, 504]).toContain(status);
  }
});

test('D18: 300 requests at a time do not hold up a switch', async () => {
  await coordinator.until('/gates', ({ gates }) =>
    ((gates ?? []) as { open: boolean }[]).every(({ open }) => open),
  );
  const watch = new Watch();
  const asked = await coordinator.call('POST', '/switchovers', { to: 'green' });
  expect(asked.status, JSON.stringify(asked.body)).toBe(202);
  const path = `/switchovers/${String(asked.body['id'])}`;
  const answers: Answered[] = [];
  let running = true;
  const asking = (async () => {
    while (running) answers.push(...(await askAll()));
  })();
  const ended = await coordinator
    .until(path, ({ outcome }) => outcome !== 'running')
    .finally(() => {
      running = false;
    });
  await asking;
  await watch.end();
  expect(ended).toMatchObject({ outcome: 'committed', reason: null });
  expect(watch.refused).toEqual([]);
  expect(Math.max(watch.most.blue, watch.most.green)).toBeLessThan(SESSIONS_MAX);
  expect(statuses(answers, '')).toEqual([200]);
  // 409: the switch began, or green is open by then.
  for (const status of statuses(answers, '/plans?to=green')) expect([200, 409]).toContain(status);
  for (const side of SIDES) {
    for (const status of statuses(answers, `/writable/${side}`)) {
      expect([200, 503]).toContain(status);
    }
  }
});
