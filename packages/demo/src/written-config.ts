import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret } from '@turnout/core/secret';
import { PAIR } from './options.js';
import type { Clusters, Extras } from './servers.js';

export interface WrittenConfig {
  readonly file: string;
  readonly tokenFile: string;
  readonly token: Secret;
}

export interface ConfigParts {
  readonly directory: string;
  readonly clusters: Clusters;
  readonly extras: Extras | null;
  readonly apiPort: number;
  readonly transfer: 'pg_dump' | 'existing';
}

function configOf({ clusters, extras, apiPort, transfer, directory }: ConfigParts): object {
  const { blue, green, control } = clusters;
  const routes = extras && [
    {
      pgbouncer: {
        admin: extras.pgbouncer.adminUrl,
        file: extras.pgbouncer.databasesFile,
        database: PAIR,
      },
    },
    ...(extras.redis ? [{ redis: {} }] : []),
  ];
  return {
    control: { url: control.url('turnout') },
    api: { listen: `127.0.0.1:${apiPort}`, tokens_file: join(directory, 'tokens.yaml') },
    bus: extras?.kafka ? { kind: 'kafka', brokers: extras.kafka.brokers } : { kind: 'postgres' },
    ...(extras?.redis ? { redis: { url: extras.redis.url } } : {}),
    log: { level: 'info' },
    pairs: {
      [PAIR]: {
        blue: { url: blue.url(PAIR) },
        green: { url: green.url(PAIR) },
        schema: { transfer },
        ...(routes ? { routes } : {}),
      },
    },
  };
}

/** Writes the configuration and one token as an operator would; JSON is YAML too. */
export async function writeConfig(parts: ConfigParts): Promise<WrittenConfig> {
  const token = randomBytes(24).toString('base64url');
  const sha256 = createHash('sha256').update(token).digest('hex');
  const file = join(parts.directory, 'turnout.yaml');
  const tokenFile = join(parts.directory, 'token');
  const tokens = { tokens: [{ name: 'demo', role: 'admin', sha256 }] };
  await writeFile(join(parts.directory, 'tokens.yaml'), JSON.stringify(tokens), { mode: 0o600 });
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  await writeFile(file, JSON.stringify(configOf(parts), null, 2), { mode: 0o600 });
  return { file, tokenFile, token: new Secret(token) };
}
