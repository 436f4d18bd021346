import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenRole } from '@turnout/service-kit/tokens';
import { Cleanup } from '@turnout/testkit/cleanup';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { withClient } from '@turnout/testkit/cluster/client';
import {
  writeConfigFiles,
  type ConfigFiles,
  type PairEntry,
  type PairSettings,
  type WrittenConfig,
} from '@turnout/testkit/pair/config-files';
import { tracesIn } from '@turnout/testkit/pair/leftovers';
import { freePort } from '@turnout/testkit/process/free-port';
import { startProxy } from '@turnout/testkit/tcp-proxy';
import { serve, type Run } from './turnout.js';

const TABLES = `
  create table public.item (id int primary key, name text);
  insert into public.item select n, 'item ' || n from generate_series(1, 100) n`;
const KEYLESS = `create table public.note (body text)`;

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly etag: string | null;
  readonly body: Record<string, unknown>;
}

/** Real clusters with one good pair and one for each thing that may be wrong, served by the program. */
export interface BadCluster extends AsyncDisposable {
  readonly blue: Cluster;
  readonly green: Cluster;
  readonly directory: string;
  readonly configFile: string;
  /** Configuration as written; for variants of it. */
  readonly config: WrittenConfig;
  run(...words: string[]): Promise<Run>;
  call(method: string, path: string, request?: Request): Promise<Answer>;
  /** Every trace of Turnout in the database of a URL: schema, triggers, publications, slots. */
  traces(url: string): Promise<string[]>;
}

export interface Request {
  readonly role?: TokenRole | 'none' | 'stranger' | undefined;
  readonly body?: unknown;
  readonly raw?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

async function makeDatabases(blue: Cluster, green: Cluster, dull: Cluster): Promise<void> {
  for (const cluster of [blue, green]) {
    await withClient(cluster.url(), (client) => client.query('create role plain login'));
    for (const name of ['shop', 'routed', 'spare', 'keyless', 'strict']) {
      const url = await cluster.createDatabase(name);
      const ddl = name === 'keyless' ? KEYLESS : TABLES;
      await withClient(url, async (client) => {
        await client.query(ddl);
        if (cluster === green && name !== 'keyless') await client.query('truncate public.item');
      });
    }
  }
  const url = await dull.createDatabase('spare');
  await withClient(url, (client) => client.query(TABLES));
}

interface Parts {
  readonly blue: Cluster;
  readonly green: Cluster;
  readonly dull: Cluster;
  readonly proxyPort: number;
  readonly deadPort: number;
  readonly apiPort: number;
  readonly directory: string;
}

/** One good pair, and one for each thing that may be wrong. */
function pairsOf({ blue, green, dull, proxyPort, deadPort, directory }: Parts) {
  const dead = `127.0.0.1:${deadPort}`;
  const routes: PairSettings['routes'] = [
    {
      pgbouncer: {
        admin: `postgres://pgbouncer@${dead}/pgbouncer`,
        file: join(directory, 'databases.ini'),
        database: 'routed',
      },
    },
    { redis: {} },
  ];
  const pair = (from: string, to: string, settings?: PairSettings): PairEntry => ({
    blue: from,
    green: to,
    settings,
  });
  return {
    shop: pair(blue.url('shop'), green.url('shop')),
    routed: pair(blue.url('routed'), green.url('routed'), { routes }),
    no_host: pair(`postgres://postgres@${dead}/shop`, green.url('spare')),
    no_database: pair(blue.url('spare'), green.url('nowhere')),
    twin: pair(blue.url('spare'), `postgres://postgres@127.0.0.1:${proxyPort}/spare`),
    no_rights: pair(blue.url('spare', 'plain'), green.url('spare', 'plain')),
    low_wal: pair(dull.url('spare'), green.url('spare')),
    no_slot: pair(blue.url('spare'), green.url('spare')),
    // Looks well until the first row is copied.
    strict: pair(blue.url('strict'), green.url('strict')),
    thief: pair(blue.url('shop'), green.url('spare')),
    keyless: pair(blue.url('keyless'), green.url('keyless')),
    bad_both: pair(dull.url('spare'), green.url('keyless', 'plain')),
  };
}

async function callApi(
  api: string,
  method: string,
  path: string,
  request: Request,
): Promise<Answer> {
  const { role = 'admin', body, raw, headers = {} } = request;
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${api}/v1${path}`, {
    method,
    headers: {
      ...(role === 'none' ? {} : { authorization: `Bearer ${role}` }),
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    etag: response.headers.get('etag'),
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

async function writeFiles(parts: Parts): Promise<ConfigFiles> {
  const dead = `127.0.0.1:${parts.deadPort}`;
  await writeFile(join(parts.directory, 'databases.ini'), '[databases]\n');
  return writeConfigFiles({
    directory: parts.directory,
    apiPort: parts.apiPort,
    controlUrl: parts.green.url('control'),
    pairs: pairsOf(parts),
    // Nobody listens there: everything below works without its news.
    common: {
      bus: { kind: 'kafka', brokers: [dead] },
      redis: { url: `redis://${dead}` },
      log: { level: 'warn' },
    },
  });
}

/** Starts everything; whatever was started is ended by disposing, in reverse. */
export async function startBadCluster(): Promise<BadCluster> {
  const cleanup = new Cleanup();
  const directory = await mkdtemp(join(tmpdir(), 'turnout-bad-'));
  cleanup.add('directory', () => rm(directory, { recursive: true, force: true }));
  const [blue, green, dull] = await Promise.all([
    startCluster({ version: '13' }),
    startCluster({ version: '15' }),
    startCluster({ version: '13', settings: { wal_level: 'replica' } }),
  ]);
  for (const cluster of [blue, green, dull]) cleanup.use('server', cluster);
  await green.createDatabase('control');
  await makeDatabases(blue, green, dull);
  const proxy = cleanup.use('proxy', await startProxy({ targetPort: blue.port }));
  const ports = { proxyPort: proxy.port, deadPort: await freePort(), apiPort: await freePort() };
  const { file: configFile, content } = await writeFiles({
    blue,
    green,
    dull,
    directory,
    ...ports,
  });
  const served = cleanup.use('program', await serve(configFile));
  const api = `http://127.0.0.1:${ports.apiPort}`;
  return {
    blue,
    green,
    directory,
    configFile,
    config: content,
    run: (...words) => served.run(...words),
    call: (method, path, request = {}) => callApi(api, method, path, request),
    traces: tracesIn,
    [Symbol.asyncDispose]: () => cleanup.finish(),
  };
}
