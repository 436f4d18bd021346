import { messageOf } from '@turnout/core/app-error';
import { isSide, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { Redis } from 'ioredis';
import { onAborted } from '../deadline.js';
import type { CallLimit, PointOptions, RouteAdapter, RouteReading } from '../route.js';

export interface RedisRouteOptions {
  readonly url: string;
  readonly pair: string;
  /** Limit of connecting, and of each command. */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 1_000;

/**
 * Sets and tells in one step, unless a later epoch is there: a coordinator that was superseded, or
 * a command that the client sent twice over a new connection, changes nothing.
 */
const SET_UNLESS_OLDER = /* lua */ `
local held = redis.call('GET', KEYS[1])
if held then
  local ok, value = pcall(cjson.decode, held)
  if ok and type(value) == 'table' and (tonumber(value.epoch) or 0) > tonumber(ARGV[2]) then
    return held
  end
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PUBLISH', KEYS[1], ARGV[1])
return ARGV[1]
`;

interface StoredRoute {
  readonly side: Side;
  readonly epoch: number;
}

function parseStored(text: string | null): StoredRoute | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    if (typeof value !== 'object' || value === null) return null;
    const { side, epoch } = value as { side?: unknown; epoch?: unknown };
    return isSide(side) && typeof epoch === 'number' ? { side, epoch } : null;
  } catch {
    return null;
  }
}

/**
 * A key and a channel for `@turnout/pool` and others: an event that makes clients ask the sides sooner.
 * It can neither hold clients nor be the truth.
 */
export class RedisRoute implements RouteAdapter {
  readonly kind = 'redis';
  readonly poolers = [];
  readonly instances: readonly string[];
  readonly key: string;
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor({ url, pair, timeoutMs = TIMEOUT_MS }: RedisRouteOptions) {
    this.key = `turnout:${pair}:route`;
    this.instances = [`redis ${new URL(url).host}`];
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  describe(): string {
    return `redis key ${this.key}`;
  }

  async point(side: Side, { epoch, signal }: PointOptions): Promise<void> {
    let observed: StoredRoute | null;
    try {
      observed = await this.#withRedis(signal, async (redis) => {
        const value = JSON.stringify({ side, epoch: Number(epoch) });
        await redis.eval(SET_UNLESS_OLDER, 1, this.key, value, String(epoch));
        return parseStored(await redis.get(this.key));
      });
    } catch (thrown) {
      throw fail(
        'route_unconfirmed',
        { route: this.describe(), reason: messageOf(thrown) },
        thrown,
      );
    }
    if (observed?.side === side) return;
    throw fail('route_unconfirmed', {
      route: this.describe(),
      wanted: side,
      observed: observed?.side ?? null,
      observed_epoch: observed?.epoch ?? null,
    });
  }

  async probe({ signal }: CallLimit): Promise<RouteReading> {
    try {
      const stored = parseStored(await this.#withRedis(signal, (redis) => redis.get(this.key)));
      if (stored !== null) return { routedTo: stored.side, why: null };
      return { routedTo: 'unknown', why: 'the key is not set' };
    } catch (thrown) {
      return { routedTo: 'unknown', why: messageOf(thrown) };
    }
  }

  /**
   * One connection a call, destroyed with it. A client that is kept would try again in the background,
   * or run a command minutes later over a new connection, when it is no longer meant.
   */
  async #withRedis<T>(signal: AbortSignal, work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.#url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      // Its INFO would be one more answer to wait for; a Redis that still loads refuses the command.
      enableReadyCheck: false,
      disableClientInfo: true,
      maxRetriesPerRequest: 0,
      commandTimeout: this.#timeoutMs,
      connectTimeout: this.#timeoutMs,
      retryStrategy: () => null,
    });
    let lastError: Error | null = null;
    redis.on('error', (error: Error) => (lastError = error));
    // `disconnect` alone only sends a farewell, which a half-open peer never answers.
    const destroy = (): void => {
      redis.disconnect();
      redis.stream?.destroy();
    };
    const release = onAborted(signal, destroy);
    try {
      await redis.connect();
      return await work(redis);
    } catch (thrown) {
      // The promise says "Connection is closed."; the event before it says why.
      throw lastError ?? thrown;
    } finally {
      release();
      destroy();
    }
  }
}
