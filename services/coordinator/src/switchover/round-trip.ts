import { randomUUID } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { readMarker, writeMarker } from './sql/side-sql.js';

export interface MarkerRoute {
  readonly side: Side;
  readonly kind: 'roundtrip' | 'drain';
  readonly written: Session;
  readonly seen: Session;
}

/**
 * Writes a marker on one side and waits until the other has it: what a link delivers, measured by
 * delivering. @returns milliseconds from write to sight
 * @throws TRN5009
 */
export async function sendMarker(
  { side, kind, written, seen }: MarkerRoute,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<number> {
  const token = randomUUID();
  const startedMs = performance.now();
  const done = await ask(written, writeMarker(side, kind, token));
  if (done.length === 0) throw fail('drain_timed_out', { reason: 'marker row is missing', side });
  await waitUntil(
    async () => {
      const [row] = await ask(seen, readMarker(side, kind));
      return row?.['token'] === token ? true : undefined;
    },
    {
      timeoutMs,
      intervalMs: 2,
      signal,
      onTimeout: () => fail('drain_timed_out', { side, kind, timeout_ms: Math.round(timeoutMs) }),
    },
  );
  return performance.now() - startedMs;
}
