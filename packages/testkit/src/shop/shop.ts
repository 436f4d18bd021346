import type { ClientBase } from 'pg';
import { CATALOGUE_TABLES } from './sql/catalogue-tables.js';
import { ORDER_TABLES } from './sql/order-tables.js';
import { PROOF_TABLES } from './sql/proof-tables.js';
import { SHOP_ROLES } from './sql/roles.js';
import { shopRows, shopSize, type ShopSize } from './sql/rows.js';

/** Roles and objects of the shop, without rows; to be run by a superuser as one simple query. */
export const SHOP_DDL = [
  SHOP_ROLES,
  /* sql */ `create schema app authorization shop_owner; set role shop_owner;`,
  CATALOGUE_TABLES,
  ORDER_TABLES,
  PROOF_TABLES,
  /* sql */ `grant usage on schema app to app;
    grant select, insert, update, delete on all tables in schema app to app;
    grant usage, select on all sequences in schema app to app;
    reset role;`,
].join('\n');

export { SHOP_ROLES } from './sql/roles.js';
export { shopSize, type ShopSize } from './sql/rows.js';

export interface ShopOptions {
  /** Multiplies the number of rows; 1 makes more than 200,000. */
  readonly scale?: number | undefined;
}

/** Fills the tables of `SHOP_DDL` on the server itself and says how large the shop became. */
export async function loadShop(
  client: ClientBase,
  { scale = 1 }: ShopOptions = {},
): Promise<ShopSize> {
  const size = shopSize(scale);
  await client.query('begin');
  for (const statement of shopRows(size)) await client.query(statement);
  await client.query('commit');
  await client.query('analyze');
  return size;
}
