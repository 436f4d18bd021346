import type { Run } from './run.js';

/** Evidence that nothing was in flight when the decision was made; stored with the switchover. */
export interface DrainCertificate {
  readonly epoch: string;
  readonly fence_epoch: string | null;
  readonly from: string;
  readonly to: string;
  readonly marker: string | null;
  readonly source_lsn: string | null;
  readonly end_lsn: string | null;
  readonly user_lsn: string | null;
  readonly check: string | null;
  readonly schema_fingerprint: string | null;
  readonly sequences: readonly {
    readonly name: string;
    readonly from: string;
    readonly to: string;
  }[];
  readonly window_ms_so_far: number | null;
}

export function makeCertificate(run: Run): Readonly<Record<string, unknown>> & DrainCertificate {
  const started = run.windowStartedMs;
  return {
    epoch: String(run.acting().epoch),
    fence_epoch: run.fenceEpoch === null ? null : String(run.fenceEpoch),
    from: run.from,
    to: run.to,
    marker: run.proof?.token ?? null,
    source_lsn: run.proof?.sourceLsn ?? null,
    end_lsn: run.proof?.endLsn ?? null,
    user_lsn: run.proof?.userLsn ?? null,
    check: run.checkId,
    schema_fingerprint: run.fingerprint,
    sequences: run.sequences,
    window_ms_so_far: started === null ? null : run.deps.clock.monotonicMs() - started,
  };
}
