import type { Store } from '@turnout/store/store';
import type { CheckedPair } from './tracking/side-tracking.js';

/** What the checker writes down; a subset of the logger of the service kit. */
export interface CheckerLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** Where results are counted. Names and numbers only. */
export interface CheckerMeters {
  checkEnded(pair: string, kind: string, outcome: string, seconds: number, rows: number): void;
  differencesFound(pair: string, count: number): void;
  tracked(pair: string, side: string, dirty: number): void;
  roundEnded(pair: string, seconds: number): void;
}

export interface PairContext {
  readonly pair: CheckedPair;
  readonly store: Pick<Store, 'checks' | 'tracking' | 'pairs' | 'leases' | 'links'>;
  readonly log: CheckerLog;
  readonly meters: CheckerMeters;
  /** Unique per process: claims and leases carry it. */
  readonly instanceId: string;
}

/** For a process without metrics. */
export const NO_METERS: CheckerMeters = {
  checkEnded: () => undefined,
  differencesFound: () => undefined,
  tracked: () => undefined,
  roundEnded: () => undefined,
};
