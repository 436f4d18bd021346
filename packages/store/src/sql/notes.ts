import type { NamedStatement } from '@turnout/postgres/sql/statement';

export function readNote(pair: string): NamedStatement {
  return {
    name: 'store_notes_read',
    text: /* sql */ `
      select waiting, identities from turnout_control.pair_note where pair = $1`,
    values: [pair],
  };
}

export function writeWaiting(pair: string, waiting: string | null): NamedStatement {
  return {
    name: 'store_notes_waiting',
    text: /* sql */ `
      insert into turnout_control.pair_note (pair, waiting) values ($1, $2::jsonb)
      on conflict (pair) do update
         set waiting = excluded.waiting, noted_at = clock_timestamp()`,
    values: [pair, waiting],
  };
}

export function writeIdentity(pair: string, side: string, identity: string): NamedStatement {
  return {
    name: 'store_notes_identity',
    text: /* sql */ `
      insert into turnout_control.pair_note (pair, identities)
      values ($1, jsonb_build_object($2::text, $3::jsonb))
      on conflict (pair) do update
         set identities = pair_note.identities || excluded.identities,
             noted_at = clock_timestamp()`,
    values: [pair, side, identity],
  };
}

export function forgetIdentities(pair: string): NamedStatement {
  return {
    name: 'store_notes_forget',
    text: /* sql */ `
      update turnout_control.pair_note set identities = '{}', waiting = null where pair = $1`,
    values: [pair],
  };
}
