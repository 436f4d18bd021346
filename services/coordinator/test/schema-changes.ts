/** One change on one side, and exactly what is to be named. */
export const SCHEMA_CHANGES: readonly (readonly [
  side: 'blue' | 'green',
  sql: string,
  named: readonly string[],
])[] = [
  ['blue', 'create schema added', ['schema added is missing on green']],
  [
    'green',
    'drop schema "Odd Names" cascade',
    ['schema "Odd Names" is missing on green', 'table "Odd Names"."Table One" is missing on green'],
  ],
  ['blue', 'create extension hstore schema public', ['extension hstore is missing on green']],
  [
    'blue',
    'alter extension citext set schema sales',
    ['column sales.customers.nick differs on green', 'extension citext differs on green'],
  ],
  [
    'blue',
    'create table sales.added (id serial primary key, v text unique)',
    ['table sales.added is missing on green', 'table sales.added has no enabled guard on blue'],
  ],
  [
    'green',
    'drop table sales.base cascade',
    ['table sales.base is missing on green', 'table sales.derived is missing on green'],
  ],
  [
    'blue',
    "create table sales.orders_2027 partition of sales.orders for values from ('2027-01-01') to ('2028-01-01')",
    [
      'table sales.orders_2027 is missing on green',
      'table sales.orders_2027 has no enabled guard on blue',
    ],
  ],
  [
    'blue',
    'alter table sales.orders detach partition sales.orders_2025',
    [
      'table sales.orders_2025 differs on green',
      'constraint orders_customer_id_fkey on sales.orders_2025 is missing on green',
      'index sales.orders_2025_customer_id_idx differs on green',
      'constraint orders_amount on sales.orders_2025 is missing on green',
    ],
  ],
  [
    'green',
    'alter table sales.customers set (fillfactor = 70)',
    ['table sales.customers differs on green'],
  ],
  [
    'green',
    'alter table sales.visits set logged; alter table sales.stock set unlogged',
    ['table sales.stock differs on green'],
  ],
  [
    'blue',
    'alter table sales.customers add column added int default 1',
    ['column sales.customers.added is missing on green'],
  ],
  [
    'blue',
    'alter table sales.orders add column added int',
    ['column sales.orders.added is missing on green'],
  ],
  [
    'green',
    'alter table sales.customers drop column rating cascade',
    [
      'column sales.customers.rating is missing on green',
      'constraint rating_range on sales.customers is missing on green',
      'materialized view sales.ratings is missing on green',
      'statistics sales.city_stats is missing on green',
      'view sales.dear is missing on green',
    ],
  ],
  [
    'blue',
    'alter table sales.customers alter column note type varchar(30)',
    ['column sales.customers.note differs on green'],
  ],
  [
    'blue',
    'alter table sales.customers alter column note type varchar(20) collate "POSIX"',
    ['column sales.customers.note differs on green'],
  ],
  [
    'blue',
    "alter table sales.customers alter column note set default 'it''s new'",
    ['column sales.customers.note differs on green'],
  ],
  [
    'blue',
    'alter table sales.customers alter column rating drop default',
    ['column sales.customers.rating differs on green'],
  ],
  [
    'green',
    'alter table sales.customers alter column rating set not null',
    ['column sales.customers.rating differs on green'],
  ],
  [
    'green',
    'alter table sales.stock alter column id set generated always',
    ['column sales.stock.id differs on green'],
  ],
  [
    'green',
    'alter table sales.stock alter column twice drop expression',
    ['column sales.stock.twice differs on green'],
  ],
  [
    'green',
    'alter table sales.customers alter column email set storage plain',
    ['column sales.customers.email differs on green'],
  ],
  [
    'green',
    'alter table sales.customers alter column email set statistics -1',
    ['column sales.customers.email differs on green'],
  ],
  [
    'green',
    'alter table "Odd Names"."Table One" drop column "b.c"; alter table "Odd Names"."Table One" drop column "Column A"; alter table "Odd Names"."Table One" add "b.c" text, add "Column A" int primary key',
    ['column order "Odd Names"."Table One" differs on green'],
  ],
  [
    'green',
    'alter table sales.customers replica identity nothing',
    ['replica identity sales.customers differs on green'],
  ],
  [
    'green',
    'alter table sales.customers force row level security',
    ['row security sales.customers differs on green'],
  ],
  [
    'blue',
    'alter table sales.base add constraint added check (id > 0) no inherit',
    ['constraint added on sales.base is missing on green'],
  ],
  [
    'green',
    'alter table sales.customers validate constraint rating_range',
    ['constraint rating_range on sales.customers differs on green'],
  ],
  [
    'green',
    'alter table sales.orders drop constraint orders_customer_id_fkey',
    ['constraint orders_customer_id_fkey on sales.orders is missing on green'],
  ],
  [
    'green',
    'alter table sales.orders alter constraint orders_customer_id_fkey not deferrable',
    ['constraint orders_customer_id_fkey on sales.orders differs on green'],
  ],
  [
    'blue',
    'alter table sales.customers drop constraint customers_email_key',
    ['constraint customers_email_key on sales.customers is missing on blue'],
  ],
  [
    'blue',
    'alter table sales.rooms drop constraint no_overlap',
    ['constraint no_overlap on sales.rooms is missing on blue'],
  ],
  [
    'blue',
    'alter domain sales.price drop constraint price_positive',
    ['constraint price_positive on sales.price is missing on blue'],
  ],
  [
    'blue',
    'create index added on sales.orders (amount)',
    ['index sales.added is missing on green'],
  ],
  [
    'green',
    'drop index sales.base_key; create unique index base_key on sales.base (id)',
    ['index sales.base_key differs on green'],
  ],
  [
    'green',
    'drop index sales.customers_lower',
    ['index sales.customers_lower is missing on green'],
  ],
  ['blue', 'create view sales.added as select 1 as one', ['view sales.added is missing on green']],
  [
    'green',
    "create or replace view sales.open_orders with (security_barrier) as select id, amount, placed_on from sales.orders where state = 'paid'",
    ['view sales.open_orders differs on green'],
  ],
  [
    'green',
    'alter view sales.open_orders reset (security_barrier)',
    ['view sales.open_orders differs on green'],
  ],
  [
    'green',
    'drop materialized view sales.ratings',
    ['materialized view sales.ratings is missing on green'],
  ],
  [
    'blue',
    "create or replace function sales.stamp() returns trigger language plpgsql as 'begin return old; end'",
    ['function sales.stamp() differs on green'],
  ],
  [
    'blue',
    'alter function sales.total(bigint, date) security definer',
    ['function sales.total(bigint, date) differs on green'],
  ],
  [
    'blue',
    'create function sales.total(text) returns int language sql as $$ select 1 $$',
    ['function sales.total(text) is missing on green'],
  ],
  [
    'green',
    'drop procedure sales.tidy(int)',
    ['procedure sales.tidy(integer) is missing on green'],
  ],
  [
    'green',
    'drop aggregate sales.largest (numeric)',
    ['aggregate sales.largest(numeric) is missing on green'],
  ],
  [
    'green',
    'drop operator sales.~~~ (numeric, numeric)',
    ['operator sales.~~~(numeric, numeric) is missing on green'],
  ],
  ['green', 'drop cast (sales.state as int)', ['cast sales.state as integer is missing on green']],
  [
    'green',
    'alter table sales.base enable trigger resting',
    ['trigger resting on sales.base differs on green'],
  ],
  [
    'blue',
    'alter table sales.customers disable trigger stamped',
    ['trigger stamped on sales.customers differs on green'],
  ],
  [
    'blue',
    'alter table sales.orders_2025 disable trigger each_order',
    ['trigger each_order on sales.orders_2025 is missing on green'],
  ],
  [
    'blue',
    'drop trigger stamped on sales.customers',
    ['trigger stamped on sales.customers is missing on blue'],
  ],
  ['blue', 'drop rule quiet on sales.visits', []],
  [
    'blue',
    'create rule added as on insert to sales.base do also nothing',
    ['rule added on sales.base is missing on green'],
  ],
  ['blue', 'alter sequence sales.tickets no cycle', ['sequence sales.tickets differs on green']],
  ['blue', 'alter sequence sales.tickets cache 20', ['sequence sales.tickets differs on green']],
  [
    'blue',
    'alter sequence sales.orders_id_seq owned by none',
    ['sequence sales.orders_id_seq differs on green'],
  ],
  ['blue', 'drop sequence sales.tickets', ['sequence sales.tickets is missing on blue']],
  ['blue', "alter type sales.state add value 'lost'", ['enum sales.state differs on green']],
  [
    'green',
    "alter type sales.state add value 'lost' before 'paid'",
    ['enum sales.state differs on green'],
  ],
  ['blue', 'alter domain sales.price drop default', ['domain sales.price differs on green']],
  [
    'blue',
    'alter type sales.address add attribute zip text',
    ['type sales.address differs on green'],
  ],
  ['blue', 'drop type sales.span', ['range sales.span is missing on blue']],
  ['blue', 'drop collation sales.german', ['collation sales.german is missing on blue']],
  [
    'blue',
    'drop policy own_rows on sales.customers',
    ['policy own_rows on sales.customers is missing on blue'],
  ],
  [
    'blue',
    "alter policy own_rows on sales.customers using (email = 'x')",
    ['policy own_rows on sales.customers differs on green'],
  ],
  ['blue', 'drop statistics sales.city_stats', ['statistics sales.city_stats is missing on blue']],
  [
    'blue',
    'drop text search configuration sales.plain',
    ['text search configuration sales.plain is missing on blue'],
  ],
  ['blue', 'drop event trigger watch', ['event trigger watch is missing on blue']],
  ['blue', 'alter event trigger watch disable', ['event trigger watch differs on green']],
  [
    'blue',
    'drop server elsewhere cascade',
    [
      'foreign server elsewhere is missing on blue',
      'foreign table sales.remote is missing on blue',
    ],
  ],
  [
    'blue',
    "alter server elsewhere options (set place 'south')",
    ['foreign server elsewhere differs on green'],
  ],
  [
    'blue',
    'grant update on sales.customers to reader',
    ['grant table sales.customers to reader differs on green'],
  ],
  [
    'blue',
    'grant select on sales.customers to writer',
    ['grant table sales.customers to writer is missing on green'],
  ],
  [
    'green',
    'revoke insert (note) on sales.customers from writer',
    ['grant column sales.customers.note to writer is missing on green'],
  ],
  [
    'green',
    'revoke usage on schema sales from reader',
    ['grant schema sales to reader is missing on green'],
  ],
  [
    'green',
    'grant execute on function sales.total(bigint, date) to public',
    ['grant function sales.total(bigint, date) to PUBLIC is missing on blue'],
  ],
  [
    'green',
    'revoke usage on sequence sales.tickets from writer',
    ['grant sequence sales.tickets to writer is missing on green'],
  ],
  [
    'green',
    'revoke usage on type sales.state from public',
    ['grant enum sales.state to PUBLIC is missing on green'],
  ],
  [
    'blue',
    'alter table sales.base owner to shop_owner',
    ['owner table sales.base differs on green'],
  ],
  [
    'blue',
    'alter default privileges for role shop_owner in schema sales revoke select on tables from reader',
    ['default privilege of shop_owner in sales on tables to reader is missing on blue'],
  ],
  [
    'blue',
    "comment on table sales.customers is 'who bought'",
    ['comment table sales.customers differs on green'],
  ],
  [
    'blue',
    'comment on column sales.customers.email is null',
    ['comment table column sales.customers.email is missing on blue'],
  ],
  [
    'blue',
    'alter table sales.customers disable trigger turnout_guard',
    ['table sales.customers has no enabled guard on blue'],
  ],
  [
    'green',
    'alter table sales.customers enable always trigger turnout_guard',
    ['table sales.customers has no enabled guard on green'],
  ],
  [
    'blue',
    `create subscription incoming connection 'dbname=nowhere' publication p
      with (connect = false, slot_name = 'x'); alter subscription incoming enable`,
    ['subscription incoming writes into blue past the guard'],
  ],
  ['blue', 'create publication mine for table sales.base', []],
];
