import { isError } from '@turnout/contracts/errors';
import { objectName } from '@turnout/core/object-names';
import { deferred, pause, within, type Deferred } from '@turnout/core/waiting';
import { whileHolding, WORKER_TTL_MS, type HeldLease } from '@turnout/store/held-lease';
import type { LinkRow } from '@turnout/store/links';
import { LEASE_ANSWER_MS_MAX, LinkActivity } from './link/link-activity.js';
import { failureOf, LinkReporter } from './link/link-reporter.js';
import { LinkStatus } from './link/link-status.js';
import type { LinkContext } from './replicator-context.js';

/** A notification may be lost; the desired state is read this late then. */
const POLL_INTERVAL_MS = 1_000;

/** Waits for the notification, at most `ms`; the timer does not outlive it. */
async function orAfter(notified: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  try {
    await Promise.race([notified, pause(ms, AbortSignal.any([signal, done.signal]))]);
  } finally {
    done.abort();
  }
}

/** Tells one desired state apart from an earlier one that wanted the same. */
function specOf({ desired, generation }: LinkRow): string {
  return `${desired}/${generation}`;
}

interface RunningActivity {
  /** The desired state it works towards. */
  spec: string;
  readonly controller: AbortController;
  done: Promise<void>;
}

/** Holds the lease of one link and reconciles its desired state with what it does. */
export class LinkWorker {
  readonly #context: LinkContext;
  readonly #status: LinkStatus;
  readonly #reporter: LinkReporter;
  #desired: LinkRow | null = null;
  #notified: Deferred<void> = deferred();
  #desiredRead: Deferred<void> = deferred();
  #activity: RunningActivity | null = null;
  /** Not tried again by itself: only a desired state of a later generation is. */
  #failedSpec: string | null = null;
  #superseded = false;

  constructor(context: LinkContext) {
    this.#context = context;
    const slot = objectName(context.settings.name, context.link);
    this.#status = new LinkStatus(context.link, slot);
    this.#reporter = new LinkReporter(context, this.#status);
  }

  get name(): string {
    return `link/${this.#context.settings.name}/${this.#context.link}`;
  }

  /** Something changed in the store: look now. */
  wake(): void {
    this.#notified.resolve();
  }

  /** Runs until `signal` aborts; whatever goes wrong in between is tried again. */
  run(signal: AbortSignal): Promise<void> {
    const { store, instanceId, clock, metrics, log, onTrouble } = this.#context;
    return whileHolding(
      store.leases,
      {
        name: this.name,
        holder: instanceId,
        ttlMs: WORKER_TTL_MS,
        clock,
        outage: 'go_on',
        onHeld: (held) => metrics.leaseHeld(this.name, held),
        onTrouble: (thrown) => {
          onTrouble(`${this.name}: ${failureOf(thrown).message}`);
          log.warn({ worker: this.name, err: thrown }, 'link worker');
        },
      },
      signal,
      (lease) => this.#reconcile(lease),
    );
  }

  async #reconcile(lease: HeldLease): Promise<void> {
    const signal = lease.lost;
    const { store, settings, link } = this.#context;
    this.#superseded = false;
    this.#failedSpec = null;
    this.#reporter.start();
    try {
      while (!signal.aborted && !this.#superseded) {
        this.#notified = deferred();
        // The store may be away: the state read last is still the desired one.
        this.#desired =
          (await store.links.get(settings.name, link).catch(() => null)) ?? this.#desired;
        this.#desiredRead.resolve();
        this.#desiredRead = deferred();
        if (this.#desired) await this.#follow(this.#desired, lease);
        await orAfter(this.#notified.promise, POLL_INTERVAL_MS, signal);
      }
    } finally {
      await this.#stopActivity();
      await this.#reportEnd(lease);
      await this.#reporter.stop();
    }
  }

  /**
   * A worker that ends in order says so, or its link would look alive. Not when another worker has
   * begun to report, and not over the failure that a person is to read.
   */
  async #reportEnd({ stillHeld }: HeldLease): Promise<void> {
    if (this.#status.state === 'failed' || this.#status.state === 'stopped') return;
    const late = (): Error => new Error('late');
    const held = await within(stillHeld(), LEASE_ANSWER_MS_MAX, late).catch(() => false);
    if (held) this.#reporter.change('stopped');
  }

  async #follow(desired: LinkRow, { epoch, lost: signal, stillHeld }: HeldLease): Promise<void> {
    if (desired.desired === 'stopped') {
      this.#failedSpec = null;
      await this.#stopActivity();
      if (this.#status.state !== 'stopped') this.#reporter.change('stopped');
      return;
    }
    const spec = specOf(desired);
    if (this.#activity || this.#failedSpec === spec || signal.aborted) return;
    this.#failedSpec = null;
    const controller = new AbortController();
    const all = AbortSignal.any([signal, controller.signal]);
    const activity = new LinkActivity({
      context: this.#context,
      status: this.#status,
      reporter: this.#reporter,
      leaseEpoch: epoch,
      stillHeld,
      untilStreaming: (until) => this.#untilStreaming(running, until),
    });
    this.#reporter.change('installing');
    const running: RunningActivity = { spec, controller, done: Promise.resolve() };
    this.#activity = running;
    running.done = activity.run(all).catch(async (thrown: unknown) => {
      if (!all.aborted) await this.#onFailure(running.spec, thrown);
      this.#activity = null;
      this.wake();
    });
  }

  async #onFailure(spec: string, thrown: unknown): Promise<void> {
    const { metrics, log, store, settings, link } = this.#context;
    const { code, message, facts } = failureOf(thrown);
    metrics.failed(code ?? 'none');
    if (isError(thrown, 'link_superseded')) {
      // Another worker has the link: give the lease back and look again.
      this.#superseded = true;
      return;
    }
    // Not the state desired by now: a retry may have been asked for while this attempt was failing.
    this.#failedSpec = spec;
    log.error({ worker: this.name, err: thrown }, 'link stopped');
    const data = { link, code, summary: message, ...facts };
    const entry = { type: 'link.failed', data, actor: 'replicator', accepted: true };
    await store.journal.append(settings.name, entry).catch(() => undefined);
    this.#reporter.change('failed', thrown);
  }

  async #untilStreaming(running: RunningActivity, signal: AbortSignal): Promise<void> {
    while (this.#desired?.desired !== 'streaming') {
      await orAfter(this.#desiredRead.promise, 2 * POLL_INTERVAL_MS, signal);
    }
    running.spec = specOf(this.#desired);
  }

  async #stopActivity(): Promise<void> {
    const activity = this.#activity;
    activity?.controller.abort();
    await activity?.done;
    this.#activity = null;
  }
}
