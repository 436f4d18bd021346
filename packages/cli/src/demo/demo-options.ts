export interface DemoOptions {
  /** With Kafka, Redis and PgBouncer. */
  readonly full: boolean;
  readonly json: boolean;
  readonly keep: boolean;
  /** How green gets its tables; `auto` takes pg_dump when it is there. */
  readonly schema: 'auto' | 'pg_dump' | 'existing';
}

export const PAIR = 'shop';
export const WRITERS = 8;
/** Aim of all writers together; what they reach is measured. */
export const TRANSACTIONS_PER_SECOND = 600;
