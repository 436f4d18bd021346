import type { Statement } from './side-sql.js';

/** Every sequence outside of Turnout; `last_value` is null when it was never used. */
export const readSequences: Statement = {
  text: /* sql */ `
    select quote_ident(schemaname) || '.' || quote_ident(sequencename) as name,
      last_value, increment_by, cache_size, min_value, max_value
    from pg_sequences where schemaname <> 'turnout' order by 1`,
  values: [],
};

/** Sets many sequences in one statement; names are already quoted by the server they came from. */
export function setSequences(values: readonly { name: string; value: bigint }[]): Statement {
  return {
    text: /* sql */ `
      select setval(u.name::regclass, u.value, true)
      from unnest($1::text[], $2::bigint[]) as u(name, value)`,
    values: [
      `{${values.map(({ name }) => `"${name.replace(/(["\\])/g, '\\$1')}"`).join(',')}}`,
      `{${values.map(({ value }) => value).join(',')}}`,
    ],
  };
}
