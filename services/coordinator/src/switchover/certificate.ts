import type { SequenceMove } from '../side/sequences.js';
import type { Attempt } from './attempt.js';

/** Evidence that nothing was in flight when the decision was made. Written on the side it closes. */
export interface DrainCertificate {
  readonly switchover: string;
  readonly epoch: string;
  readonly fence_epoch: string;
  readonly from: string;
  readonly to: string;
  readonly marker: string;
  readonly source_lsn: string;
  readonly end_lsn: string;
  readonly user_lsn: string | null;
  readonly check: string;
  readonly schema_fingerprint: string;
  readonly sequences: readonly SequenceMove[];
  readonly window_ms_so_far: number | null;
  /** RFC 3339, by the clock of the coordinator. */
  readonly made_at: string;
}

/** Everything is known by the time of the decision; asked for earlier it fails. */
export function makeCertificate(attempt: Attempt): DrainCertificate {
  const proof = attempt.known('proof');
  return {
    switchover: attempt.id,
    epoch: String(attempt.known('claimed').claim.epoch),
    fence_epoch: String(attempt.known('fenceEpoch')),
    from: attempt.from,
    to: attempt.to,
    marker: proof.token,
    source_lsn: proof.sourceLsn,
    end_lsn: proof.endLsn,
    user_lsn: proof.userLsn,
    check: attempt.known('checkId'),
    schema_fingerprint: attempt.known('schema')[attempt.from].fingerprint,
    sequences: attempt.known('sequences'),
    window_ms_so_far: attempt.windowSoFarMs(),
    made_at: new Date(attempt.context.clock.nowMs()).toISOString(),
  };
}
