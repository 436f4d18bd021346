import type { GuardKind } from '@turnout/postgres/cluster/guard';
import type { Side } from '@turnout/core/sides';
import type { Statement } from '@turnout/postgres/sql/statement';

/** Who acts: every effect matches both in its own transaction (PROTOCOL 2.3). */
export interface Claim {
  readonly epoch: bigint;
  readonly holder: string;
}

export const readSide: Statement = {
  text: /* sql */ `
    select pair, side, state, guard, fence_epoch, claim_epoch, holder, switchover_id, certificate,
      extract(epoch from changed_at) * 1000 as changed_ms
    from turnout.side`,
  values: [],
};

/**
 * Waits on the predecessor's row lock until its COMMIT is settled, where a plain SELECT would show
 * the old state while a commit waits for a standby.
 */
export function claimSide({ epoch, holder }: Claim): Statement {
  return {
    text: /* sql */ `
      update turnout.side set claim_epoch = $1::bigint, holder = $2::uuid
      where claim_epoch < $1::bigint
      returning 1`,
    values: [String(epoch), holder],
  };
}

/**
 * Raises our own claim of a closed side. An opening under the old epoch is impossible from then on,
 * and one that did apply is not taken back: it is no longer `closed`.
 */
export function raiseClaimOfClosed({ epoch, holder }: Claim, next: bigint): Statement {
  return {
    text: /* sql */ `
      update turnout.side set claim_epoch = $3::bigint
      where claim_epoch = $1::bigint and holder = $2::uuid and state = 'closed'
      returning 1`,
    values: [String(epoch), holder, String(next)],
  };
}

/** Locks the side row for an effect outside of it; no row means superseded. */
export function lockClaim({ epoch, holder }: Claim): Statement {
  return {
    text: /* sql */ `
      select 1 from turnout.side
      where claim_epoch = $1::bigint and holder = $2::uuid for update`,
    values: [String(epoch), holder],
  };
}

export interface Transition {
  /** State that must hold; otherwise nothing changes. */
  readonly expect: 'open' | 'closed';
  readonly guard: GuardKind;
  /** Becomes the fence epoch when the state changes. */
  readonly fenceEpoch: bigint;
  readonly switchoverId: string | null;
  readonly hint: string;
}

/** Row and guard in one installed function, which answers whether anything matched. */
export function makeTransition(
  { epoch, holder }: Claim,
  { expect, guard, fenceEpoch, switchoverId, hint }: Transition,
): Statement {
  return {
    text: /* sql */ `
      select turnout.transition($1::bigint, $2::uuid, $3, $4, $5::bigint, $6, $7) as done`,
    values: [String(epoch), holder, expect, guard, String(fenceEpoch), switchoverId, hint],
  };
}

/** Evidence beside the closing it belongs to; inside the fence transaction the row is ours already. */
export function writeCertificate({ epoch, holder }: Claim, certificate: string): Statement {
  return {
    text: /* sql */ `
      update turnout.side set certificate = $3::jsonb
      where claim_epoch = $1::bigint and holder = $2::uuid and state = 'closed'
      returning 1`,
    values: [String(epoch), holder, certificate],
  };
}

/** Sessions of coordinators before `epoch`, ours excepted; links and services have other roles. */
export function terminatePredecessors(epoch: bigint, pair: string): Statement {
  return {
    text: /* sql */ `
      select pid, pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and case when application_name
            ~ ('^turnout/[0-9]{1,18}/(control|fence|prepare)/' || $2::text || '$')
          then split_part(application_name, '/', 2)::bigint < $1::bigint else false end`,
    values: [String(epoch), pair],
  };
}

/** Also right before C1: losing the session voids what it proved. */
export function ping({ epoch, holder }: Claim): Statement {
  return {
    text: /* sql */ `select 1 from turnout.side where claim_epoch = $1::bigint and holder = $2::uuid`,
    values: [String(epoch), holder],
  };
}

/**
 * Numbers the marker, so that of two who send one at a time a later one proves the earlier too:
 * `token` is at least what was written. Synchronous, whatever the defaults of the role are.
 */
export function writeNumberedMarker(side: Side, kind: string): Statement {
  return {
    text: /* sql */ `
      update turnout.marker set written_at = clock_timestamp(),
        token = (case when token ~ '^[0-9]{1,18}$' then token::bigint else 0 end + 1)::text
      where side = $1 and kind = $2 returning token`,
    values: [side, kind],
  };
}

export const readMarker: (side: Side, kind: string) => Statement = (side, kind) => ({
  text: /* sql */ `select token from turnout.marker where side = $1 and kind = $2`,
  values: [side, kind],
});

/** The proof of a drain carries a token of its own: only one coordinator can hold the fence. */
export function writeMarker(side: Side, kind: string, token: string): Statement {
  return {
    text: /* sql */ `
      update turnout.marker set token = $3::text, written_at = clock_timestamp()
      where side = $1 and kind = $2 returning 1`,
    values: [side, kind, token],
  };
}
