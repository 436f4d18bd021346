import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TurnoutClient } from '@turnout/api-client/turnout-client';
import { fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import { freePort } from '@turnout/testkit/process/free-port';
import { findProgram } from '@turnout/testkit/process/program';
import type { Route } from '@turnout/testkit/workload/connection';
import { sharedMonotonicMs } from '@turnout/testkit/workload/monotonic';
import { startWriters } from '@turnout/testkit/workload/writers';
import type { DemoRun } from './demo-run.js';
import { Observer } from './observer.js';
import { PAIR } from './options.js';
import { Served } from './served.js';
import { loadBlue, loadSchemaOnGreen, startClusters, startExtras } from './servers.js';
import { count } from './words.js';
import { writeConfig } from './written-config.js';

const FIRST_WRITES_MS_MAX = 20_000;
/** Written by every writer before the job begins: then they really are at work. */
const FIRST_WRITES = 100;

export async function startServers(run: DemoRun): Promise<string> {
  const clusters = await startClusters(run.cleanup);
  run.set('clusters', clusters);
  const extras = await startExtras(run.setting.extras, clusters, run.cleanup);
  run.set('extras', extras);
  const { blue, green, control } = clusters;
  const names = `blue ${blue.version}, green ${green.version}, control ${control.version}`;
  const more = extras && ['PgBouncer', extras.kafka && 'Kafka', extras.redis && 'Redis'];
  return [names, ...(more ?? [])].filter(Boolean).join(', ');
}

export async function loadTheShop(run: DemoRun): Promise<string> {
  const clusters = run.get('clusters');
  const { schema } = run.setting;
  const found = await findProgram('pg_dump');
  if (schema === 'pg_dump' && found === null) throw fail('program_missing', { program: 'pg_dump' });
  const transfer = schema === 'auto' ? (found === null ? 'existing' : 'pg_dump') : schema;
  run.set('size', await loadBlue(clusters, run.setting.workload.scale));
  run.set('transfer', transfer);
  if (transfer === 'pg_dump') return 'loaded on blue; pg_dump will bring the schema to green';
  await loadSchemaOnGreen(clusters);
  const why = found === null ? 'pg_dump is not installed' : 'as asked for';
  return `loaded on blue; the same DDL on green (transfer existing: ${why})`;
}

export async function startServices(run: DemoRun): Promise<string> {
  const { directory, signal, cleanup } = run;
  const apiPort = await freePort();
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const config = await writeConfig({
    directory,
    clusters: run.get('clusters'),
    extras: run.find('extras') ?? null,
    apiPort,
    transfer: run.get('transfer'),
  });
  const client = new TurnoutClient({ baseUrl: apiUrl, token: config.token });
  const served = cleanup.use(
    'services',
    await Served.start({ directory, configFile: config.file, program: run.program }),
  );
  await served.ready(client, signal);
  run.set('config', config);
  run.set('apiUrl', apiUrl);
  run.set('client', client);
  run.set('served', served);
  const onLine = (line: string): void => run.live(line);
  const observer = new Observer(client, () => run.find('writers') ?? null, onLine);
  run.set('observer', cleanup.use('observer', observer));
  return `API at ${apiUrl}`;
}

function groupsOf(run: DemoRun): { route: Route; writers: number }[] {
  const { blue, green } = run.get('clusters');
  const extras = run.find('extras') ?? null;
  const sides = { blue: blue.url(PAIR, 'app'), green: green.url(PAIR, 'app') };
  const redis = extras?.redis?.url;
  const direct: Route = { kind: 'pool', pair: PAIR, ...sides, ...(redis ? { redis } : {}) };
  const { workload } = run.setting;
  const groups: { route: Route; writers: number }[] = [{ route: direct, writers: workload.direct }];
  if (extras !== null) {
    const route: Route = { kind: 'pgbouncer', url: extras.pgbouncer.url(PAIR) };
    groups.push({ route, writers: workload.pooled });
  }
  return groups.filter(({ writers }) => writers > 0);
}

export async function startTheWriters(run: DemoRun): Promise<string> {
  const { signal, cleanup } = run;
  const directory = join(run.directory, 'ledgers');
  await mkdir(directory);
  const groups = groupsOf(run);
  const size = run.get('size');
  const { perSecond, direct, pooled } = run.setting.workload;
  run.writersSinceMs = sharedMonotonicMs();
  const writers = cleanup.use('writers', startWriters({ groups, perSecond, directory, size }));
  run.set('writers', writers);
  await waitUntil(
    () => Promise.resolve(writers.counts().acknowledged >= FIRST_WRITES || undefined),
    {
      timeoutMs: FIRST_WRITES_MS_MAX,
      intervalMs: 50,
      signal,
      onTimeout: () => fail('local_server_failed', { server: 'writers', ...writers.counts() }),
    },
  );
  return `${direct + pooled} writers at work, aiming at ${count(perSecond)} transactions a second`;
}
