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
import { count } from '../output/figures.js';
import { loadBlue, loadSchemaOnGreen, startClusters } from './clusters.js';
import { writeConfig } from './demo-config.js';
import { PAIR } from './demo-options.js';
import { startExtras } from './extras.js';
import { Observer } from './observer.js';
import type { Scene } from './scene.js';
import { Served } from './served.js';

const FIRST_WRITES_MS_MAX = 20_000;
/** Written by every writer before the job begins: then they really are at work. */
const FIRST_WRITES = 100;

export async function startServers(scene: Scene): Promise<string> {
  const clusters = await startClusters(scene.cleanup);
  scene.set('clusters', clusters);
  const extras = await startExtras(scene.options.extras, clusters, scene.cleanup);
  scene.set('extras', extras);
  const { blue, green, control } = clusters;
  const names = `blue ${blue.version}, green ${green.version}, control ${control.version}`;
  const more = extras && ['PgBouncer', extras.kafka && 'Kafka', extras.redis && 'Redis'];
  return [names, ...(more ?? [])].filter(Boolean).join(', ');
}

export async function loadTheShop(scene: Scene): Promise<string> {
  const clusters = scene.get('clusters');
  const { schema } = scene.options;
  const found = await findProgram('pg_dump');
  if (schema === 'pg_dump' && found === null) throw fail('program_missing', { program: 'pg_dump' });
  const transfer = schema === 'auto' ? (found === null ? 'existing' : 'pg_dump') : schema;
  scene.set('size', await loadBlue(clusters, scene.options.workload.scale));
  scene.set('transfer', transfer);
  if (transfer === 'pg_dump') return 'loaded on blue; pg_dump will bring the schema to green';
  await loadSchemaOnGreen(clusters);
  const why = found === null ? 'pg_dump is not installed' : 'as asked for';
  return `loaded on blue; the same DDL on green (transfer existing: ${why})`;
}

export async function startServices(scene: Scene): Promise<string> {
  const { directory, signal, cleanup } = scene;
  const apiPort = await freePort();
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const config = await writeConfig({
    directory,
    clusters: scene.get('clusters'),
    extras: scene.find('extras') ?? null,
    apiPort,
    transfer: scene.get('transfer'),
  });
  const client = new TurnoutClient({ baseUrl: apiUrl, token: config.token });
  const served = cleanup.use('services', await Served.start(directory, config.file));
  await served.ready(client, signal);
  scene.set('config', config);
  scene.set('apiUrl', apiUrl);
  scene.set('client', client);
  scene.set('served', served);
  const onLine = (line: string): void => scene.live(line);
  const observer = new Observer(client, () => scene.find('writers') ?? null, onLine);
  scene.set('observer', cleanup.use('observer', observer));
  return `API at ${apiUrl}`;
}

function groupsOf(scene: Scene): { route: Route; writers: number }[] {
  const { blue, green } = scene.get('clusters');
  const extras = scene.find('extras') ?? null;
  const sides = { blue: blue.url(PAIR, 'app'), green: green.url(PAIR, 'app') };
  const redis = extras?.redis?.url;
  const direct: Route = { kind: 'pool', pair: PAIR, ...sides, ...(redis ? { redis } : {}) };
  const { workload } = scene.options;
  const groups: { route: Route; writers: number }[] = [{ route: direct, writers: workload.direct }];
  if (extras !== null) {
    const route: Route = { kind: 'pgbouncer', url: extras.pgbouncer.url(PAIR) };
    groups.push({ route, writers: workload.pooled });
  }
  return groups.filter(({ writers }) => writers > 0);
}

export async function startTheWriters(scene: Scene): Promise<string> {
  const { signal, cleanup } = scene;
  const directory = join(scene.directory, 'ledgers');
  await mkdir(directory);
  const groups = groupsOf(scene);
  const size = scene.get('size');
  const { perSecond, direct, pooled } = scene.options.workload;
  scene.writersSinceMs = sharedMonotonicMs();
  const writers = cleanup.use('writers', startWriters({ groups, perSecond, directory, size }));
  scene.set('writers', writers);
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
