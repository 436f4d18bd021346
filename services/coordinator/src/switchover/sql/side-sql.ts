import type { Side } from '@turnout/core/sides';

/** Statement with parameters; every value travels as text. */
export interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

/** Who acts: every effect matches both in its own transaction (PROTOCOL 2.3). */
export interface Actor {
  readonly epoch: bigint;
  readonly holder: string;
}

export const readSide: Statement = {
  text: /* sql */ `
    select pair, side, state, fence_epoch, claim_epoch, holder, switchover_id
    from turnout.side`,
  values: [],
};

/**
 * Waits on the predecessor's row lock until its COMMIT is settled, where a plain SELECT would show
 * the old state while a commit waits for a standby.
 */
export function claimSide({ epoch, holder }: Actor): Statement {
  return {
    text: /* sql */ `
      update turnout.side set claim_epoch = $1::bigint, holder = $2::uuid
      where claim_epoch < $1::bigint
      returning state, fence_epoch, switchover_id`,
    values: [String(epoch), holder],
  };
}

/** Locks the side row for an effect outside of it; no row means superseded. */
export function lockClaim({ epoch, holder }: Actor): Statement {
  return {
    text: /* sql */ `
      select 1 from turnout.side
      where claim_epoch = $1::bigint and holder = $2::uuid for update`,
    values: [String(epoch), holder],
  };
}

/** First statement of the fence: a superseded coordinator fails here, before it holds the turnstile. */
export function closeSide({ epoch, holder }: Actor, switchoverId: string): Statement {
  return {
    text: /* sql */ `
      update turnout.side
      set state = 'closed', fence_epoch = $1::bigint, switchover_id = $3::text,
          changed_at = clock_timestamp()
      where state = 'open' and claim_epoch = $1::bigint and holder = $2::uuid
      returning 1`,
    values: [String(epoch), holder, switchoverId],
  };
}

/**
 * Opens a side that is closed, at the epoch of the fence on the other side. Expecting `closed` keeps
 * a C2 that did apply from being overwritten.
 */
export function openSide(
  { epoch, holder }: Actor,
  fenceEpoch: bigint,
  switchoverId: string,
): Statement {
  return {
    text: /* sql */ `
      update turnout.side
      set state = 'open', fence_epoch = $3::bigint, switchover_id = $4::text,
          changed_at = clock_timestamp()
      where state = 'closed' and claim_epoch = $1::bigint and holder = $2::uuid
      returning 1`,
    values: [String(epoch), holder, String(fenceEpoch), switchoverId],
  };
}

/** Sessions of coordinators before `epoch`, ours excepted; links and services have other roles. */
export function terminatePredecessors(epoch: bigint, pair: string): Statement {
  return {
    text: /* sql */ `
      select pid, pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and application_name ~ ('^turnout/[0-9]+/(control|fence|prepare)/' || $2::text || '$')
        and split_part(application_name, '/', 2)::bigint < $1::bigint`,
    values: [String(epoch), pair],
  };
}

export const readMarker: (side: Side, kind: string) => Statement = (side, kind) => ({
  text: /* sql */ `select token from turnout.marker where side = $1 and kind = $2`,
  values: [side, kind],
});

/** A marker is the proof of a drain: synchronous, whatever the defaults of the role are. */
export function writeMarker(side: Side, kind: string, token: string): Statement {
  return {
    text: /* sql */ `
      update turnout.marker set token = $3::text, written_at = clock_timestamp()
      where side = $1 and kind = $2 returning 1`,
    values: [side, kind, token],
  };
}
