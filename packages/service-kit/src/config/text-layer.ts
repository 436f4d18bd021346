import { fail } from '@turnout/contracts/errors';
import { childNode, CONFIG_NODE, type SchemaNode, type Tree } from './schema-node.js';
import type { Layer } from './layers.js';

const PREFIX = 'TURNOUT_';

function nodeAt(keys: readonly string[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = CONFIG_NODE;
  for (const key of keys) node = node && childNode(node, key);
  return node;
}

/** Reads a text as the schema at `keys` wants it; lists are JSON or separated by commas. */
function coerce(text: string, keys: readonly string[], origin: string): unknown {
  const type = nodeAt(keys)?.type;
  if (type === 'integer' || type === 'number') return text.trim() === '' ? text : Number(text);
  if (type !== 'array') return text;
  if (!text.trim().startsWith('[')) return text.split(',').map((each) => each.trim());
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw fail(
      'config_value_invalid',
      { key: keys.join('.'), origin, expected: 'a JSON list' },
      thrown,
    );
  }
}

function setAt(tree: Tree, keys: readonly string[], value: unknown): void {
  const last = keys.length - 1;
  let at = tree;
  for (const key of keys.slice(0, last)) {
    const next = (at[key] ??= {}) as Tree;
    at = next;
  }
  at[keys[last]!] = value;
}

/**
 * `TURNOUT_PAIRS__SHOP__WINDOW__MAX=3s`: the double underscore separates levels. Variables without
 * one (`TURNOUT_CONFIG`, `TURNOUT_TOKEN` and such) are not of the configuration.
 */
export function envLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  const tree: Tree = {};
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || !name.includes('__') || value === undefined) continue;
    const keys = name.slice(PREFIX.length).toLowerCase().split('__');
    setAt(tree, keys, coerce(value, keys, `env ${name}`));
    for (let depth = 1; depth <= keys.length; depth += 1) {
      names.set(keys.slice(0, depth).join('.'), name);
    }
  }
  return { tree, originOf: (path) => `env ${names.get(path) ?? PREFIX}` };
}

/** Flags by dotted path: `{'api.listen': '127.0.0.1:0'}`. */
export function flagLayer(flags: Readonly<Record<string, string | undefined>>): Layer {
  const tree: Tree = {};
  for (const [path, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const keys = path.split('.');
    setAt(tree, keys, coerce(value, keys, 'flag'));
  }
  return { tree, originOf: () => 'flag' };
}
