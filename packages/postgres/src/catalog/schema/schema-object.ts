/** One thing a `pg_dump -s` would hold. */
export interface SchemaObject {
  readonly kind: string;
  readonly name: string;
  /** Canonical across majors. May hold literals of defaults: compared, never logged. */
  readonly definition: string;
  /** Key of what it goes away with: a column's table, a grant's object. */
  readonly partOf: string | null;
  /** Key of what it was made after: a partition's column after the one of its root. */
  readonly follows: string | null;
}

export function keyOf({ kind, name }: Pick<SchemaObject, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

/**
 * What the fragments read from. `space` are users' schemas, `member` what an extension brings
 * itself and the constructors that a range brings along, `relation` everything with columns that is not temporary.
 * `parent` is the partitioned table or index a relation was attached to.
 */
export const USER_OBJECTS = /* sql */ `
  space as materialized (
    select oid, nspname, nspowner, nspacl from pg_namespace
    where nspname not in ('information_schema', 'turnout') and nspname !~ '^pg_'
  ),
  member as materialized (
    select classid, objid from pg_depend
    where deptype = 'e'
      or (deptype = 'i' and classid in ('pg_proc'::regclass, 'pg_cast'::regclass))
  ),
  relation as materialized (
    select c.*, s.nspname, format('%I.%I', s.nspname, c.relname) as qname,
      case c.relkind when 'v' then 'view' when 'm' then 'materialized_view'
        when 'S' then 'sequence' when 'f' then 'foreign_table' when 'c' then 'type'
        else 'table' end as kind,
      (select i.inhparent::regclass::text from pg_inherits i
        where i.inhrelid = c.oid and (c.relispartition or c.relkind in ('i', 'I')) limit 1) as parent,
      (select string_agg(o, ', ' order by o) from unnest(c.reloptions) o) as options
    from pg_class c join space s on s.oid = c.relnamespace
    where c.relpersistence <> 't' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c', 'i', 'I')
      and not exists (select from member m where m.classid = 'pg_class'::regclass and m.objid = c.oid)
  )`;
