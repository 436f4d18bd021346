import { otherSide, SIDES, type Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { withClient } from '@turnout/testkit/cluster/client';
import type { PairApi } from '@turnout/testkit/pair/pair-api';
import { TestPair, type PairOrder } from '@turnout/testkit/pair/test-pair';
import { compare } from '@turnout/testkit/workload/comparison';
import { endObservation } from '@turnout/testkit/workload/observation';
import { acceptedProbes, bothSidesWritableMs, Probers } from '@turnout/testkit/workload/prober';
import { startWriters, type Writers } from '@turnout/testkit/workload/writers';
import { expect } from 'vitest';

export interface SideState {
  readonly state: string;
  readonly guard: string;
  readonly fence_epoch: string;
  readonly claim_epoch: string;
  readonly holder: string | null;
  readonly switchover_id: string | null;
  /** When row and guard last changed, milliseconds since the epoch. */
  readonly changed_ms: number;
}

const SETTLED = { timeoutMs: 10_000, intervalMs: 20 };

/** A pair with writers and probers on it, and what has to hold for it whatever happens. */
export class LivingPair implements AsyncDisposable {
  readonly pair: TestPair;
  readonly #switches: { to: Side; atMs: number }[] = [];
  #writers: Writers | null = null;
  #probers: Probers | null = null;

  private constructor(pair: TestPair) {
    this.pair = pair;
  }

  /** The store has a server of its own; the services that coordinators need are at work. */
  static async create(order: PairOrder = {}): Promise<LivingPair> {
    const pair = await TestPair.create({
      servers: { control: {} },
      shop: { scale: 0.02 },
      settings: { gates: { lag_max: '2s' }, copy: { workers: 2 } },
      ...order,
    });
    await pair.run(['replicator', 'lag-monitor', 'checker']);
    return new LivingPair(pair);
  }

  startWorkload(): void {
    const { pair } = this;
    const urls = pair.urls('app');
    const route = { kind: 'pool', pair: pair.name, ...urls } as const;
    const { directory, size } = pair;
    const groups = [{ route, writers: 4 }];
    this.#writers = pair.use('writers', startWriters({ groups, perSecond: 100, directory, size }));
    this.#probers = pair.use('probers', new Probers({ urls }));
  }

  get writers(): Writers {
    if (this.#writers === null) throw new Error('nobody writes yet');
    return this.#writers;
  }

  /** By a session of its own each time: the second layer of the fence ends those of clients. */
  ask<Row extends object>(side: Side, text: string, values: readonly unknown[] = []) {
    return withClient(
      // Named like our own: the second layer of the fence ends every other session of a side.
      `${this.pair.url(side)}?application_name=turnout/0/test/${this.pair.name}`,
      async (client) => (await client.query<Row>(text, [...values])).rows,
    );
  }

  async row(side: Side): Promise<SideState> {
    const [row] = await this.ask<SideState>(
      side,
      `select state, guard, fence_epoch, claim_epoch, holder, switchover_id,
        (extract(epoch from changed_at) * 1000)::float8 as changed_ms from turnout.side`,
    );
    return row!;
  }

  async rows(): Promise<Readonly<Record<Side, SideState>>> {
    return { blue: await this.row('blue'), green: await this.row('green') };
  }

  /** The side that is open while the other is closed. */
  async openSide(): Promise<Side> {
    const { blue, green } = await this.rows();
    expect([blue.state, green.state].toSorted()).toEqual(['closed', 'open']);
    return blue.state === 'open' ? 'blue' : 'green';
  }

  /** Resolves when the sides say that `to` is open and the other closed; how long none was. */
  async untilOpen(to: Side, timeoutMs: number): Promise<number> {
    const rows = await waitUntil(
      async () => {
        const seen = await this.rows();
        return seen[to].state === 'open' && seen[otherSide(to)].state === 'closed'
          ? seen
          : undefined;
      },
      { timeoutMs, intervalMs: 10, onTimeout: () => new Error(`${to} does not open`) },
    );
    return rows[to].changed_ms - rows[otherSide(to)].changed_ms;
  }

  /** Writers go on: each wrote again after this call. */
  async expectWritesGoOn(timeoutMs = 10_000): Promise<void> {
    const before = this.writers.counts().acknowledged;
    await waitUntil(
      async () => (this.writers.counts().acknowledged > before + 20 ? true : undefined),
      { timeoutMs, intervalMs: 20, onTimeout: () => new Error('nobody can write') },
    );
  }

  /** Notes a switch that came about, for the judgement at the end. */
  async noteSwitch(to: Side): Promise<void> {
    expect(await this.openSide()).toBe(to);
    this.#switches.push({ to, atMs: (await this.row(to)).changed_ms });
  }

  /** Switches, and expects that it is committed. */
  async switchTo(api: PairApi, to: Side): Promise<Record<string, unknown>> {
    await api.until('/gates', ({ to: next, gates }) => {
      const open = Array.isArray(gates) && gates.every((gate) => gate.open === true);
      return open && next === to;
    });
    const ended = await api.switchTo(to);
    expect(ended, JSON.stringify(ended)).toMatchObject({ outcome: 'committed', to });
    await this.noteSwitch(to);
    return ended;
  }

  /** Sessions of coordinators on a side; those of services and of observation are not meant. */
  coordinatorSessions(side: Side): Promise<{ name: string; epoch: string; pid: number }[]> {
    return this.ask(
      side,
      `select application_name as name, split_part(application_name, '/', 2) as epoch, pid
       from pg_stat_activity where datname = current_database()
         and application_name ~ '^turnout/[0-9]+/(control|fence|prepare)/' order by 1`,
    );
  }

  /** Exactly one side is open, no guard is armed, and no session of a claim is left. */
  async expectSettled(): Promise<void> {
    let last: unknown;
    await waitUntil(
      async () => {
        const rows = await this.rows();
        const sessions = (await Promise.all(SIDES.map((side) => this.coordinatorSessions(side))))
          .flat()
          .map(({ name }) => name);
        const sides = SIDES.map((side) => `${rows[side].state}/${rows[side].guard}`).toSorted();
        last = { sides, sessions };
        return sides.join() === 'closed/closed,open/pass' && sessions.length === 0
          ? true
          : undefined;
      },
      { ...SETTLED, onTimeout: () => new Error(`not settled: ${JSON.stringify(last)}`) },
    );
  }

  /** After all of it: nothing lost, nothing double, never two writable sides, both sides equal. */
  async expectNothingLost(api: PairApi): Promise<void> {
    await endObservation(this.writers, this.#probers!);
    await this.expectSettled();
    const open = await this.openSide();
    expect(await api.check()).toMatchObject({ outcome: 'equal' });
    const urls = this.pair.urls();
    const comparison = await withClient(urls[open], (client) =>
      compare(this.writers.ledgerFiles, client),
    );
    expect(comparison).toMatchObject({ lost: 0, duplicated: 0, unexplained: 0 });
    expect(comparison.acknowledged).toBeGreaterThan(200);
    expect(bothSidesWritableMs(await acceptedProbes(urls), this.#switches)).toBe(0);
  }

  /** Every entry of the journal. */
  async journal(): Promise<{ revision: number; type: string; data: Record<string, unknown> }[]> {
    const rows = await this.pair.store.journal.read(this.pair.name, {
      afterRevision: 0,
      limit: 5_000,
    });
    return rows.map(({ revision, type, data }) => ({
      revision: Number(revision),
      type,
      data: data as Record<string, unknown>,
    }));
  }

  async leader(): Promise<string | null> {
    const lease = await this.pair.store.leases.get(`pair/${this.pair.name}`);
    return lease?.valid ? lease.holder : null;
  }

  async untilLeader(holder: string, timeoutMs = 15_000): Promise<void> {
    await waitUntil(async () => ((await this.leader()) === holder ? true : undefined), {
      timeoutMs,
      intervalMs: 20,
      onTimeout: () => new Error(`${holder} does not lead`),
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pair[Symbol.asyncDispose]();
  }
}
