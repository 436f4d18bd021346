import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LinkDesired, LinkRow } from '@turnout/store/links';
import { startClusters, stopClusters, type Clusters } from '../../test/pair-fixture.js';
import { inState, ReplicatedPair } from '../../test/replicated-pair.js';

/** Never part of what is said about an error. */
const CELL = 'geheim4711';
const DDL = /* sql */ `create table public.item (id int primary key, v text);`;

let clusters: Clusters;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));

interface Failure {
  readonly code: string;
  readonly desired?: LinkDesired;
  /** Runs before the link; what breaks it may come here or later. */
  readonly before?: { blue?: string; green?: string };
  /** Written on blue while the link streams. */
  readonly write?: string;
  readonly breakGreen?: string;
  /** What the remedy says, done on the target as the remedy says it. */
  readonly mend: string;
  readonly facts: Record<string, unknown>;
}

const REPAIR = 'begin read write; select turnout.repair();';

const FAILURES: readonly Failure[] = [
  {
    code: 'TRN3007',
    breakGreen: `${REPAIR} insert into public.item values (1, '${CELL}'); commit`,
    write: `insert into public.item values (1, '${CELL}')`,
    mend: `${REPAIR} delete from public.item where id = 1; commit`,
    facts: {
      table: 'public.item',
      sqlstate: '23505',
      constraint: 'item_pkey',
      message: 'duplicate key value violates unique constraint "item_pkey"',
    },
  },
  {
    code: 'TRN3006',
    before: { blue: `insert into public.item values (1, '${CELL}')` },
    breakGreen: `${REPAIR} delete from public.item; commit`,
    write: `update public.item set v = 'new' where id = 1`,
    mend: `${REPAIR} insert into public.item values (1, '${CELL}'); commit`,
    facts: { table: 'public.item', rows_changed: 0, rows_expected: 1 },
  },
  {
    code: 'TRN3008',
    breakGreen: 'alter table public.item drop column v',
    write: `insert into public.item values (1, '${CELL}')`,
    mend: 'alter table public.item add column v text',
    facts: { table: 'public.item', column: 'v', reason: 'missing on the target' },
  },
  {
    code: 'TRN3012',
    desired: 'copying',
    before: {
      blue: `insert into public.item values (1, '${CELL}')`,
      green: `alter table public.item add constraint small check (length(v) < 3)`,
    },
    mend: 'alter table public.item drop constraint small',
    facts: {
      table: 'public.item',
      sqlstate: '23514',
      constraint: 'small',
      message: 'new row for relation "item" violates check constraint "small"',
    },
  },
  {
    code: 'TRN2020',
    desired: 'copying',
    before: { green: `insert into public.item values (1, '${CELL}')` },
    mend: `${REPAIR} truncate public.item; commit`,
    facts: { table: 'public.item' },
  },
  {
    code: 'TRN3017',
    breakGreen: 'alter table turnout.position rename to away',
    write: `insert into public.item values (1, '${CELL}')`,
    mend: 'alter table turnout.away rename to position',
    facts: { sqlstate: '42P01', message: 'relation "turnout.position" does not exist' },
  },
];

test.each(FAILURES)(
  '$code names object, state and message, and its remedy works',
  async (failure) => {
    const { code, before, breakGreen, write, mend, facts, desired = 'streaming' } = failure;
    await using replicated = await ReplicatedPair.create(clusters, DDL);
    const { pair, store } = replicated;
    const failed = (row: LinkRow): boolean => row.observed?.code === code;
    if (before?.blue) await pair.blue.query(before.blue);
    if (before?.green) await pair.green.query(before.green);
    await replicated.withReplicator('one', async () => {
      await replicated.desire('forward', 'copying');
      if (desired === 'streaming') {
        await replicated.untilObserved('forward', inState('copied'));
        await replicated.desire('forward', 'streaming');
        await replicated.untilObserved('forward', inState('streaming'));
      }
      if (breakGreen) await pair.green.query(breakGreen);
      if (write) await pair.blue.query(write);
      const { observed } = await replicated.untilObserved('forward', failed);
      expect(observed?.facts).toMatchObject(facts);
      for (const value of Object.values(facts)) expect(observed?.message).toContain(String(value));
      const entries = await store.journal.read(pair.name);
      const entry = entries.find(({ type }) => type === 'link.failed');
      expect(entry?.data).toMatchObject({ link: 'forward', code, ...facts });
      expect(JSON.stringify([observed, entries])).not.toContain(CELL);

      await pair.green.query(mend);
      await replicated.desire('forward', desired);
      if (desired === 'copying') await replicated.untilObserved('forward', inState('copied'));
      await replicated.desire('forward', 'streaming');
      const { observed: after } = await replicated.untilObserved('forward', inState('streaming'));
      expect(after?.code ?? null).toBeNull();
      await pair.roundTrip('forward');
      expect(await pair.dump('green', 'public.item')).toEqual(
        await pair.dump('blue', 'public.item'),
      );
    });
  },
);
