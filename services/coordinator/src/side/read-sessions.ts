import { fail } from '@turnout/contracts/errors';
import { sessionName } from '@turnout/core/object-names';
import { SIDES, type Side } from '@turnout/core/sides';
import { pause } from '@turnout/core/waiting';
import { destroySession, openSession, type Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';

/** Of all that is asked for by hand (preflight, plan) this many look at a side at a time. */
const READERS_MAX = 2;
const TURN_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 31_000;

const readers = new WeakMap<ResolvedPair, number>();

/**
 * Sessions that only look, one on each side. A side sees no more of them than `READERS_MAX`, however
 * many ask: who gets no turn in time is told so instead of taking a session from the clients.
 * @throws TRN2001, TRN5023 when no turn came
 */
export async function withSideSessions<T>(
  pair: ResolvedPair,
  work: (sessions: Readonly<Record<Side, Session>>) => Promise<T>,
): Promise<T> {
  await takeTurn(pair);
  const open: Session[] = [];
  try {
    for (const side of SIDES) {
      open.push(
        await openSession({
          endpoint: pair[side],
          applicationName: sessionName(0n, 'look', pair.name),
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          queryTimeoutMs: QUERY_TIMEOUT_MS,
          settings: { statement_timeout: '30000', lock_timeout: '2000' },
        }),
      );
    }
    const [blue, green] = open;
    return await work({ blue: blue!, green: green! });
  } finally {
    for (const session of open) destroySession(session);
    readers.set(pair, (readers.get(pair) ?? 1) - 1);
  }
}

async function takeTurn(pair: ResolvedPair): Promise<void> {
  const deadlineMs = performance.now() + TURN_TIMEOUT_MS;
  while ((readers.get(pair) ?? 0) >= READERS_MAX) {
    if (performance.now() > deadlineMs) {
      throw fail('step_timed_out', { reason: 'others look at the sides', readers: READERS_MAX });
    }
    await pause(20);
  }
  readers.set(pair, (readers.get(pair) ?? 0) + 1);
}
