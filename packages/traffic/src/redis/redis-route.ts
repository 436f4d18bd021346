import { messageOf } from '@turnout/core/app-error';
import { isSide, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { Redis } from 'ioredis';
import type { PointOptions, RouteAdapter, RouteLead } from '../route.js';

export interface RedisRouteOptions {
  readonly url: string;
  readonly pair: string;
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
 * A key and a channel for `@turnout/pool` and others: news that makes clients ask the sides sooner.
 * It can neither hold clients nor be the truth.
 */
export class RedisRoute implements RouteAdapter {
  readonly kind = 'redis';
  readonly poolers = [];
  readonly instances: readonly string[];
  readonly key: string;
  readonly #redis: Redis;
  #connecting: Promise<void> | null = null;

  constructor({ url, pair, timeoutMs = TIMEOUT_MS }: RedisRouteOptions) {
    this.key = `turnout:${pair}:route`;
    this.instances = [`redis ${new URL(url).host}`];
    this.#redis = new Redis(url, {
      lazyConnect: true,
      // A command that waits for a connection would run minutes later, when it is no longer meant.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: timeoutMs,
      connectTimeout: timeoutMs,
      // The next use connects; nothing goes on in the background.
      retryStrategy: () => null,
    });
    this.#redis.on('error', () => undefined);
  }

  describe(): string {
    return `redis key ${this.key}`;
  }

  async point(side: Side, { epoch }: PointOptions): Promise<void> {
    let observed: StoredRoute | null;
    try {
      await this.#connected();
      const value = JSON.stringify({ side, epoch: Number(epoch) });
      await this.#redis.eval(SET_UNLESS_OLDER, 1, this.key, value, String(epoch));
      observed = parseStored(await this.#redis.get(this.key));
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

  async probe(): Promise<RouteLead> {
    try {
      await this.#connected();
      return parseStored(await this.#redis.get(this.key))?.side ?? 'unknown';
    } catch {
      return 'unknown';
    }
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  /** One attempt, shared; `connectTimeout` bounds it. */
  async #connected(): Promise<void> {
    if (this.#redis.status === 'ready') return;
    this.#connecting ??= this.#redis.connect().finally(() => {
      this.#connecting = null;
    });
    await this.#connecting;
  }
}
