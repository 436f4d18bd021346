import { isSide, type Side } from '@turnout/core/sides';
import type { Redis } from 'ioredis';

/** A first hint later than this is not waited for: the sides can be asked. */
const FIRST_HINT_TIMEOUT_MS = 500;
const COMMAND_TIMEOUT_MS = 1_000;

/** Key of the route in Redis, and the channel on which its changes are told. */
export function routeKey(pair: string): string {
  return `turnout:${pair}:route`;
}

/** Reads `{"side":"green","epoch":12}`; null for anything else. */
export function parseRoute(text: string | null): Side | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' && value !== null && 'side' in value && isSide(value.side)
      ? value.side
      : null;
  } catch {
    return null;
  }
}

/**
 * Listens for changes of the route. What it hears is a hint: it makes the pool ask the sides sooner. Without
 * Redis, or with a wrong value in it, the pool works all the same.
 */
export class RouteWatcher {
  readonly #key: string;
  readonly #onRouteChanged: () => void;
  #redis: Redis | null = null;
  #closed = false;
  #hint: Side | null = null;
  /** Resolves when the first hint was read, or is no longer waited for. */
  readonly started: Promise<void>;

  constructor(url: string, pair: string, onRouteChanged: () => void) {
    this.#key = routeKey(pair);
    this.#onRouteChanged = onRouteChanged;
    this.started = new Promise((resolve) => {
      const timer = setTimeout(resolve, FIRST_HINT_TIMEOUT_MS);
      const onStarted = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#connect(url, onStarted).catch(onStarted);
    });
  }

  get hint(): Side | null {
    return this.#hint;
  }

  async #connect(url: string, onStarted: () => void): Promise<void> {
    // Loaded only here: an application without a Redis route does not pay for the client.
    const { Redis } = await import('ioredis');
    if (this.#closed) return onStarted();
    const redis = new Redis(url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: COMMAND_TIMEOUT_MS,
      autoResubscribe: false,
    });
    this.#redis = redis;
    redis.on('error', () => undefined);
    redis.on('message', (_channel: string, text: string) => this.#take(text));
    redis.on('ready', () => {
      this.#follow(redis).then(onStarted, onStarted);
    });
    await redis.connect();
  }

  /** A change between the read and the subscription is not lost: the sides are asked after both. */
  async #follow(redis: Redis): Promise<void> {
    const text = await redis.get(this.#key);
    await redis.subscribe(this.#key);
    this.#take(text);
  }

  #take(text: string | null): void {
    this.#hint = parseRoute(text) ?? this.#hint;
    this.#onRouteChanged();
  }

  close(): void {
    this.#closed = true;
    this.#redis?.disconnect();
  }
}
