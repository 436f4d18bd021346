import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PairRuntime } from '../runtime.js';
import { eventView } from './views.js';

const BATCH = 200;
const HEARTBEAT_MS = 15_000;
/** The notification wakes; this poll guarantees. */
const POLL_MS = 1_000;

export function wantsStream(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').includes('text/event-stream');
}

/**
 * Sends the journal as it grows. Ids are revisions, so a client that comes back with Last-Event-ID
 * misses nothing and sees nothing twice.
 */
export async function sendStream(
  runtime: PairRuntime,
  request: FastifyRequest,
  reply: FastifyReply,
  since: number,
): Promise<FastifyReply> {
  const { store, pair } = runtime.context;
  const lastId = Number(request.headers['last-event-id'] ?? since);
  let revision = Number.isInteger(lastId) && lastId >= 0 ? lastId : since;
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    connection: 'keep-alive',
  });
  let sending = false;
  const send = async (): Promise<void> => {
    if (sending || raw.destroyed) return;
    sending = true;
    try {
      for (;;) {
        const entries = await store.journal.read(pair.name, {
          afterRevision: revision,
          limit: BATCH,
        });
        for (const entry of entries) {
          revision = entry.revision;
          raw.write(
            `id: ${entry.revision}\nevent: ${entry.type}\ndata: ${JSON.stringify(eventView(entry))}\n\n`,
          );
        }
        if (entries.length < BATCH) return;
      }
    } catch {
      raw.end();
    } finally {
      sending = false;
    }
  };
  const off = runtime.onJournal(() => void send());
  const poll = setInterval(() => void send(), POLL_MS);
  const beat = setInterval(() => raw.write(': alive\n\n'), HEARTBEAT_MS);
  const end = (): void => {
    off();
    clearInterval(poll);
    clearInterval(beat);
    runtime.streams.delete(raw);
  };
  runtime.streams.add(raw);
  raw.on('close', end);
  await send();
  return reply;
}
