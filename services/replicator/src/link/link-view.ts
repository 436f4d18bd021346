import { LSN_ZERO, type Lsn } from '@turnout/core/lsn';
import type { ProgressRow } from '../apply/progress-keeper.js';

/** A marker of kind `heartbeat` as it went by. */
export interface MarkerSeen {
  readonly token: string;
  readonly writtenAt: string | null;
  /** Milliseconds since the epoch. */
  readonly appliedAtMs: number;
}

/** What a running link knows about itself; read by whoever reports it. */
export class LinkView {
  receivedLsn: Lsn = LSN_ZERO;
  appliedLsn: Lsn = LSN_ZERO;
  durableLsn: Lsn = LSN_ZERO;
  progress: ProgressRow | null = null;
  transactionsApplied = 0;
  rowsApplied = 0;
  leaks = 0;
  marker: MarkerSeen | null = null;
}
