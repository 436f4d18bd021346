/**
 * What the proof is made of. Every transaction of a writer inserts its `(writer, seq)` into
 * `ledger` and into `audit_log`, which has no key and therefore shows a row applied twice, and adds
 * one to its `counter`.
 */
export const PROOF_TABLES = /* sql */ `
create table app.audit_log (
  at timestamptz not null default clock_timestamp(),
  writer integer not null,
  seq bigint not null,
  what text not null,
  detail jsonb
);
alter table app.audit_log replica identity full;

create table app.ledger (
  writer integer not null,
  seq bigint not null,
  at timestamptz not null default clock_timestamp(),
  primary key (writer, seq)
);

create table app.counter (
  writer integer primary key,
  value bigint not null
);

-- A drawn key: with a sequence, probes of the two sides would collide.
create table app.probe (
  id uuid primary key default gen_random_uuid(),
  side text not null,
  at timestamptz not null
);
`;
