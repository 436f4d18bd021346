export interface SequenceSetting {
  /** Quoted by the server or by us. */
  readonly name: string;
  readonly value: bigint;
  /** False: `value` is handed out next; true: the one after it. */
  readonly called: boolean;
}

/** Sets many sequences in one statement. */
export function setSequences(settings: readonly SequenceSetting[]): {
  text: string;
  values: string[];
} {
  return {
    text: /* sql */ `
      select setval(u.name::regclass, u.value, u.called)
      from unnest($1::text[], $2::bigint[], $3::boolean[]) as u(name, value, called)`,
    values: [
      `{${settings.map(({ name }) => `"${name.replace(/(["\\])/g, '\\$1')}"`).join(',')}}`,
      `{${settings.map(({ value }) => value).join(',')}}`,
      `{${settings.map(({ called }) => called).join(',')}}`,
    ],
  };
}
