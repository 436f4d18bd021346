import { fail } from '@turnout/contracts/errors';
import { isAppError, messageOf } from '@turnout/core/app-error';
import type { Cleanup } from '@turnout/testkit/cleanup';
import { startCluster, type Cluster, type MajorVersion } from '@turnout/testkit/cluster';
import { withClient } from '@turnout/testkit/cluster/client';
import { kafkaMissing, startKafka, type Kafka } from '@turnout/testkit/kafka';
import { pgBouncerMissing, startPgBouncer, type PgBouncer } from '@turnout/testkit/pgbouncer';
import { redisMissing, startRedis, type Redis } from '@turnout/testkit/redis';
import { loadShop, SHOP_DDL, SHOP_ROLES, type ShopSize } from '@turnout/testkit/shop/shop';
import { PAIR, type Setting } from './options.js';

export interface Clusters {
  readonly blue: Cluster;
  readonly green: Cluster;
  readonly control: Cluster;
}

/** A commit must be as durable here as anywhere, or the proof would prove less. */
const DURABLE = { fsync: 'on', log_min_messages: 'warning' } as const;

async function startOne(name: string, version: MajorVersion, cleanup: Cleanup): Promise<Cluster> {
  try {
    return cleanup.use(name, await startCluster({ version, name, settings: DURABLE }));
  } catch (thrown) {
    if (isAppError(thrown)) throw thrown;
    throw fail(
      'local_server_failed',
      { server: `PostgreSQL ${version} (${name})`, cause: messageOf(thrown) },
      thrown,
    );
  }
}

/** Blue, green and the one for the control store, each a real server on a free port. */
export async function startClusters(cleanup: Cleanup): Promise<Clusters> {
  const started = await Promise.allSettled([
    startOne('blue', '13', cleanup),
    startOne('green', '15', cleanup),
    startOne('control', '15', cleanup),
  ]);
  const [blue, green, control] = started.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
  if (!blue || !green || !control) throw fail('local_server_failed', { server: 'PostgreSQL' });
  await control.createDatabase('turnout');
  await green.createDatabase(PAIR);
  await blue.createDatabase(PAIR);
  return { blue, green, control };
}

/** Fills blue. Green gets roles only, which belong to the server and not to the database. */
export async function loadBlue({ blue, green }: Clusters, scale: number): Promise<ShopSize> {
  await withClient(green.url(PAIR), (client) => client.query(SHOP_ROLES));
  return withClient(blue.url(PAIR), async (client) => {
    await client.query(SHOP_DDL);
    return loadShop(client, { scale });
  });
}

/** The same DDL on green, where pg_dump is not there to bring it over. */
export async function loadSchemaOnGreen({ green }: Clusters): Promise<void> {
  await withClient(green.url(PAIR), (client) => client.query(SHOP_DDL));
}

/** What stands around the databases, each one real. */
export interface Extras {
  readonly pgbouncer: PgBouncer;
  readonly kafka: Kafka | null;
  readonly redis: Redis | null;
}

const NEEDS = {
  none: [],
  pgbouncer: [pgBouncerMissing],
  all: [kafkaMissing, redisMissing, pgBouncerMissing],
} as const satisfies Record<Setting['extras'], readonly (() => Promise<string | null>)[]>;

/** Everything that is missing in one sentence, before anything is started. @throws TRN1009 */
export async function requireExtras(extras: Setting['extras']): Promise<void> {
  const missing = await Promise.all(NEEDS[extras].map((look) => look()));
  const reasons = missing.filter((reason) => reason !== null);
  if (reasons.length > 0) throw fail('program_missing', { missing: reasons.join('; ') });
}

export async function startExtras(
  wanted: Setting['extras'],
  { blue }: Clusters,
  cleanup: Cleanup,
): Promise<Extras | null> {
  if (wanted === 'none') return null;
  const target = `host=${blue.host} port=${blue.port} dbname=${PAIR}`;
  const pgbouncer = await startPgBouncer({ databases: { [PAIR]: target } });
  cleanup.use('pgbouncer', pgbouncer);
  if (wanted === 'pgbouncer') return { pgbouncer, kafka: null, redis: null };
  const redis = cleanup.use('redis', await startRedis());
  const kafka = cleanup.use('kafka', await startKafka());
  return { pgbouncer, redis, kafka };
}
