import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from '@turnout/core/waiting';
import type { ShopSize } from '../shop/shop.js';
import type { Route } from './connection.js';
import type { WriterCounts } from './writer.js';

const STOP_MS_MAX = 60_000;

export interface WritersOptions {
  /** One process for each route; its writers share a pool. */
  readonly groups: readonly { readonly route: Route; readonly writers: number }[];
  /** Transactions per second of all writers together. */
  readonly perSecond: number;
  /** Existing directory for the ledgers. */
  readonly directory: string;
  readonly size: ShopSize;
}

/** What a process is told at its start. */
export interface WriterJob {
  readonly route: Route;
  readonly writerIds: readonly number[];
  readonly writers: number;
  readonly perSecondEach: number;
  readonly directory: string;
  readonly size: ShopSize;
}

/** What a process tells, four times a second and at its end. */
export interface WriterNews extends WriterCounts {
  readonly kind: 'progress' | 'stopped';
}

export interface Writers extends AsyncDisposable {
  readonly ledgerFiles: readonly string[];
  /** Sums over all writers, at most a quarter of a second old. */
  counts(): WriterCounts;
  /** Lets the transactions under way end; rejects when a process died or does not end. */
  stop(): Promise<void>;
  /** Ends the processes by signal 9. */
  kill(): void;
}

/** Starts writers in processes of their own; they end with this process. */
export function startWriters(options: WritersOptions): Writers {
  const total = options.groups.reduce((sum, { writers }) => sum + writers, 0);
  const ids = Array.from({ length: total }, (_, index) => index + 1);
  let first = 0;
  const children = options.groups.map(({ route, writers }) => {
    const writerIds = ids.slice(first, (first += writers));
    const { directory, size, perSecond } = options;
    const perSecondEach = perSecond / total;
    return new Child({ route, writerIds, writers: total, perSecondEach, directory, size });
  });
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
  };
  return {
    ledgerFiles: ids.map((id) => join(options.directory, `writer-${id}.ledger`)),
    counts: () => add(children.map(({ news }) => news)),
    stop,
    kill: () => {
      for (const child of children) child.kill();
    },
    [Symbol.asyncDispose]: () => stop().catch(() => undefined),
  };
}

class Child {
  readonly #process: ChildProcess;
  readonly #stopped: Promise<void>;
  #news: WriterNews = { kind: 'progress', attempted: 0, acknowledged: 0, errors: 0 };

  constructor(job: WriterJob) {
    this.#process = fork(entry(), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#stopped = new Promise((resolve, reject) => {
      this.#process.on('message', (news: WriterNews) => {
        this.#news = news;
      });
      this.#process.once('error', reject);
      this.#process.once('exit', (code, signal) => {
        if (this.#news.kind === 'stopped') resolve();
        else reject(new Error(`a writer process ended by itself: ${code ?? signal}`));
      });
    });
    this.#stopped.catch(() => undefined);
    this.#process.send(job);
  }

  get news(): WriterNews {
    return this.#news;
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.send('stop');
    const late = (): Error => new Error(`a writer process did not end in ${STOP_MS_MAX} ms`);
    await within(this.#stopped, STOP_MS_MAX, late).finally(() => this.kill());
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

/** A child runs what was built, also when this file runs from its source. */
function entry(): string {
  return fileURLToPath(new URL('writer-process.js', import.meta.url)).replace(
    /\/src\/(workload\/[^/]*)$/,
    '/dist/$1',
  );
}

function add(all: readonly WriterCounts[]): WriterCounts {
  const sum = { attempted: 0, acknowledged: 0, errors: 0 };
  for (const { attempted, acknowledged, errors } of all) {
    sum.attempted += attempted;
    sum.acknowledged += acknowledged;
    sum.errors += errors;
  }
  return sum;
}
