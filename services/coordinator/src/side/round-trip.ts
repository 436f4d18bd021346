import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { readMarker, writeNumberedMarker } from './sql/side-sql.js';

export interface MarkerRoute {
  readonly side: Side;
  readonly written: Session;
  readonly seen: Session;
}

/**
 * Writes a numbered marker on one side and waits until the other has it, or a later one: what a link
 * delivers, measured by delivering. Two that measure at a time do not disturb each other.
 * @returns milliseconds from write to sight, by the clock of this process
 * @throws TRN5009
 */
export async function sendMarker(
  { side, written, seen }: MarkerRoute,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<number> {
  const startedMs = performance.now();
  const [row] = await ask(written, writeNumberedMarker(side, 'roundtrip'));
  const number = row?.['token'];
  if (number == null) throw fail('drain_timed_out', { reason: 'marker row is missing', side });
  await waitUntil(
    async () => {
      const [found] = await ask(seen, readMarker(side, 'roundtrip'));
      return isAtLeast(found?.['token'] ?? null, number) ? true : undefined;
    },
    {
      timeoutMs,
      intervalMs: 2,
      signal,
      onTimeout: () => fail('drain_timed_out', { side, timeout_ms: Math.round(timeoutMs) }),
    },
  );
  return performance.now() - startedMs;
}

function isAtLeast(token: string | null, number: string): boolean {
  return token !== null && /^\d+$/.test(token) && BigInt(token) >= BigInt(number);
}
