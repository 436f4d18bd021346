import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '@turnout/core/waiting';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { withClient } from '@turnout/testkit/cluster/client';
import { freePort } from '@turnout/testkit/process/free-port';
import { startProxy } from '@turnout/testkit/tcp-proxy';
import { startTurnout, turnout, type Run } from './turnout.js';

const TABLES = `
  create table public.item (id int primary key, name text);
  insert into public.item select n, 'item ' || n from generate_series(1, 100) n`;
const KEYLESS = `create table public.note (body text)`;
const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

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
  readonly config: Config;
  run(...words: string[]): Promise<Run>;
  call(method: string, path: string, request?: Request): Promise<Answer>;
  /** Every trace of Turnout in the database of a URL: schema, triggers, publications, slots. */
  traces(url: string): Promise<string[]>;
}

export interface Request {
  readonly role?: Role | 'none' | 'stranger' | undefined;
  readonly body?: unknown;
  readonly raw?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface PairUrls {
  readonly blue: { readonly url: string };
  readonly green: { readonly url: string };
  readonly [key: string]: unknown;
}

export interface Config {
  readonly pairs: Readonly<Record<string, PairUrls>>;
  readonly [key: string]: unknown;
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

function configOf({ blue, green, dull, proxyPort, deadPort, apiPort, directory }: Parts): Config {
  const pair = (from: string, to: string, more: object = {}): PairUrls => ({
    blue: { url: from },
    green: { url: to },
    schema: { transfer: 'existing' },
    ...more,
  });
  const dead = `127.0.0.1:${deadPort}`;
  const routes = [
    {
      pgbouncer: {
        admin: `postgres://pgbouncer@${dead}/pgbouncer`,
        file: join(directory, 'databases.ini'),
        database: 'routed',
      },
    },
    { redis: {} },
  ];
  return {
    control: { url: green.url('control') },
    api: { listen: `127.0.0.1:${apiPort}`, tokens_file: join(directory, 'tokens.yaml') },
    // Nobody listens there: everything below works without its news.
    bus: { kind: 'kafka', brokers: [dead] },
    redis: { url: `redis://${dead}` },
    log: { level: 'warn' },
    pairs: {
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
    },
  };
}

async function tracesIn(url: string): Promise<string[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ trace: string }>(
      `select 'schema ' || nspname as trace from pg_namespace where nspname = 'turnout'
       union all select 'trigger on ' || tgrelid::regclass from pg_trigger where tgname like 'turnout%'
       union all select 'publication ' || pubname from pg_publication
       union all select 'slot ' || slot_name from pg_replication_slots
         where database = current_database()`,
    );
    return rows.map(({ trace }) => trace);
  });
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

async function writeFiles(parts: Parts): Promise<{ configFile: string; config: Config }> {
  const configFile = join(parts.directory, 'turnout.yaml');
  const config = configOf(parts);
  const tokens = ROLES.map((role) => ({
    name: role,
    role,
    sha256: createHash('sha256').update(role).digest('hex'),
  }));
  await writeFile(join(parts.directory, 'tokens.yaml'), JSON.stringify({ tokens }));
  await writeFile(join(parts.directory, 'databases.ini'), '[databases]\n');
  await writeFile(configFile, JSON.stringify(config, null, 2));
  return { configFile, config };
}

/** Starts everything; whatever was started is ended by disposing, in reverse. */
export async function startBadCluster(): Promise<BadCluster> {
  const undo: (() => Promise<unknown>)[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'turnout-bad-'));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  const [blue, green, dull] = await Promise.all([
    startCluster({ version: '13' }),
    startCluster({ version: '15' }),
    startCluster({ version: '13', settings: { wal_level: 'replica' } }),
  ]);
  for (const cluster of [blue, green, dull]) undo.push(() => cluster[Symbol.asyncDispose]());
  await green.createDatabase('control');
  await makeDatabases(blue, green, dull);
  const proxy = await startProxy({ targetPort: blue.port });
  undo.push(() => proxy[Symbol.asyncDispose]());
  const ports = { proxyPort: proxy.port, deadPort: await freePort(), apiPort: await freePort() };
  const { configFile, config } = await writeFiles({ blue, green, dull, directory, ...ports });
  const api = `http://127.0.0.1:${ports.apiPort}`;
  const serve = startTurnout(['--config', configFile, 'serve']);
  undo.push(() => {
    serve.interrupt();
    return serve.done;
  });
  await waitUntil(
    async () => ((await fetch(`${api}/livez`).catch(() => null))?.ok ? true : undefined),
    { timeoutMs: 30_000, intervalMs: 50, onTimeout: () => new Error('nothing serves') },
  );
  return {
    blue,
    green,
    directory,
    configFile,
    config,
    run: (...words) => turnout(['--config', configFile, ...words], { TURNOUT_TOKEN: 'admin' }),
    call: (method, path, request = {}) => callApi(api, method, path, request),
    traces: tracesIn,
    async [Symbol.asyncDispose]() {
      for (const step of undo.toReversed()) await step();
    },
  };
}
