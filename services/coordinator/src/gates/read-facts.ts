import { isAppError } from '@turnout/core/app-error';
import { directionFrom, otherSide, SIDES, type Side } from '@turnout/core/sides';
import type { GateFacts } from '@turnout/machine/gates';
import type { Session } from '@turnout/postgres/session';
import { silentGating } from '@turnout/traffic/gating';
import type { PairContext } from '../context.js';
import { sendMarker } from '../side/round-trip.js';
import { readSchemaView, type SchemaView } from '../side/schema-view.js';
import { awaitStandbys } from '../side/standbys.js';
import { countLeaks } from '../leaks/count-leaks.js';
import { oldestWriter, preparedNames } from './sql/gate-sql.js';
import { missingWords, neededToSwitch, readWorkers } from './workers.js';

export interface FactSources {
  readonly context: PairContext;
  readonly control: Readonly<Record<Side, Session>>;
  /** The writable side. */
  readonly from: Side;
}

export interface Facts {
  readonly facts: GateFacts;
  readonly schema: SchemaView | null;
}

const PROBE_DEADLINE_MS = 2_000;

/** A fact that cannot be read is unknown, whatever the reason; its gate closes and says so. */
async function known<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}

async function readOldestWriter(session: Session): Promise<GateFacts['oldestWriter']> {
  const { rows } = await session.query<{ ms: string; pid: string; name: string }>(oldestWriter);
  const [row] = rows;
  if (!row) return { ms: 0, session: null };
  return { ms: Number(row.ms), session: `pid ${row.pid}${row.name && ` (${row.name})`}` };
}

async function readPrepared(session: Session): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(preparedNames);
  return rows.map(({ name }) => name);
}

/** Lag as a delivery: how long a marker written now takes to be applied. */
async function measureLag({ context, control, from }: FactSources): Promise<number> {
  return sendMarker(
    { side: from, written: control[from], seen: control[otherSide(from)] },
    context.pair.gates.lagMaxMs * 2,
  );
}

/** A proof made before a side was replaced says nothing about the server that is there now. */
async function verifiedAgo({ context }: FactSources): Promise<number | null> {
  const { store, pair, clock } = context;
  const check = await store.checks.last(pair.name, 'full');
  if (check?.outcome !== 'equal' || check.finishedAt == null) return null;
  const finishedMs = Date.parse(check.finishedAt);
  const { identities } = await store.notes.get(pair.name);
  const voided = SIDES.some((side) => {
    const seen = identities[side];
    return seen?.changed === true && Date.parse(seen.since) > finishedMs;
  });
  return voided ? null : Math.max(0, clock.nowMs() - finishedMs);
}

async function missingWorkers({ context, from }: FactSources): Promise<string[]> {
  const { store, pair, clock } = context;
  const needed = neededToSwitch(pair.name, from);
  const workers = await readWorkers(store, pair.name);
  return workers
    .filter(({ name, holder }) => holder === null && needed.includes(name))
    .map((worker) => `${missingWords(worker, clock.nowMs())}: ${worker.remedy}`);
}

/** Standbys that count follow within the wait, on both sides; why not, in words, or none. */
async function standbysBehind({ context, control }: FactSources): Promise<string[]> {
  const { standbys: policy, window } = context.pair;
  const reasons = await Promise.all(
    SIDES.map(async (side) => {
      const wait = { side, policy, timeoutMs: window.standbyWaitMs };
      try {
        await awaitStandbys(control[side], wait);
        return null;
      } catch (thrown) {
        if (!isAppError(thrown)) throw thrown;
        return `${side}: ${String(thrown.facts['standbys'] ?? thrown.entry.title)}`;
      }
    }),
  );
  return reasons.filter((reason) => reason !== null);
}

/** A link that failed says at what: its code, object and the server's words. */
function linkWords({
  state,
  message,
}: {
  state: string;
  message?: string | null | undefined;
}): string {
  return state === 'failed' && message != null ? `failed: ${message}` : state;
}

/** Reads every fact a gate looks at, now and from the databases themselves. */
export async function readFacts(sources: FactSources): Promise<Facts> {
  const { context, control, from } = sources;
  const { pair, store, routes } = context;
  const link = await known(() => store.links.get(pair.name, directionFrom(from)));
  const missing = await known(() => missingWorkers(sources));
  const [lagMs, verifiedAgoMs, openDifferences, schema, silent] = await Promise.all([
    known(() => measureLag(sources)),
    known(() => verifiedAgo(sources)),
    known(() => store.checks.openDifferences(pair.name)),
    known(() => readSchemaView(control, pair, from)),
    known(async () => silentGating(await routes.probe({ deadlineMs: PROBE_DEADLINE_MS }))),
  ]);
  const facts: GateFacts = {
    lagMs,
    linkState: link?.observed ? linkWords(link.observed) : null,
    verifiedAgoMs,
    openDifferences,
    openLeaks: await known(() => countLeaks(control)),
    oldestWriter: await known(() => readOldestWriter(control[from])),
    preparedTransactions: await known(() => readPrepared(control[from])),
    schemaDifferences: schema && schema.differences,
    poolersSilent: silent,
    workersMissing: missing,
    standbysBehind: await known(() => standbysBehind(sources)),
  };
  return { facts, schema };
}
