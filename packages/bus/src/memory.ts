import type { BusTopic, CloudEvent } from '@turnout/contracts/events';
import {
  handle,
  type BusHealth,
  type BusLogger,
  type EventHandler,
  type Subscription,
  type Transport,
} from './bus.js';

/** Events that wait for a group at most; beyond, the oldest go. */
const PENDING_MAX = 1_000;

interface Group {
  readonly members: Set<EventHandler>;
  readonly pending: CloudEvent[];
  working: Promise<void> | null;
}

/** Within one process, for tests and `serve` without a broker. */
export class MemoryTransport implements Transport {
  readonly #groups = new Map<string, Group>();
  readonly #logger: BusLogger;

  constructor(logger: BusLogger) {
    this.#logger = logger;
  }

  async send(topic: BusTopic, events: readonly CloudEvent[]): Promise<void> {
    for (const [key, group] of this.#groups) {
      if (!key.startsWith(`${topic} `)) continue;
      group.pending.push(...events);
      group.pending.splice(0, Math.max(0, group.pending.length - PENDING_MAX));
      group.working ??= this.#work(group);
    }
  }

  async subscribe(topic: BusTopic, groupId: string, handler: EventHandler): Promise<Subscription> {
    const key = `${topic} ${groupId}`;
    const group = this.#groups.get(key) ?? { members: new Set(), pending: [], working: null };
    this.#groups.set(key, group);
    group.members.add(handler);
    return {
      ready: Promise.resolve(),
      close: async () => {
        group.members.delete(handler);
        if (group.members.size === 0) this.#groups.delete(key);
        await group.working;
      },
    };
  }

  healthy(): BusHealth {
    return { ok: true, reason: null };
  }

  async close(): Promise<void> {
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    for (const group of groups) {
      group.members.clear();
      await group.working;
    }
  }

  async #work(group: Group): Promise<void> {
    await Promise.resolve();
    for (let event = group.pending.shift(); event; event = group.pending.shift()) {
      const [member] = group.members;
      if (!member) break;
      await handle(member, event, this.#logger);
    }
    group.working = null;
  }
}
