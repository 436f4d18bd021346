import { must } from '@turnout/core/assert';
import { isAppError } from '@turnout/core/app-error';
import { fail } from '@turnout/contracts/errors';
import { isConnectionLost, serverFacts, sqlState, tableOf } from '@turnout/postgres/database-error';
import { CancelledSignal } from '@turnout/core/waiting';
import { readServer } from '@turnout/postgres/catalog/server';
import { readTables } from '@turnout/postgres/catalog/tables';
import { REPLICA_ROLE, withSession, type Session } from '@turnout/postgres/session';
import { createSlot, dropSlot, freeSlot } from '@turnout/postgres/slots';
import { TargetSession, type TextRow } from '../apply/target-session.js';
import { linkSessionName, slotOf, type LinkSpec } from '../seed/link-spec.js';
import { publishTables } from '../seed/publish-tables.js';
import { seedLink } from '../seed/seed-link.js';
import { endPredecessors } from '../seed/sql/predecessors.js';
import {
  BLOCK_RANGES_SINCE,
  CHUNK_BYTES,
  inCopyOrder,
  splitByBlocks,
  splitByKey,
  wholeTable,
  type Chunk,
  type CopyTable,
} from './chunks.js';
import type { CopyView } from './copy-view.js';
import { CopyWorker } from './copy-worker.js';
import { claimWorkers, emptyTarget, matchTables } from './prepare-target.js';
import { analyse, COMPLETE, copyWorker, readChunks, recordChunk } from './sql/bookkeeping.js';
import { keyExtent, tableBlocks } from './sql/table-extent.js';

/** Longest wait of the slot's creation for a transaction that is older than it. */
export const SLOT_LOCK_TIMEOUT_MS = 60_000;

export interface RunCopyOptions {
  readonly spec: LinkSpec;
  readonly workers: number;
  /** Whether the link starts open: its source is the writable side. */
  readonly open: boolean;
  readonly view: CopyView;
  readonly signal: AbortSignal;
}

/**
 * Copies the tables of a link under a snapshot that ends exactly where its slot begins. An earlier
 * copy that did not finish is discarded: its snapshot is gone. Done already, it returns at once.
 * @throws TRN2013, TRN2014, TRN2020, TRN3008, TRN3012, TRN3014
 */
export async function runCopy(options: RunCopyOptions): Promise<void> {
  const { spec, signal } = options;
  const target = await TargetSession.open(spec.target, linkSessionName(spec, 'copy'));
  try {
    const applicationName = linkSessionName(spec, 'copy');
    const session = { endpoint: spec.source, applicationName, settings: REPLICA_ROLE };
    await withSession(session, async (source) => {
      const chunks = await target.query(readChunks(spec.link));
      if (chunks.some(({ chunk }) => chunk === COMPLETE)) return;
      await copyAll(options, source, target);
    });
  } catch (thrown) {
    if (signal.aborted) throw new CancelledSignal('copy');
    if (isAppError(thrown) || sqlState(thrown) === null) throw thrown;
    const server = serverFacts(thrown);
    const { sqlstate, message, column, constraint } = server;
    const { link } = spec;
    if (isConnectionLost(thrown)) throw fail('stream_ended', { link, sqlstate, message }, thrown);
    const table = tableOf(server);
    throw fail('copy_failed', { link, table, sqlstate, message, column, constraint }, thrown);
  } finally {
    await target.close();
  }
}

async function copyAll(
  options: RunCopyOptions,
  source: Session,
  target: TargetSession,
): Promise<void> {
  const { spec, workers, open, view, signal } = options;
  const { link } = spec;
  await target.query(endPredecessors(link, spec.leaseEpoch));
  const epochs = await claimWorkers(target, link, workers);
  const tables = await withSession(
    { endpoint: spec.target, applicationName: linkSessionName(spec, 'copy-catalog') },
    async (there) =>
      matchTables(await readTables(source, spec.tables), await readTables(there, spec.tables)),
  );
  await emptyTarget(target, { link, tables, epochs });
  await freeSlot(source, slotOf(spec));
  await dropSlot(source, slotOf(spec));
  await publishTables(source, spec);
  const slot = await createSlot({
    endpoint: spec.source,
    name: slotOf(spec),
    exportSnapshot: true,
    lockTimeoutMs: SLOT_LOCK_TIMEOUT_MS,
    applicationName: linkSessionName(spec, 'slot'),
  });
  try {
    const { consistentLsn } = slot;
    await seedLink(spec, { target, source, consistentLsn, open });
    const snapshot = must(slot.snapshotName, 'the snapshot of a slot that exports one');
    const chunks = inCopyOrder(await planChunks(source, tables));
    view.plan(tables, chunks);
    await copyChunks(options, { chunks, snapshot, epochs });
  } finally {
    await slot.release();
  }
  if (signal.aborted) throw new CancelledSignal('copy');
  for (const table of tables) await target.query(analyse(table));
  const { rows, bytes } = view;
  await target.transaction([recordChunk(link, COMPLETE, { rows, bytes })], { durable: true });
}

async function planChunks(source: Session, tables: readonly CopyTable[]): Promise<Chunk[]> {
  const { version } = await readServer(source);
  const chunks: Chunk[] = [];
  for (const table of tables) {
    if (version >= BLOCK_RANGES_SINCE) {
      const { text, values } = tableBlocks(table);
      const { rows } = await source.query<TextRow>(text, [...values]);
      chunks.push(...splitByBlocks(table, Number(rows[0]?.blocks ?? 0)));
    } else if (table.integerKey !== null && table.bytes > 2 * CHUNK_BYTES) {
      const { text } = keyExtent(table, table.integerKey);
      const { rows } = await source.query<TextRow>(text);
      const [first, last] = [rows[0]?.first, rows[0]?.last];
      chunks.push(
        ...(first && last
          ? splitByKey(table, {
              column: table.integerKey,
              first: BigInt(first),
              last: BigInt(last),
            })
          : wholeTable(table)),
      );
    } else {
      chunks.push(...wholeTable(table));
    }
  }
  return chunks;
}

async function copyChunks(
  { spec, workers, view, signal }: RunCopyOptions,
  {
    chunks,
    snapshot,
    epochs,
  }: { chunks: readonly Chunk[]; snapshot: string; epochs: ReadonlyMap<string, bigint> },
): Promise<void> {
  // The first failure stops the other workers; their errors follow from it and are dropped.
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const rest = [...chunks];
  const count = Math.min(workers, chunks.length);
  const runs = Array.from({ length: count }, async (_, index) => {
    const name = copyWorker(index + 1);
    const epoch = must(epochs.get(name), 'an epoch of a claimed worker');
    const worker = new CopyWorker({ spec, worker: name, epoch, snapshot, signal: all });
    try {
      for (let chunk = rest.shift(); chunk && !all.aborted; chunk = rest.shift()) {
        view.copied(chunk, await worker.copy(chunk));
      }
    } catch (thrown) {
      if (stop.signal.aborted) return;
      stop.abort();
      throw thrown;
    } finally {
      await worker.close();
    }
  });
  const outcomes = await Promise.allSettled(runs);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}
