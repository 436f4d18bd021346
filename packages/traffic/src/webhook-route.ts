import { messageOf } from '@turnout/core/app-error';
import { isSide, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import type { PointOptions, RouteAdapter, RouteLead } from './route.js';

export interface WebhookRouteOptions {
  readonly pair: string;
  /** Takes `POST {"pair", "side", "epoch"}`; the same request may come again. */
  readonly url: string;
  /** Answers GET with `{"side": "green"}`. */
  readonly probeUrl: string;
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 5_000;

/** A route behind somebody's HTTP endpoint. */
export class WebhookRoute implements RouteAdapter {
  readonly kind = 'webhook';
  readonly poolers = [];
  readonly #options: WebhookRouteOptions;

  constructor(options: WebhookRouteOptions) {
    this.#options = options;
  }

  get instances(): readonly string[] {
    return [this.describe()];
  }

  describe(): string {
    const { host, pathname } = new URL(this.#options.url);
    return `webhook ${host}${pathname}`;
  }

  async point(side: Side, { epoch }: PointOptions): Promise<void> {
    const { url, pair } = this.#options;
    let status: number;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ pair, side, epoch: Number(epoch) }),
        redirect: 'error',
        signal: this.#limit(),
      });
      await response.body?.cancel();
      status = response.status;
    } catch (thrown) {
      throw fail(
        'route_unconfirmed',
        { route: this.describe(), reason: messageOf(thrown) },
        thrown,
      );
    }
    const observed = await this.probe();
    if (status < 300 && observed === side) return;
    throw fail('route_unconfirmed', { route: this.describe(), wanted: side, observed, status });
  }

  async probe(): Promise<RouteLead> {
    try {
      const response = await fetch(this.#options.probeUrl, { signal: this.#limit() });
      const answer: unknown = response.ok ? await response.json() : null;
      if (typeof answer !== 'object' || answer === null || !('side' in answer)) return 'unknown';
      return isSide(answer.side) ? answer.side : 'unknown';
    } catch {
      return 'unknown';
    }
  }

  async close(): Promise<void> {
    // Requests end with their call.
  }

  #limit(): AbortSignal {
    return AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
  }
}
