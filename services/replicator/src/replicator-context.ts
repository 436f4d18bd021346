import type { Clock } from '@turnout/core/clock';
import type { Direction } from '@turnout/core/sides';
import type { CloudEvent, LinkProgressed } from '@turnout/contracts/events';
import type { Endpoint } from '@turnout/postgres/session';
import type { Store } from '@turnout/store/store';
import type { LinkMetrics } from './metrics.js';

/** The part of the bus that a link needs. Publishing is never waited for. */
export interface LinkEvents {
  publish(topic: 'links', event: CloudEvent<LinkProgressed>): Promise<void>;
}

export interface LinkLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** What the configuration says about a pair, as far as links go. */
export interface PairSettings {
  readonly name: string;
  readonly blue: Endpoint;
  readonly green: Endpoint;
  readonly tables: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  readonly copy: { readonly workers: number };
  readonly apply: {
    readonly groupRowsMax: number;
    readonly groupBytesMax: number;
    readonly memoryBytesMax: number;
  };
}

/** Everything one link worker is given. */
export interface LinkContext {
  readonly settings: PairSettings;
  readonly link: Direction;
  readonly store: Store;
  readonly events: LinkEvents;
  readonly log: LinkLog;
  readonly metrics: LinkMetrics;
  readonly clock: Clock;
  readonly instanceId: string;
  /** The lease could not be asked for or renewed; called again while that lasts. */
  readonly onTrouble: (reason: string) => void;
}
