import { fail } from '@turnout/contracts/errors';
import { kafkaMissing, startKafka, type Kafka } from '@turnout/testkit/kafka';
import { pgBouncerMissing, startPgBouncer, type PgBouncer } from '@turnout/testkit/pgbouncer';
import { redisMissing, startRedis, type Redis } from '@turnout/testkit/redis';
import type { Cleanup } from './cleanup.js';
import type { Clusters } from './clusters.js';
import { PAIR, type SceneOptions } from './demo-options.js';

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
} as const satisfies Record<SceneOptions['extras'], readonly (() => Promise<string | null>)[]>;

/** Everything that is missing in one sentence, before anything is started. @throws TRN1009 */
export async function requireExtras(extras: SceneOptions['extras']): Promise<void> {
  const missing = await Promise.all(NEEDS[extras].map((look) => look()));
  const reasons = missing.filter((reason) => reason !== null);
  if (reasons.length > 0) throw fail('program_missing', { missing: reasons.join('; ') });
}

export async function startExtras(
  wanted: SceneOptions['extras'],
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
