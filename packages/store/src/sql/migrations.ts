import type { NamedStatement } from '@turnout/postgres/sql/statement';

/** Any number will do; it must never change, or two versions would not exclude each other. */
const MIGRATION_LOCK = 7_400_001;

/** Held to the end of the transaction: two processes that start together install once. */
export function lockMigrations(): NamedStatement {
  return {
    name: 'store_migrations_lock',
    text: /* sql */ `select pg_advisory_xact_lock($1)`,
    values: [MIGRATION_LOCK],
  };
}

export const MIGRATION_TABLE = /* sql */ `
create schema if not exists turnout_control;
create table if not exists turnout_control.migration (
  id int primary key,
  name text not null,
  checksum text not null,
  installed_at timestamptz not null default clock_timestamp()
)`;

export function readMigrations(): NamedStatement {
  return {
    name: 'store_migrations_read',
    text: /* sql */ `select id, name, checksum from turnout_control.migration order by id`,
    values: [],
  };
}

export function insertMigration(id: number, name: string, checksum: string): NamedStatement {
  return {
    name: 'store_migrations_insert',
    text: /* sql */ `insert into turnout_control.migration (id, name, checksum) values ($1, $2, $3)`,
    values: [id, name, checksum],
  };
}
