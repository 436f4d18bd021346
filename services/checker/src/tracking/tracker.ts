import { objectName } from '@turnout/core/object-names';
import type { Lsn } from '@turnout/core/lsn';
import { deferred } from '@turnout/core/waiting';
import type { Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { dropPublication, ensurePublication } from '@turnout/postgres/publications';
import {
  endSession,
  openSession,
  REPLICA_ROLE,
  withSession,
  type Endpoint,
  type Session,
} from '@turnout/postgres/session';
import { createSlot, dropSlot, freeSlot, readSlot } from '@turnout/postgres/slots';
import type { ChangeStream } from '@turnout/postgres/stream/change-stream';
import { openStream } from '@turnout/postgres/stream/open-stream';
import { parseSnapshot } from '../snapshots/snapshot.js';
import { ChangeReader } from './change-reader.js';
import type { TrackedTable } from '../units/relation-keys.js';
import { TrackerState, type TrackingLimits } from './tracker-state.js';

export interface TrackerOptions {
  readonly pair: string;
  readonly side: Side;
  readonly endpoint: Endpoint;
  /** Carries the epoch of the holder, so that a successor can end these sessions. */
  readonly applicationName: string;
  readonly tables: ReadonlyMap<string, TrackedTable>;
  readonly limits: TrackingLimits;
  readonly slotLockTimeoutMs: number;
  /** What an earlier process had reported before it acknowledged anything. */
  readonly inherited: { readonly base: string; readonly horizonLsn: Lsn } | null;
}

/** One reader of one side: slot, stream and what it has learnt. It ends once and is replaced. */
export class Tracker {
  readonly side: Side;
  readonly tables: ReadonlyMap<string, TrackedTable>;
  readonly state: TrackerState;
  /** Only what committed from here on was read. */
  readonly floorLsn: Lsn;
  /** Transactions below it may have committed before the slot began: they must have ended. */
  readonly floorXid: bigint;
  /** Rejects when the reader can no longer be trusted; resolves after `close`. */
  readonly ended: Promise<void>;
  readonly #reader: ChangeReader;
  readonly #stream: ChangeStream;

  constructor(parts: {
    options: TrackerOptions;
    floor: { lsn: Lsn; xid: bigint };
    state: TrackerState;
    reader: ChangeReader;
    stream: ChangeStream;
    ended: Promise<void>;
  }) {
    this.side = parts.options.side;
    this.tables = parts.options.tables;
    this.state = parts.state;
    this.floorLsn = parts.floor.lsn;
    this.floorXid = parts.floor.xid;
    this.ended = parts.ended;
    this.#reader = parts.reader;
    this.#stream = parts.stream;
  }

  get consumedLsn(): Lsn {
    return this.#reader.consumedLsn;
  }

  /** Position a restart may begin at: everything before it is proven or not needed. */
  get horizonLsn(): Lsn {
    return this.state.oldestNeededLsn ?? this.consumedLsn;
  }

  expectMarker(token: string): Promise<void> {
    return this.#reader.expectMarker(token);
  }

  forgetMarker(token: string): void {
    this.#reader.forgetMarker(token);
  }

  /** Only after `horizonLsn` was reported to the store; a restart compares the two. */
  acknowledge(horizonLsn: Lsn): void {
    this.#stream.acknowledge(horizonLsn);
  }

  async close(): Promise<void> {
    await this.#stream.close();
  }
}

/** Publication, slot and stream of `side`; an existing slot is continued. */
export async function startTracker(options: TrackerOptions): Promise<Tracker> {
  const { pair, side, endpoint, applicationName, limits, tables } = options;
  const session = await openSession({ endpoint, applicationName, settings: REPLICA_ROLE });
  try {
    const floor = await prepareSlot(session, options);
    const state = new TrackerState(limits);
    if (floor.base) state.setBase(floor.base);
    const overflow = deferred();
    const reader = new ChangeReader({
      startLsn: floor.lsn,
      side,
      lookup: (schema, name) => tables.get(`${schema}.${name}`),
      transactionKeysMax: limits.transactionKeysMax,
      onTransaction: (transaction) => {
        if (!state.take(transaction))
          overflow.reject(fail('check_inconclusive', { reason: 'tracking_overflow' }));
      },
    });
    const stream = await openStream({
      endpoint,
      slot: objectName(pair, 'check'),
      publication: objectName(pair, 'check'),
      startLsn: floor.lsn,
      applicationName,
      onMessage: (message) => reader.onMessage(message),
      onKeepalive: (walEnd) => reader.onKeepalive(walEnd),
    });
    const ended = Promise.race([stream.ended, overflow.promise]).finally(() =>
      reader.fail(fail('check_inconclusive', { reason: 'tracking_ended' })),
    );
    ended.catch(() => undefined);
    return new Tracker({ options, floor, state, reader, stream, ended });
  } finally {
    await endSession(session);
  }
}

/** Drops slot and publication of a side; no tracker of it may be running. */
export async function dropTracking(
  pair: string,
  endpoint: Endpoint,
  applicationName: string,
): Promise<void> {
  await withSession({ endpoint, applicationName, settings: REPLICA_ROLE }, async (session) => {
    const name = objectName(pair, 'check');
    if (await readSlot(session, name)) {
      await freeSlot(session, name);
      await dropSlot(session, name);
    }
    await dropPublication(session, name);
  });
}

interface Floor {
  readonly lsn: Lsn;
  readonly xid: bigint;
  readonly base: string | null;
}

async function prepareSlot(
  session: Session,
  { pair, endpoint, applicationName, tables, inherited, slotLockTimeoutMs }: TrackerOptions,
): Promise<Floor> {
  const name = objectName(pair, 'check');
  const published = [...tables.values(), { schema: 'turnout', name: 'marker' }];
  const existing = await readSlot(session, name);
  const confirmedLsn = existing?.confirmedFlushLsn ?? null;
  // Continued only when nothing was skipped since the base; otherwise a new slot costs nothing.
  if (existing && confirmedLsn !== null && inherited && confirmedLsn <= inherited.horizonLsn) {
    await freeSlot(session, name);
    return { lsn: confirmedLsn, xid: 0n, base: inherited.base };
  }
  if (existing) {
    await freeSlot(session, name);
    await dropSlot(session, name);
  }
  // The publication first: what commits between the two would otherwise be in neither.
  await ensurePublication(session, name, published, { viaRoot: false });
  const slot = await createSlot({
    endpoint,
    name,
    exportSnapshot: false,
    lockTimeoutMs: slotLockTimeoutMs,
    applicationName,
  });
  await slot.release();
  const { rows } = await session.query<{ snapshot: string }>(
    /* sql */ `select pg_current_snapshot()::text as snapshot`,
  );
  const { xmax } = parseSnapshot(rows[0]!.snapshot);
  return { lsn: slot.consistentLsn, xid: xmax, base: null };
}
