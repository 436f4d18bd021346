import { isAppError } from '@turnout/core/app-error';
import { backoffMs } from '@turnout/core/backoff';
import { pause } from '@turnout/core/waiting';
import type { HttpClient } from './http-client.js';
import { SseParser, type SseMessage } from './sse-parser.js';

const RECONNECT = { firstMs: 200, maxMs: 5_000 } as const;
/** The server sends a heartbeat well within this; a stream that is silent longer is half-open. */
const SILENCE_MAX_MS = 60_000;

export interface EventStreamOptions {
  readonly path: string;
  readonly signal: AbortSignal;
  /** Last id already seen; the stream continues behind it. */
  readonly lastEventId?: string | undefined;
  readonly onReconnect?: ((reason: string) => void) | undefined;
}

/**
 * Messages of a server-sent stream, across lost connections: it comes back with `Last-Event-ID`, so
 * nothing is skipped or repeated. Ends when `signal` aborts; a refusal (4xx) is thrown.
 */
export async function* readEvents(
  client: HttpClient,
  { path, signal, lastEventId, onReconnect }: EventStreamOptions,
): AsyncGenerator<SseMessage> {
  let last = lastEventId;
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const message of readOnce(client, path, last, signal)) {
        failures = 0;
        last = message.id ?? last;
        yield message;
      }
      onReconnect?.('the stream ended');
    } catch (thrown) {
      if (signal.aborted) return;
      if (isAppError(thrown) && thrown.entry.http < 500) throw thrown;
      onReconnect?.(thrown instanceof Error ? thrown.message : String(thrown));
    }
    failures += 1;
    await pause(backoffMs(failures, RECONNECT), signal).catch(() => undefined);
  }
}

async function* readOnce(
  client: HttpClient,
  path: string,
  last: string | undefined,
  outer: AbortSignal,
): AsyncGenerator<SseMessage> {
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
  try {
    const response = await client.open(path, {
      signal: AbortSignal.any([outer, silence.signal]),
      headers: {
        accept: 'text/event-stream',
        ...(last === undefined ? {} : { 'last-event-id': last }),
      },
    });
    if (response.body === null) return;
    const parser = new SseParser();
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      watch.refresh();
      yield* parser.push(decoder.decode(chunk as Uint8Array, { stream: true }));
    }
  } finally {
    clearTimeout(watch);
  }
}
