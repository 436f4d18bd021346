import { messageOf } from '@turnout/core/app-error';
import { isSide, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { withDeadline } from './deadline.js';
import type { CallLimit, PointOptions, RouteAdapter, RouteReading } from './route.js';

export interface WebhookRouteOptions {
  readonly pair: string;
  /** Takes `POST {"pair", "side", "epoch"}`; the same request may come again. */
  readonly url: string;
  /** Answers GET with `{"side": "green"}`. */
  readonly probeUrl: string;
  /** Limit of one request. */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 64 * 1024;

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

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

  async point(side: Side, { epoch, signal }: PointOptions): Promise<void> {
    const { url, pair } = this.#options;
    let status: number;
    try {
      ({ status } = await this.#request(url, signal, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ pair, side, epoch: Number(epoch) }),
      }));
    } catch (thrown) {
      throw fail(
        'route_unconfirmed',
        { route: this.describe(), reason: messageOf(thrown) },
        thrown,
      );
    }
    const { routedTo } = await this.probe({ signal });
    if (status < 300 && routedTo === side) return;
    const facts = { route: this.describe(), wanted: side, observed: routedTo, status };
    throw fail('route_unconfirmed', facts);
  }

  async probe({ signal }: CallLimit): Promise<RouteReading> {
    try {
      const { status, text } = await this.#request(this.#options.probeUrl, signal);
      if (status >= 300) return { routedTo: 'unknown', why: `it answered ${status}` };
      const answer: unknown = JSON.parse(text);
      const side = typeof answer === 'object' && answer !== null && 'side' in answer && answer.side;
      if (isSide(side)) return { routedTo: side, why: null };
      return { routedTo: 'unknown', why: 'it names neither side' };
    } catch (thrown) {
      return { routedTo: 'unknown', why: messageOf(thrown) };
    }
  }

  #request(url: string, signal: AbortSignal, init: RequestInit = {}): Promise<HttpAnswer> {
    const deadlineMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    const onTimeout = (): Error => new Error(`no answer within ${deadlineMs} ms`);
    return withDeadline({ signal, deadlineMs, onTimeout }, async (limit) => {
      const response = await fetch(url, { ...init, redirect: 'error', signal: limit });
      return { status: response.status, text: await readText(response) };
    });
  }
}

/** Reads the body to its end, so that the connection may be used again, but not without bound. */
async function readText({ body }: Response): Promise<string> {
  if (body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
  }
  return text;
}
