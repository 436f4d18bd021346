import { Client } from 'pg';
import { expect, test } from 'vitest';
import { startCluster } from '../cluster.js';
import { MAJOR_VERSIONS } from '../cluster/binaries.js';
import { loadShop, SHOP_DDL } from './shop.js';

const COUNT = /* sql */ `
  select count(*)::int as tables,
    sum((xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %s', oid::regclass),
      false, true, '')))[1]::text::int)::int as rows,
    bool_and(pg_get_userbyid(relowner) = 'shop_owner') as owned
  from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r', 'p')
    and not relispartition`;

test.each(MAJOR_VERSIONS)('the shop loads on PostgreSQL %s', async (version) => {
  await using cluster = await startCluster({ version, name: 'shop' });
  const admin = new Client({ connectionString: await cluster.createDatabase('shop') });
  await admin.connect();
  await admin.query(SHOP_DDL);
  await loadShop(admin);
  const { rows } = await admin.query<{ tables: number; rows: number; owned: boolean }>(COUNT);
  expect(rows[0]?.tables).toBeGreaterThanOrEqual(12);
  expect(rows[0]?.rows).toBeGreaterThanOrEqual(200_000);
  expect(rows[0]?.owned).toBe(true);
  const toasted = await admin.query<{ large: boolean }>(
    `select pg_relation_size(reltoastrelid) > 8192 as large from pg_class
      where oid = 'app.products'::regclass`,
  );
  expect(toasted.rows[0]?.large).toBe(true);
  await admin.end();
  const app = new Client({ connectionString: cluster.url('shop', 'app') });
  await app.connect();
  await expect(app.query('create table app.mine ()')).rejects.toThrow(/permission denied/);
  await app.end();
});
