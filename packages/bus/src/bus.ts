import type { BusTopic, CloudEvent } from '@turnout/contracts/events';

export type EventHandler = (event: CloudEvent) => Promise<void>;

export interface Subscription {
  /** Resolves when events published from now on will arrive; rejects when closed before that. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export interface BusHealth {
  readonly ok: boolean;
  readonly reason: string | null;
}

/**
 * Carries news. It may lose, delay and repeat: nothing that matters depends on it, and no caller waits
 * for it.
 */
export interface Bus {
  /** Queues and returns at once; never rejects. When the queue is full its oldest event is dropped. */
  publish(topic: BusTopic, event: CloudEvent): Promise<void>;
  /** Hands over at once and in order; for senders that keep their own position. Rejects when it cannot. */
  deliver(topic: BusTopic, events: readonly CloudEvent[]): Promise<void>;
  /**
   * Each event goes to one member of each group, at least once; it starts with what comes next. An
   * event whose handler rejects is logged and not repeated.
   */
  subscribe(topic: BusTopic, groupId: string, handler: EventHandler): Promise<Subscription>;
  healthy(): BusHealth;
  close(): Promise<void>;
}

/** What an adapter provides; the queue before it is the same for all. */
export interface Transport {
  send(topic: BusTopic, events: readonly CloudEvent[]): Promise<void>;
  subscribe(topic: BusTopic, groupId: string, handler: EventHandler): Promise<Subscription>;
  healthy(): BusHealth;
  close(): Promise<void>;
}

/** The part of a logger that is needed here. */
export interface BusLogger {
  warn(fields: object, message: string): void;
}

/** One event whose handler failed must not stop those behind it. */
export async function handle(
  handler: EventHandler,
  event: CloudEvent,
  logger: BusLogger,
): Promise<void> {
  try {
    await handler(event);
  } catch (thrown) {
    logger.warn({ err: thrown, type: event.type, pair: event.subject }, 'event was not handled');
  }
}
