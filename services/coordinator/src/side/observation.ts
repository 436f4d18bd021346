import type { Direction, Side } from '@turnout/core/sides';
import type { SideRow } from './side-row.js';

/** Which server answers: it changes when a side is restored or a standby is promoted. */
export interface Identity {
  readonly systemIdentifier: string;
  /** Eight hex digits; null on a standby. */
  readonly timeline: string | null;
}

/** Progress of the link that has this side as target. */
export interface LinkProgress {
  readonly open: boolean;
  readonly switchEpoch: bigint;
}

export interface SlotState {
  readonly name: string;
  readonly active: boolean;
  readonly retainedBytes: number | null;
}

/** What a side answered when it was last asked. */
export interface Answered {
  readonly reachable: true;
  readonly side: Side;
  /** Monotonic, milliseconds, of this process. */
  readonly readAtMs: number;
  readonly versionText: string;
  readonly lsn: string | null;
  readonly inRecovery: boolean;
  readonly identity: Identity;
  /** Null when Turnout is not installed there, or for another pair. */
  readonly row: SideRow | null;
  /** Pair and side the database belongs to when it is not ours. */
  readonly foreign: string | null;
  readonly progress: Readonly<Partial<Record<Direction, LinkProgress>>>;
  readonly openLeaks: number | null;
  /** `ALTER DATABASE … SET default_transaction_read_only` is in force. */
  readonly readOnlyByDefault: boolean;
  readonly slots: readonly SlotState[];
}

export interface Silent {
  readonly reachable: false;
  readonly side: Side;
  readonly readAtMs: number;
  /** Code and words of what went wrong; never a cell value. */
  readonly reason: string;
}

export type SideObservation = Answered | Silent;
