import { createHash } from 'node:crypto';
import { access, chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from './process/cache-directory.js';
import { freePort } from './process/free-port.js';
import { findProgram } from './process/program.js';
import { run } from './process/run.js';
import { Server } from './process/server.js';
import { unprivileged } from './process/unprivileged.js';

const READY_MS_MAX = 60_000;
const FETCH_SCRIPT = 'deploy/local/fetch-kafka.sh';
const LOCAL = fileURLToPath(new URL('../../../deploy/local/', import.meta.url));

/** A real Kafka of one node, broker and controller at once. */
export interface Kafka extends AsyncDisposable {
  readonly port: number;
  readonly brokers: readonly string[];
  /** Ends it by signal 9; its log stays, `start` recovers. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

/** Names what is missing, or null. */
export async function kafkaMissing(): Promise<string | null> {
  if ((await findProgram('java')) === null) return 'java is not installed (a JRE, 17 or newer)';
  return access(join(LOCAL, 'kafka', 'complete')).then(
    () => null,
    () => `the Kafka jars are not there; run ${FETCH_SCRIPT} (needs Maven)`,
  );
}

export async function startKafka(): Promise<Kafka> {
  const missing = await kafkaMissing();
  const java = await findProgram('java');
  if (missing !== null || java === null) throw new Error(missing ?? 'java is missing');
  const classes = await readableJars();
  let formatted = '';
  const server = await Server.start({
    name: 'kafka',
    readyMsMax: READY_MS_MAX,
    async prepare(directory, port) {
      const file = join(directory, 'server.properties');
      const args = ['-Xmx384m', '-Xms128m', '-XX:+UseSerialGC', '-cp', classes];
      // After a crash the properties and the log on disk must be the ones it ran with.
      if (formatted !== `${port}`) {
        await writeFile(file, properties(directory, port, await freePort()));
        await chmod(file, 0o644);
        const tool = [...args, 'kafka.tools.StorageTool'];
        const id = (await run(java, [...tool, 'random-uuid'])).trim();
        const format = [...tool, 'format', '--ignore-formatted', '-t', id, '-c', file];
        await run(java, format, { ...unprivileged(), cwd: directory });
        formatted = `${port}`;
      }
      return { command: java, args: [...args, 'kafka.Kafka', file] };
    },
  });
  return {
    port: server.port,
    brokers: [`127.0.0.1:${server.port}`],
    crash: () => server.kill(),
    start: () => server.start(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Class path that the unprivileged user can read, which a private checkout is not. */
async function readableJars(): Promise<string> {
  const lib = join(LOCAL, 'kafka', 'lib');
  const names = (await readdir(lib)).toSorted();
  const hash = createHash('sha256').update(names.join()).digest('hex').slice(0, 8);
  const copy = await cached(`kafka-${hash}`, async (draft) => {
    await run('cp', ['-R', lib, draft]);
    await run('chmod', ['-R', 'a+rX', draft]);
  });
  return join(copy, '*');
}

function properties(directory: string, port: number, controllerPort: number): string {
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(directory, 'log'),
    'num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    'log.cleaner.enable': false,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
