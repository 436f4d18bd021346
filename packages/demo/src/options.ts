export interface DemoOptions {
  /** With Kafka, Redis and PgBouncer. */
  readonly full: boolean;
  readonly keep: boolean;
  /** How green gets its tables; `auto` takes pg_dump when it is there. */
  readonly schema: SchemaChoice;
}

export type SchemaChoice = 'auto' | 'pg_dump' | 'existing';

/** Who writes, how much, and on how large a shop. */
export interface Workload {
  /** Writers that use the client of Turnout. */
  readonly direct: number;
  /** Writers that know nothing of Turnout and go through PgBouncer. */
  readonly pooled: number;
  /** Transactions a second of all together; an aim, what they reach is measured. */
  readonly perSecond: number;
  /** Size of the shop; 1 is more than 200,000 rows. */
  readonly scale: number;
}

/** What stands before the job begins. */
export interface Setting {
  readonly extras: 'none' | 'pgbouncer' | 'all';
  readonly schema: SchemaChoice;
  readonly workload: Workload;
}

export const PAIR = 'shop';

export function settingOf({ full, schema }: DemoOptions): Setting {
  const workload = { direct: full ? 4 : 8, pooled: full ? 4 : 0, perSecond: 650, scale: 1 };
  return { extras: full ? 'all' : 'none', schema, workload };
}
