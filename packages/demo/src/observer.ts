import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { formatMs, percentile } from '@turnout/core/quantities';
import { pause } from '@turnout/core/waiting';
import type { Writers } from '@turnout/testkit/workload/writers';
import { PAIR } from './options.js';

const INTERVAL_MS = 250;
/** Writers report four times a second; over less than this the pace would jump. */
const PACE_OVER_MS = 1_500;

export interface LagFigures {
  readonly samples: number;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
}

/** Watches through the API what anybody could watch: phase and lag, and the pace of the writers. */
export class Observer {
  readonly #client: TurnoutClient;
  readonly #writers: () => Writers | null;
  readonly #onLine: (line: string) => void;
  readonly #stop = new AbortController();
  /** By the moment of measurement, so that a sample read twice counts once. */
  readonly #samples = new Map<string, number>();
  readonly #done: Promise<void>;

  constructor(
    client: TurnoutClient,
    writers: () => Writers | null,
    onLine: (line: string) => void,
  ) {
    this.#client = client;
    this.#writers = writers;
    this.#onLine = onLine;
    this.#done = this.#watch();
  }

  lag(): LagFigures {
    const values = [...this.#samples.values()];
    return {
      samples: values.length,
      p50_ms: percentile(values, 50),
      p99_ms: percentile(values, 99),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    const recent: Count[] = [];
    while (!signal.aborted) {
      const acknowledged = this.#writers()?.counts().acknowledged ?? 0;
      const atMs = performance.now();
      recent.push({ atMs, acknowledged });
      while (recent.length > 2 && atMs - (recent[0]?.atMs ?? atMs) > PACE_OVER_MS) recent.shift();
      const tps = pace(recent[0] ?? { atMs, acknowledged }, { atMs, acknowledged });
      // The API may be away for a moment; what is watched is then not known, and the watch goes on.
      const line = await this.#look(signal).catch(() => 'phase —   lag —');
      this.#onLine(`${line}   ${tps} tps`);
      await pause(INTERVAL_MS, signal).catch(() => undefined);
    }
  }

  async #look(signal: AbortSignal): Promise<string> {
    const { pairs } = await this.#client.pairs({ signal });
    const { samples, forward, reverse } = await this.#client.lag(PAIR, { signal });
    for (const { measured_at: measuredAt, lag_ms: lagMs } of samples) {
      if (lagMs !== null) this.#samples.set(measuredAt, lagMs);
    }
    const newest = [forward, reverse]
      .filter((sample) => sample !== null)
      .toSorted((a, b) => b.measured_at.localeCompare(a.measured_at))[0];
    const lag = newest && newest.lag_ms !== null ? formatMs(newest.lag_ms) : '—';
    return `phase ${pairs.find(({ pair }) => pair === PAIR)?.phase ?? '—'}   lag ${lag}`;
  }
}

interface Count {
  readonly atMs: number;
  readonly acknowledged: number;
}

function pace(from: Count, to: Count): number {
  const seconds = (to.atMs - from.atMs) / 1_000;
  return seconds === 0 ? 0 : Math.round((to.acknowledged - from.acknowledged) / seconds);
}
