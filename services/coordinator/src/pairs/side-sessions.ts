import type { Side } from '@turnout/core/sides';
import type { Session } from '@turnout/postgres/session';
import { openSession } from '@turnout/postgres/session';
import { sessionName } from '@turnout/core/object-names';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';

/** Sessions that only look: their role name keeps them out of every takeover. */
export async function withSideSessions<T>(
  pair: ResolvedPair,
  work: (sessions: Readonly<Record<Side, Session>>) => Promise<T>,
): Promise<T> {
  const open: Session[] = [];
  try {
    for (const side of ['blue', 'green'] as const) {
      open.push(
        await openSession({
          endpoint: pair[side],
          applicationName: sessionName(0n, 'look', pair.name),
          settings: { statement_timeout: '30000', lock_timeout: '2000' },
        }),
      );
    }
    const [blue, green] = open;
    return await work({ blue: blue!, green: green! });
  } finally {
    await Promise.all(open.map((session) => session.end().catch(() => undefined)));
  }
}
