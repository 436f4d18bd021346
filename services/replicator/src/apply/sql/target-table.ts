import type { TableName } from '../plan/table-plan.js';
import type { BuiltStatement } from './statement.js';

/** One row with one JSON value `shape`: what the target's catalog says about a table; none when it is missing. */
export function targetTable({ schema, name }: TableName): BuiltStatement {
  return {
    text: /* sql */ `
      select json_build_object(
        'partitioned', c.relkind = 'p',
        'replicaTriggers', exists (
          select from pg_catalog.pg_trigger g
           where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled in ('A', 'R')),
        'exclusions', exists (
          select from pg_catalog.pg_constraint x where x.conrelid = c.oid and x.contype = 'x'),
        'columns', coalesce((
          select json_agg(json_build_object(
                   'name', a.attname,
                   'typeSchema', tn.nspname,
                   'typeName', t.typname,
                   'baseType', coalesce(b.typname, t.typname),
                   'composite', t.typtype = 'c',
                   'generated', a.attgenerated <> '',
                   'identityAlways', a.attidentity = 'a') order by a.attnum)
            from pg_catalog.pg_attribute a
            join pg_catalog.pg_type t on t.oid = a.atttypid
            join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
            left join pg_catalog.pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]'),
        'uniques', coalesce((
          select json_agg(json_build_object(
                   'primary', i.indisprimary,
                   'plain', i.indisvalid and i.indpred is null and not 0 = any (i.indkey::int2[]),
                   'notNull', not exists (
                     select from pg_catalog.pg_attribute a
                      where a.attrelid = c.oid and a.attnum = any (i.indkey::int2[]) and not a.attnotnull),
                   'columns', (
                     select coalesce(json_agg(a.attname order by k.spec), '[]')
                       from unnest(i.indkey::int2[]) with ordinality as k (number, spec)
                       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
                      where k.spec <= i.indnkeyatts)) order by not i.indisprimary, i.indexrelid)
            from pg_catalog.pg_index i
           where i.indrelid = c.oid and i.indisunique), '[]')) as shape
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')`,
    values: [schema, name],
  };
}
