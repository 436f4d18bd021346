import type { Session } from '../session.js';
import { isSelected, type TableSelection } from './table-patterns.js';

/** What the catalogues of one side say at one moment; only ever compared with the same side's. */
export interface CatalogState {
  /** Hash by what changed: a table, or a kind of object that belongs to none. */
  readonly parts: Readonly<Record<string, string>>;
  /** User tables whose writers pass no guard: no trigger, or one that is off. Never left out. */
  readonly unguarded: readonly string[];
  /** Enabled subscriptions: what they write here passes the guard. */
  readonly subscriptions: readonly string[];
}

/**
 * A catalogue row is known by its OID and the transaction that wrote it: any DDL shows, nothing is
 * printed. Only where upkeep rewrites rows too (TRUNCATE and VACUUM FULL in `pg_class`, REINDEX in
 * `pg_index`) the fields count instead. A sum, because equal rows of two tables must not cancel out.
 * Objects of temporary schemas and of `turnout` are left out; `turnout_guard` is looked at by state.
 */
const QUERY = /* sql */ `
  with space as materialized (
    select oid, nspname, xmin from pg_namespace
    where nspname not in ('information_schema', 'turnout') and nspname !~ '^pg_'
  ),
  relation as materialized (
    select c.oid, s.nspname, c.relname, c.relkind,
      concat_ws('|', c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relreplident,
        c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relowner, c.reloftype,
        c.relacl::text, c.reloptions::text, md5(c.relpartbound::text)) as line
    from pg_class c join space s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and c.relpersistence <> 't'
  ),
  line (part, relation, line) as (
    select null, r.oid, r.line from relation r
    union all
    select null, a.attrelid, concat_ws('|', 'a', a.attnum, a.xmin)
      from pg_attribute a where a.attnum > 0 and not a.attisdropped and a.attrelid >= 16384
    union all
    select null, d.adrelid, concat_ws('|', 'd', d.oid, d.xmin) from pg_attrdef d
    union all
    select case k.conrelid when 0 then 'domains' end, k.conrelid, concat_ws('|', 'k', k.oid, k.xmin)
      from pg_constraint k join space s on s.oid = k.connamespace
    union all
    select null, i.indrelid, concat_ws('|', 'i', x.relname, i.indkey, i.indisunique, i.indisvalid,
        i.indisreplident, i.indisclustered, i.indclass, x.reloptions::text, md5(i.indexprs::text),
        md5(i.indpred::text))
      from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid >= 16384
    union all
    select null, t.tgrelid, concat_ws('|', 't', t.oid, t.xmin, t.tgenabled)
      from pg_trigger t where t.tgname <> 'turnout_guard'
    union all
    select null, w.ev_class, concat_ws('|', 'w', w.oid, w.xmin)
      from pg_rewrite w where w.ev_class >= 16384
    union all
    select null, p.polrelid, concat_ws('|', 'p', p.oid, p.xmin) from pg_policy p
    union all
    select null, h.inhrelid, concat_ws('|', 'h', h.inhparent, h.inhseqno)
      from pg_inherits h where h.inhrelid >= 16384
    union all
    select null, q.seqrelid, concat_ws('|', 'q', q.xmin) from pg_sequence q
    union all
    select 'schemas', null, concat_ws('|', s.oid, s.xmin) from space s
    union all
    select 'functions', null, concat_ws('|', f.oid, f.xmin)
      from pg_proc f join space s on s.oid = f.pronamespace
    union all
    select 'types', null, concat_ws('|', y.oid, y.xmin)
      from pg_type y join space s on s.oid = y.typnamespace where y.typrelid = 0 and y.typelem = 0
    union all
    select 'enums', null, concat_ws('|', e.oid, e.xmin) from pg_enum e
    union all
    select 'extensions', null, concat_ws('|', e.oid, e.xmin) from pg_extension e
    union all
    select 'event triggers', null, concat_ws('|', e.oid, e.xmin) from pg_event_trigger e
    union all
    select 'default privileges', null, concat_ws('|', d.oid, d.xmin) from pg_default_acl d
    union all
    select 'statistics', null, concat_ws('|', x.stxname, x.stxrelid, x.stxkeys)
      from pg_statistic_ext x
  ),
  summed as (
    select part, case when part is null then relation end as relation,
      sum(hashtextextended(line, 0)) as hash
    from line group by 1, 2
  )
  select m.part, r.nspname as schema, r.relname as name, m.hash,
    r.relkind in ('r', 'p') and not exists (select from pg_trigger g
      where g.tgrelid = r.oid and g.tgname = 'turnout_guard' and g.tgenabled = 'O') as unguarded
  from summed m left join relation r on r.oid = m.relation
  where m.part is not null or r.oid is not null
  union all
  select 'subscription', null, subname, null, false from pg_subscription
  where subenabled and subdbid = (select oid from pg_database where datname = current_database())`;

interface Row {
  readonly part: string | null;
  readonly schema: string | null;
  readonly name: string | null;
  readonly hash: string | null;
  readonly unguarded: string;
}

/**
 * One statement, prepared once per session: for the fence connection inside the window (about 5 ms
 * over 300 tables). Sees every change of DDL, also of a guard's state, and names where it is.
 */
export async function readCatalogState(
  session: Session,
  selection: TableSelection,
): Promise<CatalogState> {
  const { rows } = await session.query<Row>({ name: 'turnout_catalog_state', text: QUERY });
  const parts: Record<string, string> = {};
  const unguarded: string[] = [];
  const subscriptions: string[] = [];
  for (const { part, schema, name, hash, unguarded: bare } of rows) {
    if (part === 'subscription') subscriptions.push(name!);
    else if (part !== null) parts[part] = hash!;
    else {
      const relation = { schema: schema!, name: name! };
      const text = `${relation.schema}.${relation.name}`;
      if (bare === 't') unguarded.push(text);
      if (isSelected(relation, selection)) parts[text] = hash!;
    }
  }
  return { parts, unguarded: unguarded.toSorted(), subscriptions: subscriptions.toSorted() };
}

/** Names of what was added, removed or changed between two readings of the same side. */
export function changedSince(before: CatalogState, after: CatalogState): string[] {
  const names = new Set([...Object.keys(before.parts), ...Object.keys(after.parts)]);
  return [...names].filter((name) => before.parts[name] !== after.parts[name]).toSorted();
}
