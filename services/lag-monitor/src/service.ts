import { LINK_PROGRESSED, type LinkProgressed } from '@turnout/contracts/events';
import { isCancelled, pause } from '@turnout/core/waiting';
import { DIRECTIONS } from '@turnout/core/sides';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { Service } from '@turnout/service-kit/service';
import { readingOf } from './lag-calculation.js';
import { LinkLag } from './link-lag.js';

const HEARTBEAT_MS = 1_000;
const STREAMING_STATES: ReadonlySet<string> = new Set(['streaming', 'watching']);

/** Writes heartbeats, turns link events into lag, and tells it: events, gauges, control store. */
export function createLagMonitor(context: ServiceContext): Service {
  const links = new Map<string, LinkLag>();
  let reason: string | null = null;

  for (const pair of Object.values(context.config.pairs)) {
    for (const direction of DIRECTIONS) {
      links.set(`${pair.pair}/${direction}`, new LinkLag(context, pair, direction));
    }
  }

  async function rounds(): Promise<void> {
    for (const pair of Object.values(context.config.pairs)) {
      for (const link of await context.store.links.list(pair.pair)) {
        if (!STREAMING_STATES.has(link.observed?.state ?? '')) continue;
        await links.get(`${pair.pair}/${link.direction}`)?.round();
      }
    }
  }

  return {
    id: 'lag-monitor',
    async run(signal) {
      const subscription = await context.bus.subscribe('links', 'lag-monitor', async (event) => {
        if (event.type !== LINK_PROGRESSED) return;
        const data = event.data as unknown as LinkProgressed;
        const link = links.get(`${event.subject}/${data.direction}`);
        link?.take(readingOf(data, context.clock.nowMs()));
      });
      try {
        while (!signal.aborted) {
          try {
            await rounds();
            reason = null;
          } catch (thrown) {
            // A side that is away for a moment is shown by the age of its lag, not by an end of this.
            reason = 'a side or the control store does not answer';
            context.logger.warn({ err: thrown }, 'lag could not be measured');
          }
          await pause(HEARTBEAT_MS, signal);
        }
      } catch (thrown) {
        if (!isCancelled(thrown)) throw thrown;
      } finally {
        await subscription.close();
        await Promise.all([...links.values()].map((link) => link.close()));
      }
    },
    drain: async () => undefined,
    health: () => ({ ok: reason === null, reason }),
  };
}
