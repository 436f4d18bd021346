import type { Statement } from './statement.js';

export function ping(): Statement {
  return { name: 'store_ping', text: /* sql */ `select 1 as one`, values: [] };
}
