import { loadConfig, type LoadedConfig } from '@turnout/service-kit/config/load-config';
import { resolveConfig, type ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import type { GlobalOptions } from './verb.js';

/** `--config`, else `TURNOUT_CONFIG`, else `turnout.yaml` here. */
export function configPath(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  return flag ?? env['TURNOUT_CONFIG'] ?? 'turnout.yaml';
}

/** The file, the environment and the defaults put together, each value with its origin. */
export function loadConfiguration(
  { config }: Pick<GlobalOptions, 'config'>,
  env: NodeJS.ProcessEnv,
): Promise<LoadedConfig> {
  return Promise.resolve(loadConfig({ file: configPath(config, env), env, flags: {} }));
}

/** The same with endpoints and secrets read, ready for the services. */
export async function readConfig(
  global: Pick<GlobalOptions, 'config'>,
  env: NodeJS.ProcessEnv,
): Promise<ResolvedConfig> {
  return resolveConfig((await loadConfiguration(global, env)).config);
}
