import { quoteIdent, quoteTable } from '@turnout/postgres/identifiers';
import { ROW_ALIAS } from '../../units/column-forms.js';
import type { UnitSide } from '../../units/units.js';

/** A built statement; `name` is for people and tests, not a server-side name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Rows are hashed with all their columns as one record: unlike joined texts that tells NULL from ''
 * and knows where one column ends.
 */
function digestOf(forms: readonly string[]): string {
  return `md5(row(${forms.join(', ')})::text)`;
}

/** What assigns a row to its bucket: its key, or the row itself where it has none. */
function bucketText({ keyForms, forms }: UnitSide): string {
  return keyForms.length === 0 ? digestOf(forms) : `row(${keyForms.join(', ')})::text`;
}

/** The default collation may differ between clusters, "C" does not. */
function bucketOf(text: string): string {
  return `(hashtextextended(${text} collate "C", 0) & $1::int8)::int4`;
}

function fromClause({ schema, table }: UnitSide): string {
  return `${quoteTable({ schema, name: table })} as ${ROW_ALIAS}`;
}

function keyColumnsOf(key: readonly string[]): string[] {
  return key.map((column) => `${ROW_ALIAS}.${quoteIdent(column)}`);
}

/**
 * Count and sums of both digest halves per bucket. Sums, because XOR lets two equal rows cancel.
 * `offset 0` keeps the planner from computing each digest twice.
 */
export function bucketDigests(side: UnitSide, bucketMask: number): Statement {
  const text = /* sql */ `
    select bucket, count(*) as rows, sum(high) as high, sum(low) as low
      from (select bucket,
                   ('x' || substr(digest, 1, 16))::bit(64)::int8 as high,
                   ('x' || substr(digest, 17, 16))::bit(64)::int8 as low
              from (select ${bucketOf(bucketText(side))} as bucket, ${digestOf(side.forms)} as digest
                      from ${fromClause(side)}
                    offset 0) as digested) as halves
     group by bucket`;
  return { name: 'bucket_digests', text, values: [bucketMask] };
}

/** Key columns and digest of every row in the given buckets. */
export function bucketRows(
  side: UnitSide,
  key: readonly string[],
  bucketMask: number,
  buckets: readonly number[],
): Statement {
  const text = /* sql */ `
    select ${[...keyColumnsOf(key), `${digestOf(side.forms)} as digest`].join(', ')}
      from ${fromClause(side)}
     where ${bucketOf(bucketText(side))} = any($2::int4[])`;
  return { name: 'bucket_rows', text, values: [bucketMask, buckets] };
}

/** Digests of rows without a key, with how often each occurs. */
export function bucketMultiset(
  side: UnitSide,
  bucketMask: number,
  buckets: readonly number[],
): Statement {
  const text = /* sql */ `
    select digest, count(*) as copies
      from (select ${digestOf(side.forms)} as digest from ${fromClause(side)} offset 0) as digested
     where ${bucketOf('digest')} = any($2::int4[])
     group by digest`;
  return { name: 'bucket_multiset', text, values: [bucketMask, buckets] };
}

/** Key columns and digest of the rows with one of `keys`; a key without a row answers nothing. */
export function keyDigests(
  side: UnitSide,
  key: readonly string[],
  keys: readonly (readonly string[])[],
): Statement {
  return keyed('key_digests', side, key, keys, [`${digestOf(side.forms)} as digest`]);
}

/** The same with one digest per column, to name the columns that differ and not their values. */
export function columnDigests(
  side: UnitSide,
  key: readonly string[],
  keys: readonly (readonly string[])[],
): Statement {
  const digests = side.forms.map((form, at) => `${digestOf([form])} as digest_${at}`);
  return keyed('column_digests', side, key, keys, digests);
}

function keyed(
  name: string,
  side: UnitSide,
  key: readonly string[],
  keys: readonly (readonly string[])[],
  outputs: readonly string[],
): Statement {
  const columns = keyColumnsOf(key);
  const arrays = side.keyTypes.map((typeName, at) => `$${at + 1}::${typeName}[]`);
  const wanted = key.map((_, at) => `w${at}`);
  const text = /* sql */ `
    select ${[...columns, ...outputs].join(', ')}
      from unnest(${arrays.join(', ')}) as wanted (${wanted.join(', ')})
      join ${fromClause(side)}
        on ${columns.map((column, at) => `${column} = wanted.w${at}`).join(' and ')}`;
  return { name, text, values: key.map((_, at) => keys.map((cells) => cells[at])) };
}
