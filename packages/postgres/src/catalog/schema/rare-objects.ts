/** User objects outside tables, types and routines. `FIRST_USER_OID` leaves initdb's own out. */
const FIRST_USER_OID = 16384;

const notMember = (catalogue: string, alias: string): string => /* sql */ `
  ${alias}.oid >= ${FIRST_USER_OID} and not exists (
    select from member m where m.classid = '${catalogue}'::regclass and m.objid = ${alias}.oid)`;

const EXTENSIONS = /* sql */ `
  select 'extension', quote_ident(e.extname), null, null, null, null, n.nspname
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace`;

/** Apart from the extension: a younger major brings a younger version along. */
const EXTENSION_VERSIONS = /* sql */ `
  select 'extension_version', quote_ident(e.extname), 'extension ' || quote_ident(e.extname), null,
    null, null, e.extversion from pg_extension e`;

/** Names of provider and locale columns moved in 15 and 17; whichever is there is read. */
const COLLATIONS = /* sql */ `
  select 'collation', format('%I.%I', s.nspname, c.collname), null, null, null, null,
    concat_ws(' ', c.collprovider::text, c.collisdeterministic,
      coalesce(j ->> 'colllocale', j ->> 'colliculocale', j ->> 'collcollate'), j ->> 'collicurules')
  from pg_collation c join space s on s.oid = c.collnamespace, to_jsonb(c) j
  where ${notMember('pg_collation', 'c')}`;

const OPERATORS = /* sql */ `
  select 'operator', format('%I.%s(%s, %s)', s.nspname, o.oprname, o.oprleft::regtype,
      o.oprright::regtype), null, null, null, null,
    concat_ws(' ', o.oprcode::regproc::text, nullif(o.oprcom, 0)::regoperator::text,
      nullif(o.oprnegate, 0)::regoperator::text, nullif(o.oprrest::oid, 0)::regproc::text,
      nullif(o.oprjoin::oid, 0)::regproc::text, o.oprcanmerge, o.oprcanhash)
  from pg_operator o join space s on s.oid = o.oprnamespace
  where ${notMember('pg_operator', 'o')}`;

const OPERATOR_CLASSES = /* sql */ `
  select 'operator_class', format('%I.%I using %s', s.nspname, c.opcname, a.amname), null, null, null,
    null, concat_ws(' ', c.opcintype::regtype::text, nullif(c.opckeytype, 0)::regtype::text,
      c.opcdefault, f.opfname)
  from pg_opclass c
    join space s on s.oid = c.opcnamespace
    join pg_am a on a.oid = c.opcmethod
    join pg_opfamily f on f.oid = c.opcfamily
  where ${notMember('pg_opclass', 'c')}`;

const OPERATOR_FAMILIES = /* sql */ `
  select 'operator_family', format('%I.%I using %s', s.nspname, f.opfname, a.amname), null, null, null,
    null, concat_ws(' ',
      (select string_agg(concat_ws(' ', o.amopstrategy, o.amopopr::regoperator::text), ', '
        order by o.amopopr::regoperator::text) from pg_amop o where o.amopfamily = f.oid),
      (select string_agg(concat_ws(' ', p.amprocnum, p.amproc::regprocedure::text), ', '
        order by p.amprocnum, p.amproc::regprocedure::text)
        from pg_amproc p where p.amprocfamily = f.oid))
  from pg_opfamily f
    join space s on s.oid = f.opfnamespace
    join pg_am a on a.oid = f.opfmethod
  where ${notMember('pg_opfamily', 'f')}`;

const CASTS = /* sql */ `
  select 'cast', format('%s as %s', c.castsource::regtype, c.casttarget::regtype), null, null, null,
    null, concat_ws(' ', nullif(c.castfunc, 0)::regprocedure::text, c.castcontext::text,
      c.castmethod::text)
  from pg_cast c where ${notMember('pg_cast', 'c')}`;

const CONVERSIONS = /* sql */ `
  select 'conversion', format('%I.%I', s.nspname, c.conname), null, null, null, null,
    concat_ws(' ', c.conforencoding, c.contoencoding, c.conproc::regproc::text, c.condefault)
  from pg_conversion c join space s on s.oid = c.connamespace
  where ${notMember('pg_conversion', 'c')}`;

const TEXT_SEARCH = /* sql */ `
  select 'text_search_configuration', format('%I.%I', s.nspname, c.cfgname), null, null, null, null,
    concat_ws(' ', (select p.prsname from pg_ts_parser p where p.oid = c.cfgparser),
      (select string_agg(concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary::text),
        ', ' order by m.maptokentype, m.mapseqno) from pg_ts_config_map m where m.mapcfg = c.oid))
  from pg_ts_config c join space s on s.oid = c.cfgnamespace
  where ${notMember('pg_ts_config', 'c')}
  union all
  select 'text_search_dictionary', format('%I.%I', s.nspname, d.dictname), null, null, null, null,
    concat_ws(' ', (select t.tmplname from pg_ts_template t where t.oid = d.dicttemplate),
      d.dictinitoption)
  from pg_ts_dict d join space s on s.oid = d.dictnamespace
  where ${notMember('pg_ts_dict', 'd')}
  union all
  select 'text_search_parser', format('%I.%I', s.nspname, p.prsname), null, null, null, null,
    concat_ws(' ', p.prsstart::regproc::text, p.prstoken::regproc::text, p.prsend::regproc::text)
  from pg_ts_parser p join space s on s.oid = p.prsnamespace
  where ${notMember('pg_ts_parser', 'p')}
  union all
  select 'text_search_template', format('%I.%I', s.nspname, t.tmplname), null, null, null, null,
    concat_ws(' ', t.tmplinit::regproc::text, t.tmpllexize::regproc::text)
  from pg_ts_template t join space s on s.oid = t.tmplnamespace
  where ${notMember('pg_ts_template', 't')}`;

const LANGUAGES = /* sql */ `
  select 'language', quote_ident(l.lanname), null, null, null, null,
    concat_ws(' ', l.lanpltrusted, l.lanplcallfoid::regproc::text)
  from pg_language l where l.lanispl and ${notMember('pg_language', 'l')}
  union all
  select 'transform', format('%s in %I', t.trftype::regtype, l.lanname), null, null, null, null,
    concat_ws(' ', nullif(t.trffromsql::oid, 0)::regproc::text,
      nullif(t.trftosql::oid, 0)::regproc::text)
  from pg_transform t join pg_language l on l.oid = t.trflang
  where ${notMember('pg_transform', 't')}
  union all
  select 'access_method', quote_ident(a.amname), null, null, null, null,
    concat_ws(' ', a.amtype::text, a.amhandler::regproc::text)
  from pg_am a where ${notMember('pg_am', 'a')}
  union all
  select 'event_trigger', quote_ident(e.evtname), null, null, null, null,
    concat_ws(' ', e.evtevent, e.evtfoid::regproc::text, array_to_string(e.evttags, ','),
      e.evtenabled::text)
  from pg_event_trigger e where ${notMember('pg_event_trigger', 'e')}`;

/** Options of a mapping hold passwords and may not be read by everybody: only that there is one. */
const FOREIGN = /* sql */ `
  select 'foreign_data_wrapper', quote_ident(w.fdwname), null, null, null, null,
    concat_ws(' ', nullif(w.fdwhandler, 0)::regproc::text, nullif(w.fdwvalidator, 0)::regproc::text,
      array_to_string(w.fdwoptions, ', '))
  from pg_foreign_data_wrapper w where ${notMember('pg_foreign_data_wrapper', 'w')}
  union all
  select 'foreign_server', quote_ident(v.srvname), null, null, null, null,
    concat_ws(' ', w.fdwname, v.srvtype, v.srvversion, array_to_string(v.srvoptions, ', '))
  from pg_foreign_server v join pg_foreign_data_wrapper w on w.oid = v.srvfdw
  where ${notMember('pg_foreign_server', 'v')}
  union all
  select 'user_mapping', format('%s for %s', u.srvname, u.usename),
    'foreign_server ' || quote_ident(u.srvname), null, null, null, ''
  from pg_user_mappings u`;

/** Comments of extensions come with their version, those in `pg_catalog` with the server. */
const COMMENTS = /* sql */ `
  select 'comment', i.type || ' ' || i.identity,
    case when d.objsubid = 0 then r.kind || ' ' || r.qname
      else 'column ' || r.qname || '.' || (select quote_ident(a.attname) from pg_attribute a
        where a.attrelid = r.oid and a.attnum = d.objsubid) end,
    null, r.nspname, r.relname, d.description
  from pg_description d
    cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    left join relation r on r.oid = d.objoid and d.classoid = 'pg_class'::regclass
  where (d.objoid >= ${FIRST_USER_OID} or d.classoid = 'pg_namespace'::regclass)
    and d.classoid not in ('pg_extension'::regclass, 'pg_publication'::regclass,
      'pg_subscription'::regclass)
    and i.schema is distinct from 'turnout' and coalesce(i.schema, '') !~ '^pg_'
    and i.identity not in ('turnout', 'pg_catalog', 'information_schema', 'pg_toast')
    and i.identity not like 'turnout.%'
    and not exists (
      select from member m where m.classid = d.classoid and m.objid = d.objoid)`;

export const RARE_OBJECTS = [
  EXTENSIONS,
  EXTENSION_VERSIONS,
  COLLATIONS,
  OPERATORS,
  OPERATOR_CLASSES,
  OPERATOR_FAMILIES,
  CASTS,
  CONVERSIONS,
  TEXT_SEARCH,
  LANGUAGES,
  FOREIGN,
  COMMENTS,
] as const;
