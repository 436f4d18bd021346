import type { NamedStatement } from '@turnout/postgres/sql/statement';

export function ping(): NamedStatement {
  return { name: 'store_ping', text: /* sql */ `select 1 as one`, values: [] };
}
