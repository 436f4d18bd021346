import { changedSince, readCatalogState } from '@turnout/postgres/catalog/catalog-state';
import { installGuardTriggers } from '@turnout/postgres/cluster/guard-triggers';
import { installCluster } from '@turnout/postgres/cluster/install';
import { compareSchemas } from '@turnout/postgres/catalog/schema/compare-schemas';
import { dropPublication, ensurePublication } from '@turnout/postgres/publications';
import { openSession, type Session } from '@turnout/postgres/session';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RICH_ROLES, RICH_SCHEMA } from '../../test/rich-schema.js';
import { SCHEMA_CHANGES } from '../../test/schema-changes.js';
import { dumpSection, loadSection } from '../lifecycle/schema-transfer.js';
import { compareSides, problemText, readSideSchema } from './schema-freeze.js';

const pair = { name: 'shop', tables: { include: ['*.*'], exclude: ['sales.visits'] } };
const sides = { from: 'blue', to: 'green' } as const;

/** A rich schema made on 13 and brought to 15 as `start` does it, then guarded on both. */
let clusters: Cluster[];
let blue: Session;
let green: Session;

async function open(cluster: Cluster, name: string): Promise<Session> {
  const endpoint = { url: cluster.url(name) };
  return openSession({ endpoint, applicationName: 'turnout/1/test/shop' });
}

beforeAll(async () => {
  clusters = await Promise.all([startCluster({ version: '13' }), startCluster({ version: '15' })]);
  const [old, young] = clusters as [Cluster, Cluster];
  const endpoint = { url: await old.createDatabase('shop') };
  await young.createDatabase('shop');
  blue = await open(old, 'shop');
  green = await open(young, 'shop');
  await blue.query(RICH_ROLES);
  await green.query(RICH_ROLES);
  await blue.query(RICH_SCHEMA);
  for (const section of ['pre-data', 'post-data'] as const) {
    const session = await open(young, 'shop');
    await loadSection(session, await dumpSection(endpoint, section));
    await session.end();
  }
  for (const [session, side] of [
    [blue, 'blue'],
    [green, 'green'],
  ] as const) {
    const state = side === 'blue' ? 'open' : 'closed';
    await installCluster(session, { pair: 'shop', side, state });
    await installGuardTriggers(session);
  }
});

afterAll(async () => {
  await Promise.all([blue?.end(), green?.end()]);
  for (const cluster of clusters ?? []) await cluster[Symbol.asyncDispose]();
});

async function problems(): Promise<string[]> {
  const [from, to] = await Promise.all([readSideSchema(blue, pair), readSideSchema(green, pair)]);
  const found = compareSides(from, to, sides);
  expect(from.fingerprint === to.fingerprint).toBe(
    found.every((each) =>
      ['unguarded', 'unpublished', 'writes past the guard'].includes(each.found),
    ),
  );
  return found.map(problemText);
}

test('what pg_dump brought from 13 to 15 differs in nothing', async () => {
  expect(await problems()).toEqual([]);
});

/** Kinds that hold no rows and stop no write: the gates compare them, the fence does not. */
const BEYOND_STATE = /^(cast|collation|comment|foreign|operator|text search)/;

describe.each(SCHEMA_CHANGES)('on %s: %s', (side, sql, named) => {
  afterEach(() => Promise.all([blue, green].map((session) => session.query('rollback'))));

  test('is named, and changes the state that the fence looks at', async () => {
    const session = side === 'blue' ? blue : green;
    const before = await readCatalogState(session, pair.tables);
    await session.query(`begin; ${sql}`);
    expect((await problems()).toSorted()).toEqual(named.toSorted());
    const after = await readCatalogState(session, pair.tables);
    const seen =
      changedSince(before, after).length + after.unguarded.length + after.subscriptions.length > 0;
    if (named.some((text) => !BEYOND_STATE.test(text))) expect(seen).toBe(true);
  });
});

test('a table that the publication of the link lacks is named, its partitions by their root', async () => {
  const tables = ['customers', 'orders', 'rooms', 'base', 'derived'];
  await ensurePublication(
    blue,
    'turnout_shop_forward',
    tables.map((name) => ({ schema: 'sales', name })),
    { viaRoot: false },
  );
  expect(await problems()).toEqual([
    'table Odd Names.Table One is not published on blue',
    'table sales.stock is not published on blue',
  ]);
  await dropPublication(blue, 'turnout_shop_forward');
});

test('the version of an extension may differ between majors, and not on the same one', () => {
  const schema = (major: number, version: string) => ({
    major,
    objects: [
      {
        kind: 'extension_version',
        name: 'citext',
        definition: version,
        partOf: null,
        follows: null,
      },
    ],
  });
  expect(compareSchemas(schema(13, '1.6'), schema(15, '1.8'))).toEqual([]);
  expect(compareSchemas(schema(15, '1.6'), schema(15, '1.8'))).toMatchObject([
    { kind: 'extension_version', name: 'citext', found: 'different' },
  ]);
});
