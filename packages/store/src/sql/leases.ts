import type { NamedStatement } from '@turnout/postgres/sql/statement';

/**
 * Takes the lease when it is free, expired, or already ours. Each taking bumps the epoch, also our
 * own: a process that restarted under the same name must not pass for its predecessor.
 */
export function acquireLease(name: string, holder: string, ttlMs: number): NamedStatement {
  return {
    name: 'store_leases_acquire',
    text: /* sql */ `
      insert into turnout_control.lease as l (name, holder, epoch, expires_at)
      values ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
      on conflict (name) do update
         set holder = excluded.holder, epoch = l.epoch + 1, expires_at = excluded.expires_at
       where l.holder is null or l.holder = excluded.holder or l.expires_at <= clock_timestamp()
      returning epoch`,
    values: [name, holder, ttlMs],
  };
}

export function readLease(name: string): NamedStatement {
  return {
    name: 'store_leases_read',
    text: /* sql */ `
      select holder, epoch, expires_at > clock_timestamp() as valid,
             greatest(0, extract(epoch from expires_at - clock_timestamp()) * 1000)::text
               as expires_in_ms
        from turnout_control.lease
       where name = $1`,
    values: [name],
  };
}

/** Those of `names`, parted by blanks, that were ever taken. */
export function listLeases(names: string): NamedStatement {
  return {
    name: 'store_leases_list',
    text: /* sql */ `
      select name, holder, epoch, holder is not null and expires_at > clock_timestamp() as valid,
             expires_at
        from turnout_control.lease
       where name = any(string_to_array($1, ' '))`,
    values: [names],
  };
}

/** An expired lease that nobody took is renewed: nobody else acted meanwhile. */
export function renewLease(
  name: string,
  holder: string,
  epoch: bigint,
  ttlMs: number,
): NamedStatement {
  return {
    name: 'store_leases_renew',
    text: /* sql */ `
      update turnout_control.lease
         set expires_at = clock_timestamp() + $4 * interval '1 millisecond'
       where name = $1 and holder = $2 and epoch = $3
      returning epoch`,
    values: [name, holder, String(epoch), ttlMs],
  };
}

export function releaseLease(name: string, holder: string, epoch: bigint): NamedStatement {
  return {
    name: 'store_leases_release',
    text: /* sql */ `
      update turnout_control.lease
         set holder = null, expires_at = clock_timestamp()
       where name = $1 and holder = $2 and epoch = $3`,
    values: [name, holder, String(epoch)],
  };
}
