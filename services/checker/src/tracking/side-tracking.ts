import { otherSide, type Side } from '@turnout/core/sides';
import type { Lsn } from '@turnout/core/lsn';
import { readTables } from '@turnout/postgres/catalog/tables';
import { withSession, type Endpoint } from '@turnout/postgres/session';
import { sideCatalog } from '../units/side-catalog.js';
import { buildUnits, type ComparisonUnit, type Units } from '../units/units.js';
import { startTracker, type Tracker } from './tracker.js';
import { TRACKING_LIMITS, type TrackingLimits } from './tracker-state.js';

/** What of a pair's configuration the checker needs. */
export interface CheckedPair {
  readonly name: string;
  readonly blue: Endpoint;
  readonly green: Endpoint;
  readonly tables: { readonly include: readonly string[]; readonly exclude: readonly string[] };
}

/** The slot waits for transactions that are older than itself; longer than this is an error. */
const SLOT_LOCK_TIMEOUT_MS = 60_000;

/** A tracker with what is compared in its direction: from its side to the other. */
export interface SideTracking {
  readonly side: Side;
  readonly tracker: Tracker;
  readonly units: Units;
  readonly unitsByName: ReadonlyMap<string, ComparisonUnit>;
}

export interface OpenTrackingOptions {
  readonly pair: CheckedPair;
  readonly side: Side;
  readonly applicationName: string;
  readonly inherited: { readonly base: string; readonly horizonLsn: Lsn } | null;
  readonly limits?: TrackingLimits | undefined;
}

export async function openTracking(options: OpenTrackingOptions): Promise<SideTracking> {
  const { pair, side, applicationName, inherited, limits = TRACKING_LIMITS } = options;
  const units = await readUnits(pair, side, applicationName);
  const tracker = await startTracker({
    pair: pair.name,
    side,
    endpoint: pair[side],
    applicationName,
    tables: units.tracked,
    limits,
    slotLockTimeoutMs: SLOT_LOCK_TIMEOUT_MS,
    inherited,
  });
  const unitsByName = new Map(units.units.map((unit) => [unit.name, unit]));
  return { side, tracker, units, unitsByName };
}

/** Reads both catalogs as they are now. */
export async function readUnits(
  pair: CheckedPair,
  source: Side,
  applicationName: string,
): Promise<Units> {
  const read = (side: Side) =>
    withSession({ endpoint: pair[side], applicationName }, (session) =>
      readTables(session, pair.tables),
    );
  const [own, other] = await Promise.all([read(source), read(otherSide(source))]);
  return buildUnits(sideCatalog(own), sideCatalog(other));
}

/** Fingerprint of what is compared; another one means that the tracker was built for other tables. */
export function unitsFingerprint({ units, refusals, tracked }: Units): string {
  const shapes = units.map(({ name, key, source, target }) => [name, key, source, target]);
  return JSON.stringify([shapes, refusals, [...tracked]]);
}
