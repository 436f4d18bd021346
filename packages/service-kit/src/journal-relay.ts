import { JournalRelay } from '@turnout/bus/journal-relay';
import type { ServiceContext } from './context.js';
import type { Service } from './service.js';

const TOPIC = 'events';

/** Hands the journal of every configured pair to the bus. Runs beside the coordinator. */
export function createJournalRelay({ config, store, bus, logger }: ServiceContext): Service {
  const relay = new JournalRelay(
    {
      pairs: async () => Object.keys(config.pairs),
      read: (pair, afterRevision, limit) => store.journal.read(pair, { afterRevision, limit }),
      position: (pair) => store.relay.position(pair, TOPIC),
      advance: (pair, revision) => store.relay.advance(pair, TOPIC, revision),
    },
    bus,
    logger,
  );
  return {
    id: 'journal-relay',
    async run(signal) {
      const unlisten = await store.listen((topic) => {
        if (topic === 'journal') relay.wake();
      });
      try {
        await relay.run(signal);
      } finally {
        await unlisten();
      }
    },
    drain: async () => undefined,
    // News that waits is not ill health: the journal holds it.
    health: () => ({ ok: true, reason: null }),
  };
}
