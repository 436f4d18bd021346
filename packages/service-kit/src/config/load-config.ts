import { CONFIG_SCHEMA, type TurnoutConfig } from '@turnout/contracts/config';
import { fail } from '@turnout/contracts/errors';
import { Errors } from 'typebox/value';
import { readConfigFile } from './config-file.js';
import { fillDefaults, overlay, type Origins } from './layers.js';
import { CONFIG_NODE, type Tree } from './schema-node.js';
import { envLayer, flagLayer } from './text-layer.js';

export interface ConfigSources {
  /** Path of `turnout.yaml`; none means environment and flags only. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By dotted path; values as texts. */
  readonly flags?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface LoadedConfig {
  readonly config: TurnoutConfig;
  /** Dotted path of each value to where it came from. */
  readonly origins: ReadonlyMap<string, string>;
}

/** The values are not quoted: a URL in the wrong place may hold a password. @throws TRN1003 */
function validate(tree: Tree, origins: Origins): TurnoutConfig {
  const [first] = Errors(CONFIG_SCHEMA, tree);
  if (first) {
    const path = first.instancePath.slice(1).replaceAll('/', '.');
    const missing =
      first.keyword === 'required' ? (first.params.requiredProperties[0] ?? null) : null;
    const key = [path, missing].filter((part) => part !== '' && part !== null).join('.');
    const origin = origins.get(key) ?? null;
    throw fail('config_value_invalid', { key, must: first.message, origin });
  }
  return tree as unknown as TurnoutConfig;
}

/**
 * Puts the layers together: flags before environment before file before defaults.
 * @throws TRN1001, TRN1002, TRN1003, TRN1004, TRN1007
 */
export function loadConfig({ file, env, flags = {} }: ConfigSources): LoadedConfig {
  const origins: Origins = new Map();
  const layers = [
    ...(file === undefined
      ? []
      : [{ tree: readConfigFile(file, env), originOf: () => `file ${file}` }]),
    envLayer(env),
    flagLayer(flags),
  ];
  let tree: Tree = {};
  for (const layer of layers) tree = overlay(tree, layer, CONFIG_NODE, origins);
  const filled = fillDefaults(tree, CONFIG_NODE, origins);
  return { config: validate(filled, origins), origins };
}
