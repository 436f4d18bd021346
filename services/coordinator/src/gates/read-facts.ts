import { directionFrom, otherSide, type Side } from '@turnout/core/sides';
import type { GateFacts } from '@turnout/machine/gates';
import type { Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import type { Store } from '@turnout/store/store';
import type { Routes } from '@turnout/traffic/routes';
import { countLeaks } from './leaks.js';
import { sendMarker } from '../switchover/round-trip.js';
import { compareSides, readSideSchema } from '../side/schema-freeze.js';
import { oldestWriterMs, preparedCount } from './sql/gate-sql.js';

export interface FactSources {
  readonly pair: ResolvedPair;
  readonly store: Store;
  readonly routes: Routes;
  readonly control: Readonly<Record<Side, Session>>;
  /** The writable side. */
  readonly from: Side;
  readonly nowMs: number;
}

/** A fact that cannot be read is unknown, whatever the reason; its gate closes and says so. */
async function known<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}

async function number(session: Session, text: string, column: string): Promise<number> {
  const { rows } = await session.query<Record<string, string>>(text);
  return Number(rows[0]?.[column]);
}

/** Lag as a delivery: how long a marker written now takes to be applied. */
async function measureLag({ pair, control, from }: FactSources): Promise<number> {
  return sendMarker(
    { side: from, kind: 'roundtrip', written: control[from], seen: control[otherSide(from)] },
    pair.gates.lagMaxMs * 2,
  );
}

async function verifiedAgo({ store, pair, nowMs }: FactSources): Promise<number | null> {
  const check = await store.checks.last(pair.name, 'full');
  if (check?.outcome !== 'equal' || check.finishedAt == null) return null;
  return Math.max(0, nowMs - Date.parse(check.finishedAt));
}

async function schemaMatches({ pair, control, from }: FactSources): Promise<boolean> {
  const to = otherSide(from);
  const [source, target] = await Promise.all([
    readSideSchema(control[from], pair),
    readSideSchema(control[to], pair),
  ]);
  return compareSides(source, target, { from, to }).every(({ found }) => found === 'unguarded');
}

/** Reads every fact a gate looks at, now and from the databases themselves. */
export async function readFacts(sources: FactSources): Promise<GateFacts> {
  const { pair, store, routes, control, from } = sources;
  const link = await known(() => store.links.get(pair.name, directionFrom(from)));
  const [lagMs, verifiedAgoMs, openDifferences, matches, poolers] = await Promise.all([
    known(() => measureLag(sources)),
    known(() => verifiedAgo(sources)),
    known(() => store.checks.openDifferences(pair.name)),
    known(() => schemaMatches(sources)),
    known(() => routes.probe()),
  ]);
  return {
    lagMs,
    linkState: link?.observed?.state ?? null,
    verifiedAgoMs,
    openDifferences,
    openLeaks: await known(() => countLeaks(control)),
    oldestWriterMs: await known(() => number(control[from], oldestWriterMs, 'ms')),
    preparedTransactions: await known(() => number(control[from], preparedCount, 'count')),
    schemaMatches: matches,
    poolersReachable: poolers && poolers.every(({ leads }) => leads !== 'unknown'),
    poolersSilent: poolers?.filter(({ leads }) => leads === 'unknown').map(({ route }) => route),
  };
}
