import { SIDES, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { ExecRoute } from './exec-route.js';
import { HaproxyRoute } from './haproxy-route.js';
import { parseTarget, type DatabaseTarget } from './pgbouncer/databases-file.js';
import { PgbouncerRoute } from './pgbouncer/pgbouncer-route.js';
import { RedisRoute } from './redis/redis-route.js';
import { ROUTE_KINDS, type RouteKind } from './route-kinds.js';
import { RouteSet } from './route-set.js';
import type { RouteAdapter } from './route.js';
import type { Routes } from './routes.js';
import { WebhookRoute } from './webhook-route.js';

/** One entry of `routes:` in the configuration, as written there. */
export interface RouteEntry {
  readonly pgbouncer?:
    | {
        readonly admin: string | readonly string[];
        readonly file: string;
        readonly database: string;
        readonly hosts?: Readonly<Partial<Record<Side, string | undefined>>> | undefined;
      }
    | undefined;
  readonly redis?: object | undefined;
  readonly haproxy?:
    | {
        readonly socket: string;
        readonly backend: string;
        readonly blue: string;
        readonly green: string;
      }
    | undefined;
  readonly webhook?: { readonly url: string; readonly probe_url: string } | undefined;
  readonly exec?:
    | { readonly command: readonly string[]; readonly probe: readonly string[] }
    | undefined;
}

export interface RouteContext {
  readonly pair: string;
  /** URLs of the sides, past any pooler. */
  readonly sideUrls: Readonly<Record<Side, string>>;
  readonly redisUrl?: string | undefined;
}

/** Where a side's URL leads; the database defaults to what PostgreSQL would take. */
export function targetOfUrl(url: string): DatabaseTarget {
  const { hostname, port, pathname, searchParams, username } = new URL(url);
  return {
    host: searchParams.get('host') ?? hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || (searchParams.get('port') ?? '5432')),
    dbname: decodeURIComponent(pathname.slice(1) || username),
  };
}

function pgbouncerRoute(
  entry: NonNullable<RouteEntry['pgbouncer']>,
  { sideUrls }: RouteContext,
): PgbouncerRoute {
  const targetOf = (side: Side): DatabaseTarget => {
    const base = targetOfUrl(sideUrls[side]);
    const target = parseTarget(entry.hosts?.[side] ?? '', base);
    if (!target) throw fail('config_value_invalid', { key: `routes.pgbouncer.hosts.${side}` });
    return target;
  };
  const [blue, green] = SIDES.map(targetOf) as [DatabaseTarget, DatabaseTarget];
  const admins = typeof entry.admin === 'string' ? [entry.admin] : entry.admin;
  return new PgbouncerRoute({
    admins,
    file: entry.file,
    database: entry.database,
    targets: { blue, green },
  });
}

/** How the adapter of each kind is made of its entry and the pair's own facts. */
const MAKERS: {
  readonly [K in RouteKind]: (
    entry: NonNullable<RouteEntry[K]>,
    context: RouteContext,
  ) => RouteAdapter;
} = {
  pgbouncer: pgbouncerRoute,
  haproxy: (entry) => new HaproxyRoute(entry),
  exec: (entry, { pair }) => new ExecRoute({ pair, ...entry }),
  webhook: ({ url, probe_url: probeUrl }, { pair }) => new WebhookRoute({ pair, url, probeUrl }),
  redis: (_entry, { pair, redisUrl }) => {
    if (redisUrl === undefined)
      throw fail('config_value_invalid', { key: 'redis.url', needed_by: 'routes' });
    return new RedisRoute({ url: redisUrl, pair });
  },
};

const KINDS = Object.keys(ROUTE_KINDS) as RouteKind[];

/** Makes the adapter of one entry. @throws TRN1003 for an entry that names no route */
export function createRoute(entry: RouteEntry, context: RouteContext): RouteAdapter {
  const kind = KINDS.find((each) => entry[each] !== undefined);
  if (kind === undefined)
    throw fail('config_value_invalid', { key: 'routes', kinds: KINDS.join(', ') });
  const make = MAKERS[kind] as (entry: unknown, context: RouteContext) => RouteAdapter;
  return make(entry[kind], context);
}

/** The routes of a pair as configured. Nothing is connected before it is used. */
export function createRoutes(entries: readonly RouteEntry[], context: RouteContext): Routes {
  return new RouteSet(entries.map((entry) => createRoute(entry, context)));
}
