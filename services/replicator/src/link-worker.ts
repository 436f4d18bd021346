import { objectName } from '@turnout/core/object-names';
import { deferred, pause, type Deferred } from '@turnout/core/waiting';
import { whileHolding, WORKER_TTL_MS, type HeldLease } from '@turnout/store/held-lease';
import type { LinkRow } from '@turnout/store/links';
import { LinkActivity } from './link/link-activity.js';
import { failureOf, LinkReporter } from './link/link-reporter.js';
import { LinkStatus } from './link/link-status.js';
import type { LinkContext } from './replicator-context.js';

/** The store's news may be lost; this is how late a wish is seen then. */
const POLL_INTERVAL_MS = 1_000;

/** Waits for the news, at most `ms`; the timer does not outlive it. */
async function orAfter(news: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  try {
    await Promise.race([news, pause(ms, AbortSignal.any([signal, done.signal]))]);
  } finally {
    done.abort();
  }
}

interface RunningActivity {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

/** Holds the lease of one link and reconciles what is wished of it with what it does. */
export class LinkWorker {
  readonly #context: LinkContext;
  readonly #status: LinkStatus;
  readonly #reporter: LinkReporter;
  #wish: LinkRow | null = null;
  #news: Deferred<void> = deferred();
  #wished: Deferred<void> = deferred();
  #activity: RunningActivity | null = null;
  /** The wish that failed: it is tried again only when it is wished anew. */
  #failedWish: string | null = null;
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
    this.#news.resolve();
  }

  /** Runs until `signal` aborts; whatever goes wrong in between is tried again. */
  run(signal: AbortSignal): Promise<void> {
    const { store, instanceId, clock, metrics, log } = this.#context;
    return whileHolding(
      store.leases,
      {
        name: this.name,
        holder: instanceId,
        ttlMs: WORKER_TTL_MS,
        clock,
        outage: 'go_on',
        onHeld: (held) => metrics.leaseHeld(this.name, held),
        onTrouble: (thrown) => log.warn({ worker: this.name, err: thrown }, 'link worker'),
      },
      signal,
      (lease) => this.#reconcile(lease),
    );
  }

  async #reconcile(lease: HeldLease): Promise<void> {
    const signal = lease.lost;
    const { store, settings, link } = this.#context;
    this.#superseded = false;
    this.#failedWish = null;
    this.#reporter.start();
    try {
      while (!signal.aborted && !this.#superseded) {
        this.#news = deferred();
        // The store may be away: what was wished last is still wished.
        this.#wish = (await store.links.get(settings.name, link).catch(() => null)) ?? this.#wish;
        this.#wished.resolve();
        this.#wished = deferred();
        if (this.#wish) await this.#follow(this.#wish, lease);
        await orAfter(this.#news.promise, POLL_INTERVAL_MS, signal);
      }
    } finally {
      await this.#stopActivity();
      await this.#reporter.stop();
    }
  }

  async #follow(wish: LinkRow, { epoch, lost: signal, stillHeld }: HeldLease): Promise<void> {
    if (wish.desired === 'stopped') {
      this.#failedWish = null;
      await this.#stopActivity();
      if (this.#status.state !== 'stopped') this.#reporter.change('stopped');
      return;
    }
    const key = `${wish.desired}/${wish.generation}`;
    if (this.#activity || this.#failedWish === key || signal.aborted) return;
    this.#failedWish = null;
    const controller = new AbortController();
    const all = AbortSignal.any([signal, controller.signal]);
    const activity = new LinkActivity({
      context: this.#context,
      status: this.#status,
      reporter: this.#reporter,
      leaseEpoch: epoch,
      stillHeld,
      untilStreaming: (until) => this.#untilStreaming(until),
    });
    this.#reporter.change('installing');
    const done = activity.run(all).catch(async (thrown: unknown) => {
      if (!all.aborted) await this.#onFailure(thrown);
      this.#activity = null;
      this.wake();
    });
    this.#activity = { controller, done };
  }

  async #onFailure(thrown: unknown): Promise<void> {
    const { metrics, log, store, settings, link } = this.#context;
    const { code, message, facts } = failureOf(thrown);
    metrics.failed(code ?? 'none');
    if (code === 'TRN3009') {
      // Another worker has the link: give the lease back and look again.
      this.#superseded = true;
      return;
    }
    this.#failedWish = this.#wish && `${this.#wish.desired}/${this.#wish.generation}`;
    log.error({ worker: this.name, err: thrown }, 'link stopped');
    const data = { link, code, summary: message, ...facts };
    const entry = { type: 'link.failed', data, actor: 'replicator', accepted: true };
    await store.journal.append(settings.name, entry).catch(() => undefined);
    this.#reporter.change('failed', thrown);
  }

  async #untilStreaming(signal: AbortSignal): Promise<void> {
    while (this.#wish?.desired !== 'streaming') {
      await orAfter(this.#wished.promise, 2 * POLL_INTERVAL_MS, signal);
    }
  }

  async #stopActivity(): Promise<void> {
    const activity = this.#activity;
    activity?.controller.abort();
    await activity?.done;
    this.#activity = null;
  }
}
