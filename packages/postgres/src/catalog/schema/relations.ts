/** Schemas, tables, columns and views. Each fragment yields the seven columns of `readSchemaObjects`. */
const SCHEMAS = /* sql */ `
  select 'schema', quote_ident(s.nspname), null, null, null, null, ''
  from space s
  where not exists (
    select from member m where m.classid = 'pg_namespace'::regclass and m.objid = s.oid)`;

const TABLES = /* sql */ `
  select r.kind, r.qname, null, null, r.nspname, r.relname,
    concat_ws(' ',
      case r.relkind when 'p' then 'partitioned by ' || pg_get_partkeydef(r.oid) end,
      case r.relpersistence when 'u' then 'unlogged' end,
      case when r.relispartition
        then 'partition of ' || r.parent || ' ' || pg_get_expr(r.relpartbound, r.oid) end,
      'inherits ' || (select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
        from pg_inherits i where i.inhrelid = r.oid and not r.relispartition),
      case when r.reloftype <> 0 then 'of ' || r.reloftype::regtype::text end,
      (select 'using ' || a.amname from pg_am a where a.oid = r.relam and a.amname <> 'heap'),
      'with ' || r.options,
      (select 'toast with ' || array_to_string(t.reloptions, ', ')
        from pg_class t where t.oid = r.reltoastrelid),
      (select 'server ' || v.srvname || ' ' || coalesce(array_to_string(f.ftoptions, ', '), '')
        from pg_foreign_table f join pg_foreign_server v on v.oid = f.ftserver
        where f.ftrelid = r.oid))
  from relation r where r.relkind in ('r', 'p', 'f')`;

const REPLICA_IDENTITIES = /* sql */ `
  select 'replica_identity', r.qname, 'table ' || r.qname, null, r.nspname, r.relname,
    r.relreplident::text || coalesce(' ' || (select x.relname from pg_index i
      join pg_class x on x.oid = i.indexrelid where i.indrelid = r.oid and i.indisreplident), '')
  from relation r where r.relkind in ('r', 'p')`;

const ROW_SECURITY = /* sql */ `
  select 'row_security', r.qname, 'table ' || r.qname, null, r.nspname, r.relname,
    concat_ws(' ', case when r.relrowsecurity then 'enabled' end,
      case when r.relforcerowsecurity then 'forced' end)
  from relation r where r.relkind in ('r', 'p')`;

/** Columns by name: positions differ after a dropped column. Compression is 14+, read if it is there. */
const COLUMNS = /* sql */ `
  select 'column', r.qname || '.' || quote_ident(a.attname), r.kind || ' ' || r.qname,
    case when r.relispartition then 'column ' || r.parent || '.' || quote_ident(a.attname) end,
    r.nspname, r.relname,
    concat_ws(' ', format_type(a.atttypid, a.atttypmod),
      case when a.attcollation not in (0, t.typcollation)
        then 'collate ' || a.attcollation::regcollation::text end,
      case when a.attnotnull then 'not null' end,
      case a.attidentity when 'a' then 'identity always' when 'd' then 'identity by default' end,
      case a.attgenerated when 's' then 'generated stored' when 'v' then 'generated virtual' end,
      'default ' || pg_get_expr(d.adbin, d.adrelid),
      case when a.attstorage <> t.typstorage then 'storage ' || a.attstorage::text end,
      'compression ' || nullif(to_jsonb(a) ->> 'attcompression', ''),
      case when a.attstattarget >= 0 then 'statistics ' || a.attstattarget end,
      array_to_string(a.attoptions, ', '), array_to_string(a.attfdwoptions, ', '))
  from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where r.relkind in ('r', 'p', 'f')`;

/** Order counts for INSERT without a list. A child of plain inheritance is dumped in another one. */
const COLUMN_ORDER = /* sql */ `
  select 'column_order', r.qname, r.kind || ' ' || r.qname,
    case when r.relispartition then 'column_order ' || r.parent end, r.nspname, r.relname,
    coalesce(json_agg(a.attname order by a.attnum) filter (where a.attname is not null), '[]')::text
  from relation r
    left join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  where r.relkind in ('r', 'p', 'f')
    and (r.relispartition or not exists (select from pg_inherits i where i.inhrelid = r.oid))
  group by r.qname, r.kind, r.relispartition, r.parent, r.nspname, r.relname`;

const VIEWS = /* sql */ `
  select r.kind, r.qname, null, null, r.nspname, r.relname,
    concat_ws(' ', 'with ' || r.options, '(' || (
        select string_agg(concat_ws(' ', quote_ident(a.attname),
          format_type(a.atttypid, a.atttypmod),
          'default ' || pg_get_expr(d.adbin, d.adrelid)), ', ' order by a.attnum)
        from pg_attribute a
          left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped) || ')',
      pg_get_viewdef(r.oid))
  from relation r where r.relkind in ('v', 'm')`;

const RULES = /* sql */ `
  select 'rule', quote_ident(w.rulename) || ' on ' || r.qname, r.kind || ' ' || r.qname, null,
    r.nspname, r.relname, pg_get_ruledef(w.oid) || ' enabled ' || w.ev_enabled::text
  from relation r join pg_rewrite w on w.ev_class = r.oid and w.rulename <> '_RETURN'`;

/** Definition only: values are carried by the switch. An owned one goes with its column. */
const SEQUENCES = /* sql */ `
  select 'sequence', r.qname,
    'column ' || d.refobjid::regclass::text || '.' || quote_ident(a.attname), null,
    o.nspname, o.relname,
    concat_ws(' ', format_type(q.seqtypid, null), 'start', q.seqstart, 'increment', q.seqincrement,
      'min', q.seqmin, 'max', q.seqmax, 'cache', q.seqcache,
      case when q.seqcycle then 'cycle' end,
      case d.deptype when 'i' then 'identity of ' when 'a' then 'owned by ' end
        || d.refobjid::regclass::text || '.' || quote_ident(a.attname))
  from relation r
    join pg_sequence q on q.seqrelid = r.oid
    left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = r.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
    left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    left join relation o on o.oid = d.refobjid`;

export const RELATIONS = [
  SCHEMAS,
  TABLES,
  REPLICA_IDENTITIES,
  ROW_SECURITY,
  COLUMNS,
  COLUMN_ORDER,
  VIEWS,
  RULES,
  SEQUENCES,
] as const;
