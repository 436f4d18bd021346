import { must } from '@turnout/core/assert';
import type { Clock } from '@turnout/core/clock';
import { directionFrom, otherSide, type Direction, type Side } from '@turnout/core/sides';
import type { Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import type { Logger } from '@turnout/service-kit/logger';
import type { Metrics } from '@turnout/service-kit/metrics';
import type { Store } from '@turnout/store/store';
import type { Hold, Routes } from '@turnout/traffic/routes';

import type { DrainProof } from './drain.js';
import type { SequenceMove } from '../side/sequences.js';
import type { Actor } from './sql/side-sql.js';

/** What a switch needs from outside; nothing else is reached for. */
export interface RunDependencies {
  readonly pair: ResolvedPair;
  readonly store: Store;
  readonly routes: Routes;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly instanceId: string;
  /** Moves the phase of the pair; done before the outcome is told, so that who reads one may act. */
  readonly movePhase: (
    run: Run,
    outcome: 'committed' | 'undone',
    reason: string | null,
  ) => Promise<void>;
  /** Reads every gate anew from the databases; throws TRN5002 when one is closed. */
  readonly requireGates: (from: Side) => Promise<void>;
}

/** Sessions of the window, all opened before the fence: queued clients may exhaust connections. */
export interface RunSessions {
  /** Reads, markers and claims on each side. */
  readonly control: Readonly<Record<Side, Session>>;
  /** Runs nothing but the fence transaction on `from`. */
  readonly fence: Session;
  /** Runs nothing but the prepare transaction on `to`. */
  readonly prepare: Session;
}

export interface Lease {
  readonly epoch: bigint;
  release(): Promise<void>;
  /** Aborts when the lease could not be renewed: another may act from then on. */
  readonly lost: AbortSignal;
}

/** State of one switch, filled by its steps in the order of the table. */
export class Run {
  readonly deps: RunDependencies;
  readonly id: string;
  readonly to: Side;
  readonly from: Side;
  /** Carries changes from `from` to `to` until C2, then watches `from`. */
  readonly oldLink: Direction;
  /** Carries changes from `to` back to `from` after C2. */
  readonly newLink: Direction;
  /** Aborts on a request to cancel and when the lease is lost; ignored after the decision. */
  readonly abort = new AbortController();

  lease: Lease | null = null;
  actor: Actor | null = null;
  sessions: RunSessions | null = null;
  guardian: Hold | null = null;
  armed = false;
  fenced = false;
  prepared = false;
  /** C1 was sent: from here on nothing is undone without settling first. */
  decided = false;
  fenceEpoch: bigint | null = null;
  fingerprint: string | null = null;
  proof: DrainProof | null = null;
  sequences: readonly SequenceMove[] = [];
  checkId: string | null = null;
  windowStartedMs: number | null = null;
  windowMs: number | null = null;

  constructor(deps: RunDependencies, id: string, to: Side) {
    this.deps = deps;
    this.id = id;
    this.to = to;
    this.from = otherSide(to);
    this.oldLink = directionFrom(this.from);
    this.newLink = directionFrom(to);
  }

  acting(): Actor {
    return must(this.actor, 'a step that acts runs after acquire');
  }

  opened(): RunSessions {
    return must(this.sessions, 'a step that queries runs after acquire');
  }

  /** The window opens with the first pause or fence call. */
  openWindow(): void {
    this.windowStartedMs ??= this.deps.clock.monotonicMs();
  }

  closeWindow(): void {
    if (this.windowStartedMs !== null) {
      this.windowMs = this.deps.clock.monotonicMs() - this.windowStartedMs;
    }
  }

  /** Milliseconds that are left of the window; the whole of it before it opened. */
  windowLeftMs(): number {
    const { maxMs } = this.deps.pair.window;
    if (this.windowStartedMs === null) return maxMs;
    return Math.max(0, maxMs - (this.deps.clock.monotonicMs() - this.windowStartedMs));
  }
}
