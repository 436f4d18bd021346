import type { Change } from '@turnout/postgres/pgoutput/messages';
import { TURNOUT_SCHEMA } from '../stream/classify.js';

export const OPERATIONS = ['insert', 'update', 'delete', 'truncate'] as const;
export type Operation = (typeof OPERATIONS)[number];
export type OperationCounts = Record<Operation, number>;

export function noOperations(): OperationCounts {
  return { insert: 0, update: 0, delete: 0, truncate: 0 };
}

/** Adds the user's changes to `counts`; rows of markers are ours. */
export function countOperations(counts: OperationCounts, changes: readonly Change[]): void {
  for (const change of changes) {
    if (change.kind !== 'truncate' && change.relation.schema === TURNOUT_SCHEMA) continue;
    counts[change.kind] += 1;
  }
}
