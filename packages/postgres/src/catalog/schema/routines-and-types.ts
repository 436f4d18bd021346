/** Arguments of a procedure print with IN from 14 on. `BEGIN ATOMIC` bodies are 14+; older servers have no such column and nothing to print. */
const ROUTINES = /* sql */ `
  select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
    format('%I.%I(%s)', s.nspname, p.proname, oidvectortypes(p.proargtypes)), null, null, null, null,
    concat_ws(' ', '(' || case p.prokind
        when 'p' then regexp_replace(pg_get_function_arguments(p.oid), '(^|, )IN ', '\\1', 'g')
        else pg_get_function_arguments(p.oid) end || ')', pg_get_function_result(p.oid),
      l.lanname, p.prokind::text, p.provolatile::text, p.proparallel::text,
      case when p.proisstrict then 'strict' end,
      case when p.prosecdef then 'security definer' end,
      case when p.proleakproof then 'leakproof' end,
      'cost', p.procost, 'rows', p.prorows, nullif(p.prosupport::oid, 0)::regproc::text,
      array_to_string(p.proconfig, ', '), p.probin, p.prosrc,
      case when to_jsonb(p) ->> 'prosqlbody' is not null then pg_get_functiondef(p.oid) end,
      (select concat_ws(' ', g.aggkind::text, g.aggnumdirectargs, g.aggtransfn::regproc::text,
          g.aggtranstype::regtype::text, g.aggtransspace, g.aggfinalfn::regproc::text,
          g.aggfinalextra, g.aggfinalmodify::text, g.aggcombinefn::regproc::text,
          g.aggserialfn::regproc::text, g.aggdeserialfn::regproc::text,
          g.aggmtransfn::regproc::text, g.aggminvtransfn::regproc::text,
          g.aggmfinalfn::regproc::text, g.aggmtranstype::regtype::text, g.agginitval,
          g.aggminitval, nullif(g.aggsortop, 0)::regoper::text)
        from pg_aggregate g where g.aggfnoid = p.oid))
  from pg_proc p
    join space s on s.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang
  where not exists (select from member m where m.classid = 'pg_proc'::regclass and m.objid = p.oid)`;

/** Neither the array of a type nor, from 14 on, the multirange of a range is an object of its own. */
const TYPES = /* sql */ `
  select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range'
      else 'type' end, format('%I.%I', s.nspname, t.typname), null, null, null, null,
    case t.typtype
      when 'e' then (select json_agg(e.enumlabel order by e.enumsortorder)::text
        from pg_enum e where e.enumtypid = t.oid)
      when 'd' then concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
        case when t.typcollation <> b.typcollation
          then 'collate ' || t.typcollation::regcollation::text end,
        case when t.typnotnull then 'not null' end,
        'default ' || pg_get_expr(t.typdefaultbin, 'pg_type'::regclass))
      when 'r' then (select concat_ws(' ', g.rngsubtype::regtype::text,
          nullif(g.rngcollation, 0)::regcollation::text,
          (select c.opcname from pg_opclass c where c.oid = g.rngsubopc),
          g.rngcanonical::regproc::text, g.rngsubdiff::regproc::text)
        from pg_range g where g.rngtypid = t.oid)
      when 'c' then (select string_agg(concat_ws(' ', quote_ident(a.attname),
          format_type(a.atttypid, a.atttypmod), case when a.attcollation not in (0, y.typcollation)
            then 'collate ' || a.attcollation::regcollation::text end), ', ' order by a.attnum)
        from pg_attribute a join pg_type y on y.oid = a.atttypid
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)
      else concat_ws(' ', t.typlen, t.typbyval, t.typalign::text, t.typstorage::text,
        t.typinput::regproc::text, t.typoutput::regproc::text, t.typisdefined) end
  from pg_type t
    join space s on s.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
    left join pg_type b on b.oid = t.typbasetype
  where t.typtype in ('e', 'd', 'r', 'c', 'b', 'p')
    and (t.typrelid = 0 or c.relkind = 'c')
    and not exists (select from pg_type e where e.typarray = t.oid)
    and not exists (select from member m where m.classid = 'pg_type'::regclass and m.objid = t.oid)`;

const DOMAIN_CONSTRAINTS = /* sql */ `
  select 'constraint', format('%I on %I.%I', k.conname, s.nspname, t.typname),
    format('domain %I.%I', s.nspname, t.typname), null, null, null, pg_get_constraintdef(k.oid)
  from pg_constraint k
    join pg_type t on t.oid = k.contypid
    join space s on s.oid = t.typnamespace
  where k.contype = 'c'
    and not exists (select from member m where m.classid = 'pg_type'::regclass and m.objid = t.oid)`;

export const ROUTINES_AND_TYPES = [ROUTINES, TYPES, DOMAIN_CONSTRAINTS] as const;
