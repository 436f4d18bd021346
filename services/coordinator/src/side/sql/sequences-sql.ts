import type { Statement } from './side-sql.js';

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
