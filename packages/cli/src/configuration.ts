import { existsSync } from 'node:fs';
import { loadConfig, type LoadedConfig } from '@turnout/service-kit/config/load-config';
import { resolveConfig, type ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import type { GlobalOptions } from './verb.js';

const USUAL_FILE = 'turnout.yaml';

/** `--config`, else `TURNOUT_CONFIG`, else `turnout.yaml` here if there is one. */
export function configPath(
  { config }: Pick<GlobalOptions, 'config'>,
  env: NodeJS.ProcessEnv,
): string | undefined {
  return config ?? env['TURNOUT_CONFIG'] ?? (existsSync(USUAL_FILE) ? USUAL_FILE : undefined);
}

/** The file, the environment and the defaults put together, each value with its origin. */
export function loadConfiguration(
  global: Pick<GlobalOptions, 'config'>,
  env: NodeJS.ProcessEnv,
): LoadedConfig {
  return loadConfig({ file: configPath(global, env), env });
}

/** The same with endpoints and secrets read, ready for the services. */
export function readConfig(
  global: Pick<GlobalOptions, 'config'>,
  env: NodeJS.ProcessEnv,
): ResolvedConfig {
  return resolveConfig(loadConfiguration(global, env).config);
}
