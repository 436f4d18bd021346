import type { Clock } from '@turnout/core/clock';
import { CancelledSignal, isCancelled } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import { endSession, openSession, type Session } from '@turnout/postgres/session';
import type { ChangeStream } from '@turnout/postgres/stream/change-stream';
import { openStream } from '@turnout/postgres/stream/open-stream';
import { Applier, type ApplyObserver } from '../apply/applier.js';
import { classified } from '../apply/apply-failure.js';
import type { GroupLimits } from '../apply/group.js';
import { FlushTracker } from '../apply/flush-tracker.js';
import { ProgressKeeper } from '../apply/progress-keeper.js';
import { TargetCatalog } from '../apply/target-catalog.js';
import { TargetSession } from '../apply/target-session.js';
import { Assembler } from '../stream/assembler.js';
import { ItemQueue } from '../stream/item-queue.js';
import { MemoryMeter } from '../stream/memory-meter.js';
import { linkSessionName, slotOf, type LinkSpec } from '../seed/link-spec.js';
import { startLink, type LinkStart } from './start-link.js';

export interface LinkLimits extends GroupLimits {
  /** Bytes received and not yet applied. */
  readonly memoryBytesMax: number;
}

/** Where the parts of a running link can be looked at. */
export interface RunningLink {
  readonly progress: ProgressKeeper;
  readonly flushTracker: FlushTracker;
  readonly assembler: Assembler;
}

export interface RunLinkOptions {
  readonly spec: LinkSpec;
  readonly limits: LinkLimits;
  readonly clock: Clock;
  readonly observer: ApplyObserver;
  /** The link was taken and its stream is open. */
  readonly onStreaming: (running: RunningLink) => void;
  readonly signal: AbortSignal;
}

/** A transaction beyond this share of the memory is streamed through instead of collected. */
const LARGE_SHARE = 0.25;

/**
 * Runs one link from start to end: take it, prove the slot, stream and apply. Resolves false when
 * the link was never seeded; rejects with `CancelledSignal` once `signal` aborts.
 * @throws TRN3001 and TRN2001 (pass by themselves), TRN3002 to TRN3011, TRN3015
 */
export async function runLink(options: RunLinkOptions): Promise<false> {
  const { spec, signal } = options;
  if (signal.aborted) throw new CancelledSignal('link');
  const target = await TargetSession.open(spec.target, linkSessionName(spec, 'apply'));
  // A session that waits for a row would outlive its worker: it is cut when the worker stops.
  const onAbort = (): void => void target.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const start = await withSource(spec, (source) => startLink(spec, { target, source }));
    if (!start) return false;
    return await follow(options, target, start);
  } catch (thrown) {
    if (signal.aborted && !isCancelled(thrown)) throw new CancelledSignal('link');
    throw classified(thrown, spec.link);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await target.close();
  }
}

async function withSource<T>(spec: LinkSpec, work: (session: Session) => Promise<T>): Promise<T> {
  const applicationName = linkSessionName(spec, 'source');
  const session = await openSession({ endpoint: spec.source, applicationName });
  try {
    return await work(session);
  } finally {
    await endSession(session);
  }
}

async function follow(
  { spec, limits, clock, observer, onStreaming, signal }: RunLinkOptions,
  target: TargetSession,
  start: LinkStart,
): Promise<false> {
  const queue = new ItemQueue();
  const meter = new MemoryMeter(limits.memoryBytesMax);
  const largeBytes = limits.memoryBytesMax * LARGE_SHARE;
  const assembler = new Assembler({ queue, meter, largeBytes, clock });
  const progress = new ProgressKeeper(spec.link, target, start.progress);
  let stream: ChangeStream | null = null;
  const flushTracker = new FlushTracker({
    target,
    progress,
    flushLsn: start.startLsn,
    clock,
    acknowledge: (lsn) => stream?.acknowledge(lsn),
  });
  const onAbort = (): void => assembler.fail(new CancelledSignal('link'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    stream = await openStream({
      endpoint: spec.source,
      slot: slotOf(spec),
      publication: slotOf(spec),
      startLsn: start.startLsn,
      applicationName: linkSessionName(spec, 'stream'),
      onMessage: (message, bytes) => assembler.onMessage(message, bytes),
      onKeepalive: (walEnd) => assembler.onKeepalive(walEnd),
    });
    meter.connect(stream);
    stream.ended.then(
      () => assembler.fail(fail('stream_ended', { slot: slotOf(spec), reason: 'closed' })),
      (thrown: unknown) => assembler.fail(thrown),
    );
    onStreaming({ progress, flushTracker, assembler });
    const catalog = new TargetCatalog(target);
    const applier = new Applier({
      target,
      catalog,
      progress,
      flushTracker,
      queue,
      meter,
      limits,
      observer,
    });
    return await applier.run(signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await stream?.close();
  }
}
