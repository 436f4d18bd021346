import { readFileSync } from 'node:fs';
import { TurnoutClient } from '@turnout/api-client/turnout-client';
import { fail } from '@turnout/contracts/errors';
import { messageOf } from '@turnout/core/app-error';
import { Secret } from '@turnout/core/secret';
import type { GlobalOptions } from './verb.js';
import { configPath, readConfig } from './configuration.js';

const DEFAULT_API = 'http://127.0.0.1:7400';

function readToken(file: string): Secret {
  try {
    return new Secret(readFileSync(file, 'utf8').trim());
  } catch (thrown) {
    throw fail('secret_unreadable', { file, cause: messageOf(thrown) }, thrown);
  }
}

/** Address of the API: `--api`, else `api.listen` of the configuration, else the usual port here. */
function apiAddress(global: GlobalOptions, env: NodeJS.ProcessEnv): string {
  if (global.api !== undefined) return checkedUrl(global.api);
  if (configPath(global, env) === undefined) return DEFAULT_API;
  const { host, port } = readConfig(global, env).api;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function checkedUrl(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  throw fail('usage_invalid', { option: '--api', value: text, expected: 'http://HOST:PORT' });
}

export function openClient(global: GlobalOptions, env: NodeJS.ProcessEnv): TurnoutClient {
  const fromEnv = env['TURNOUT_TOKEN'];
  const token = global.tokenFile
    ? readToken(global.tokenFile)
    : fromEnv
      ? new Secret(fromEnv)
      : undefined;
  return new TurnoutClient({ baseUrl: apiAddress(global, env), token });
}
