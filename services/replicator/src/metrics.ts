import type { Direction } from '@turnout/core/sides';
import type { Metrics } from '@turnout/service-kit/metrics';
import { OPERATIONS, type OperationCounts } from './apply/operations.js';

/** What the links count. */
export interface LinkMetrics {
  applied(pair: string, link: Direction, transactions: number, counts: OperationCounts): void;
  leaked(pair: string): void;
  copied(pair: string, rows: number, rowsExpected: number): void;
  failed(code: string): void;
  leaseHeld(name: string, held: boolean): void;
}

export function linkMetrics(metrics: Metrics): LinkMetrics {
  return {
    applied(pair, direction, transactions, counts) {
      metrics.count('transactions_applied_total', { pair, direction }, transactions);
      for (const op of OPERATIONS) {
        if (counts[op] > 0)
          metrics.count('rows_applied_total', { pair, direction, op }, counts[op]);
      }
    },
    leaked: (pair) => metrics.count('fence_leaks_total', { pair }),
    copied(pair, rows, rowsExpected) {
      metrics.set('copy_rows', { pair }, rows);
      // Tables that were never analysed have no estimate; 0 would claim that there is nothing.
      metrics.set('copy_rows_expected', { pair }, rowsExpected > 0 ? rowsExpected : null);
    },
    failed: (code) => metrics.count('errors_total', { code }),
    leaseHeld: (name, held) => metrics.set('lease_held', { name }, held ? 1 : 0),
  };
}
