import { readFileSync } from 'node:fs';
import type { BusKind, LogLevel, TurnoutConfig } from '@turnout/contracts/config';
import type { PairConfig, StandbyPolicy } from '@turnout/contracts/config/pair-config';
import type { RouteConfig } from '@turnout/contracts/config/route-config';
import { fail } from '@turnout/contracts/errors';
import { must } from '@turnout/core/assert';
import { parseDurationMs, parseSizeBytes } from '@turnout/core/quantities';
import { Secret } from '@turnout/core/secret';
import type { Endpoint } from '@turnout/postgres/session';

export type { RouteConfig } from '@turnout/contracts/config/route-config';

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface ResolvedBus {
  readonly kind: BusKind;
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
}

/** A pair as the services use it: endpoints with their secrets, milliseconds and bytes. */
export interface ResolvedPair {
  readonly name: string;
  readonly blue: Endpoint;
  readonly green: Endpoint;
  readonly tables: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  readonly schema: { readonly transfer: 'pg_dump' | 'existing' };
  readonly copy: { readonly workers: number };
  readonly apply: {
    readonly groupRowsMax: number;
    readonly groupBytesMax: number;
    readonly memoryBytesMax: number;
  };
  readonly gates: {
    readonly lagMaxMs: number;
    readonly verifiedWithinMs: number;
    readonly writerAgeMaxMs: number;
  };
  readonly window: {
    readonly maxMs: number;
    readonly lockTimeoutMs: number;
    readonly attemptsMax: number;
    readonly standbyWaitMs: number;
  };
  readonly standbys: StandbyPolicy;
  readonly soak: { readonly minMs: number };
  readonly routes: readonly RouteConfig[];
}

export interface ResolvedConfig {
  readonly control: Endpoint;
  readonly api: Listen & { readonly tokensFile: string | null };
  readonly metrics: Listen | null;
  readonly bus: ResolvedBus;
  readonly redisUrl: string | null;
  readonly log: { readonly level: LogLevel };
  readonly pairs: Readonly<Record<string, ResolvedPair>>;
}

/** The schema has checked the form already. */
const ms = (text: string): number => must(parseDurationMs(text), `duration ${text}`);
const bytes = (text: string): number => must(parseSizeBytes(text), `size ${text}`);

function readPassword(file: string): Secret {
  try {
    return new Secret(readFileSync(file, 'utf8').replace(/\r?\n$/, ''));
  } catch (thrown) {
    throw fail('secret_unreadable', { file }, thrown);
  }
}

/** The password of a URL moves into a `Secret`, so that the URL may be shown. */
function endpoint(
  { url, password_file }: { url: string; password_file?: string },
  key: string,
): Endpoint {
  if (!URL.canParse(url)) throw fail('config_value_invalid', { key, must: 'be a postgres:// URL' });
  const parsed = new URL(url);
  if (!/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw fail('config_value_invalid', { key, must: 'be a postgres:// URL' });
  }
  const inline = parsed.password === '' ? undefined : decodeURIComponent(parsed.password);
  parsed.password = '';
  const password =
    password_file === undefined ? inline && new Secret(inline) : readPassword(password_file);
  return password ? { url: parsed.href, password } : { url: parsed.href };
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Host, port and database: what makes two URLs the same place. */
function placeOf({ url }: Endpoint): string {
  const { hostname, port, pathname, username } = new URL(url);
  const host = LOOPBACK.has(hostname) ? 'loopback' : hostname.toLowerCase();
  return `${host}:${port || '5432'}/${pathname.slice(1) || username}`;
}

function resolvePair(pair: string, config: PairConfig): ResolvedPair {
  const blue = endpoint(config.blue, `pairs.${pair}.blue.url`);
  const green = endpoint(config.green, `pairs.${pair}.green.url`);
  if (placeOf(blue) === placeOf(green))
    throw fail('sides_identical', { pair, place: placeOf(blue) });
  const { apply, gates, window, soak } = config;
  return {
    name: pair,
    blue,
    green,
    tables: config.tables,
    schema: config.schema,
    copy: config.copy,
    apply: {
      groupRowsMax: apply.group_rows_max,
      groupBytesMax: bytes(apply.group_bytes_max),
      memoryBytesMax: bytes(apply.memory_bytes_max),
    },
    gates: {
      lagMaxMs: ms(gates.lag_max),
      verifiedWithinMs: ms(gates.verified_within),
      writerAgeMaxMs: ms(gates.writer_age_max),
    },
    window: {
      maxMs: ms(window.max),
      lockTimeoutMs: ms(window.lock_timeout),
      attemptsMax: window.attempts_max,
      standbyWaitMs: ms(window.standby_wait),
    },
    standbys: config.standbys,
    soak: { minMs: ms(soak.min) },
    routes: config.routes,
  };
}

/** `127.0.0.1:7400`, `[::1]:7400`; port 0 takes a free one. @throws TRN1003 */
function listen(text: string, key: string): Listen {
  const match = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) throw fail('config_value_invalid', { key, must: 'be host:port' });
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port };
}

/** Reads secrets and units. @throws TRN1003, TRN1005, TRN1006 */
export function resolveConfig(config: TurnoutConfig): ResolvedConfig {
  const { api, metrics, bus, redis } = config;
  const brokers = bus.brokers ?? [];
  if (bus.kind === 'kafka' && brokers.length === 0) {
    throw fail('config_value_invalid', {
      key: 'bus.brokers',
      must: 'name a broker for kind kafka',
    });
  }
  return {
    control: endpoint(config.control, 'control.url'),
    api: { ...listen(api.listen, 'api.listen'), tokensFile: api.tokens_file ?? null },
    metrics: metrics.listen === undefined ? null : listen(metrics.listen, 'metrics.listen'),
    bus: { kind: bus.kind, brokers, topicPrefix: bus.topic_prefix },
    redisUrl: redis.url ?? null,
    log: { level: config.log.level },
    pairs: Object.fromEntries(
      Object.entries(config.pairs).map(([pair, each]) => [pair, resolvePair(pair, each)]),
    ),
  };
}
