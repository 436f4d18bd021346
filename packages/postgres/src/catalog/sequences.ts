import { quoteLiteral, quoteTable } from '../identifiers.js';
import type { Session } from '../session.js';

export interface Sequence {
  readonly schema: string;
  readonly name: string;
  readonly typeName: string;
  /**
   * Highest value handed out, the cached ones of sessions included; the one that will be handed out
   * first where `called` is false (never called, RESTART, `setval(…, false)`).
   */
  readonly value: bigint;
  readonly called: boolean;
  readonly start: bigint;
  readonly increment: bigint;
  readonly min: bigint;
  readonly max: bigint;
  readonly cache: bigint;
  readonly cycle: boolean;
  /** Table and column that own it (serial, identity). */
  readonly ownedBy: string | null;
  /** Type of that column: an integer column ends long before a bigint sequence does. */
  readonly columnType: string | null;
}

/** The highest value a column of each type holds. */
const COLUMN_MAX: Readonly<Record<string, bigint>> = {
  smallint: 32_767n,
  integer: 2_147_483_647n,
  bigint: 9_223_372_036_854_775_807n,
};

/** The last value that fits both the sequence and the column it feeds, in its direction. */
export function boundOf({ increment, min, max, columnType }: Sequence): bigint {
  const column = columnType === null ? undefined : COLUMN_MAX[columnType];
  if (increment < 0n) return column !== undefined && -column - 1n > min ? -column - 1n : min;
  return column !== undefined && column < max ? column : max;
}

/** How many more values there are, 0 when it has run out. */
export function incrementsLeft(sequence: Sequence): bigint {
  const { value, called, increment } = sequence;
  const room = (boundOf(sequence) - value) / increment + (called ? 0n : 1n);
  return room > 0n ? room : 0n;
}

/** Null says that it was not called, or that the role may not look. */
const QUERY = /* sql */ `
  select n.nspname as schema, c.relname as name, format_type(s.seqtypid, null) as type,
    pg_sequence_last_value(c.oid) as last_value, s.seqstart as start,
    s.seqincrement as increment, s.seqmin as min, s.seqmax as max, s.seqcache as cache,
    s.seqcycle as cycle,
    d.refobjid::regclass::text || '.' || quote_ident(a.attname) as owned_by,
    format_type(a.atttypid, null) as column_type
  from pg_sequence s
    join pg_class c on c.oid = s.seqrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
    left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where c.relpersistence <> 't' and n.nspname <> 'turnout' and n.nspname !~ '^pg_'
  order by n.nspname, c.relname`;

interface Position {
  readonly value: bigint;
  readonly called: boolean;
}

/** Where sequences stand that the catalogue shows as never called: one more statement for all. */
async function readUncalled(
  session: Session,
  uncalled: readonly { readonly schema: string; readonly name: string }[],
): Promise<Map<string, Position>> {
  if (uncalled.length === 0) return new Map();
  const looks = uncalled.map(
    (each) => /* sql */ `select ${quoteLiteral(quoteTable(each))} as key, last_value, is_called
      from ${quoteTable(each)}`,
  );
  const { rows } = await session.query<{ key: string; last_value: string; is_called: string }>(
    looks.join(' union all '),
  );
  return new Map(
    rows.map((row) => [row.key, { value: BigInt(row.last_value), called: row.is_called === 't' }]),
  );
}

/**
 * Sequences of users. Values are read outside any snapshot: nextval does not wait for a commit. One
 * round trip, and a second one where some were never called.
 */
export async function readSequences(session: Session): Promise<Sequence[]> {
  const { rows } = await session.query<Record<string, string | null>>({
    name: 'turnout_sequences',
    text: QUERY,
  });
  const nameOf = (row: Record<string, string | null>): { schema: string; name: string } => ({
    schema: row['schema']!,
    name: row['name']!,
  });
  const uncalled = rows.filter((row) => row['last_value'] === null).map(nameOf);
  const positions = await readUncalled(session, uncalled);
  return rows.map((row) => {
    const value = (name: string): bigint => BigInt(row[name]!);
    const position = positions.get(quoteTable(nameOf(row)));
    return {
      ...nameOf(row),
      typeName: row['type']!,
      value: position?.value ?? value('last_value'),
      called: position?.called ?? true,
      start: value('start'),
      increment: value('increment'),
      min: value('min'),
      max: value('max'),
      cache: value('cache'),
      cycle: row['cycle'] === 't',
      ownedBy: row['owned_by'] ?? null,
      columnType: row['column_type'] ?? null,
    };
  });
}
