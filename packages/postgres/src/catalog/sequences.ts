import type { Session } from '../session.js';

export interface Sequence {
  readonly schema: string;
  readonly name: string;
  readonly typeName: string;
  /** Highest value handed out, the cached ones of sessions included; null while never called. */
  readonly lastValue: bigint | null;
  readonly start: bigint;
  readonly increment: bigint;
  readonly min: bigint;
  readonly max: bigint;
  readonly cache: bigint;
  readonly cycle: boolean;
  /** Table and column that own it (serial, identity). */
  readonly ownedBy: string | null;
}

/** Sequences of users. Values are read outside any snapshot: nextval does not wait for a commit. */
export async function readSequences(session: Session): Promise<Sequence[]> {
  const { rows } = await session.query<
    Record<string, string | null>
  >(/* sql */ `select n.nspname as schema, c.relname as name, format_type(s.seqtypid, null) as type,
        pg_sequence_last_value(c.oid) as last_value, s.seqstart as start,
        s.seqincrement as increment, s.seqmin as min, s.seqmax as max, s.seqcache as cache,
        s.seqcycle as cycle,
        (select d.refobjid::regclass::text || '.' || a.attname
           from pg_depend d
             join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
          where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
          limit 1) as owned_by
      from pg_sequence s
        join pg_class c on c.oid = s.seqrelid
        join pg_namespace n on n.oid = c.relnamespace
      where c.relpersistence <> 't' and n.nspname <> 'turnout' and n.nspname !~ '^pg_'
      order by n.nspname, c.relname`);
  return rows.map((row) => {
    const value = (name: string): bigint => BigInt(row[name] ?? '0');
    return {
      schema: row['schema']!,
      name: row['name']!,
      typeName: row['type']!,
      lastValue: row['last_value'] ? value('last_value') : null,
      start: value('start'),
      increment: value('increment'),
      min: value('min'),
      max: value('max'),
      cache: value('cache'),
      cycle: row['cycle'] === 't',
      ownedBy: row['owned_by'] ?? null,
    };
  });
}
