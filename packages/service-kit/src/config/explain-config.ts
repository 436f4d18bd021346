import { redactUrl } from '@turnout/core/secret';
import type { LoadedConfig } from './load-config.js';
import { childNode, CONFIG_NODE, isTree, type SchemaNode } from './schema-node.js';

export interface ExplainedValue {
  readonly key: string;
  readonly value: unknown;
  /** `flag`, `env NAME`, `file PATH` or `default`. */
  readonly origin: string;
}

/** Anything that looks like a URL loses its credentials, wherever it stands. */
function redact(value: unknown): unknown {
  if (typeof value === 'string') return redactUrl(value);
  if (Array.isArray(value)) return value.map(redact);
  if (!isTree(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redact(each)]));
}

function collect(
  value: unknown,
  node: SchemaNode | undefined,
  path: string,
  origins: ReadonlyMap<string, string>,
): ExplainedValue[] {
  if (isTree(value) && (node?.properties || node?.patternProperties)) {
    return Object.entries(value).flatMap(([key, each]) =>
      collect(each, childNode(node, key), path === '' ? key : `${path}.${key}`, origins),
    );
  }
  return [{ key: path, value: redact(value), origin: origins.get(path) ?? 'default' }];
}

/** Every value with where it came from; secrets never appear. */
export function explainConfig({ config, origins }: LoadedConfig): ExplainedValue[] {
  return collect(config, CONFIG_NODE, '', origins);
}
