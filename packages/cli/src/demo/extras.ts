import { fail } from '@turnout/contracts/errors';
import { kafkaMissing, startKafka, type Kafka } from '@turnout/testkit/kafka';
import { pgBouncerMissing, startPgBouncer, type PgBouncer } from '@turnout/testkit/pgbouncer';
import { redisMissing, startRedis, type Redis } from '@turnout/testkit/redis';
import type { Cleanup } from './cleanup.js';
import type { Clusters } from './clusters.js';
import { PAIR } from './demo-options.js';

/** What `--full` adds, each one real. */
export interface Extras {
  readonly kafka: Kafka;
  readonly redis: Redis;
  readonly pgbouncer: PgBouncer;
}

/** Everything that is missing in one sentence, before anything is started. @throws TRN1009 */
export async function requireExtras(): Promise<void> {
  const missing = await Promise.all([kafkaMissing(), redisMissing(), pgBouncerMissing()]);
  const reasons = missing.filter((reason) => reason !== null);
  if (reasons.length > 0) throw fail('TRN1009', { missing: reasons.join('; ') });
}

export async function startExtras({ blue }: Clusters, cleanup: Cleanup): Promise<Extras> {
  const redis = cleanup.use('redis', await startRedis());
  const target = `host=${blue.host} port=${blue.port} dbname=${PAIR}`;
  const pgbouncer = await startPgBouncer({ databases: { [PAIR]: target } });
  cleanup.use('pgbouncer', pgbouncer);
  const kafka = cleanup.use('kafka', await startKafka());
  return { kafka, redis, pgbouncer };
}
