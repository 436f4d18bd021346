import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

export type IdempotencyColumns = TextRow<'fingerprint', 'response'>;

/** Keys are remembered for a day; each new one drops the older. */
export function insertKey(key: string, fingerprint: string): NamedStatement {
  return {
    name: 'store_idempotency_insert',
    text: /* sql */ `
      with dropped as (
        delete from turnout_control.idempotency
         where created_at < clock_timestamp() - interval '1 day'
      )
      insert into turnout_control.idempotency (key, fingerprint) values ($1, $2)
      on conflict (key) do nothing
      returning key`,
    values: [key, fingerprint],
  };
}

export function readKey(key: string): NamedStatement {
  return {
    name: 'store_idempotency_read',
    text: /* sql */ `
      select fingerprint, response from turnout_control.idempotency where key = $1`,
    values: [key],
  };
}

/** Takes over a request whose process died before it answered. */
export function reviveKey(key: string, fingerprint: string, staleMs: number): NamedStatement {
  return {
    name: 'store_idempotency_revive',
    text: /* sql */ `
      update turnout_control.idempotency
         set created_at = clock_timestamp()
       where key = $1 and fingerprint = $2 and response is null
         and created_at < clock_timestamp() - $3 * interval '1 millisecond'
      returning key`,
    values: [key, fingerprint, staleMs],
  };
}

export function completeKey(key: string, response: string): NamedStatement {
  return {
    name: 'store_idempotency_complete',
    text: /* sql */ `
      update turnout_control.idempotency set response = $2::jsonb where key = $1`,
    values: [key, response],
  };
}

export function deleteKey(key: string): NamedStatement {
  return {
    name: 'store_idempotency_delete',
    text: /* sql */ `
      delete from turnout_control.idempotency where key = $1 and response is null`,
    values: [key],
  };
}
