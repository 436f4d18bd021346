import { fail } from '@turnout/contracts/errors';
import { suggest } from './suggestion.js';
import { childNode, isTree, type SchemaNode, type Tree } from './schema-node.js';

/** Where a value came from: `flag`, `env TURNOUT_…`, `file …`, `default`. */
export type Origins = Map<string, string>;

export interface Layer {
  readonly tree: Tree;
  /** Origin of the value at a dotted path. */
  originOf(path: string): string;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** @throws TRN1002, TRN1007 for a pair whose name is not one */
function knownChild(node: SchemaNode, key: string, path: string, origin: string): SchemaNode {
  const child = childNode(node, key);
  if (child) return child;
  if (node.patternProperties) throw fail('pair_name_invalid', { pair: key, origin });
  const meant = suggest(key, Object.keys(node.properties ?? {}));
  throw fail('config_key_unknown', {
    key: join(path, key),
    origin,
    did_you_mean: meant === null ? null : join(path, meant),
  });
}

/**
 * Lays `layer` over `below`, key by key; lists are replaced whole. Records where each value is from.
 * @throws TRN1002, TRN1007
 */
export function overlay(
  below: Tree,
  layer: Layer,
  node: SchemaNode,
  origins: Origins,
  path = '',
): Tree {
  const result: Tree = { ...below };
  for (const [key, value] of Object.entries(path === '' ? layer.tree : treeAt(layer.tree, path))) {
    const here = join(path, key);
    const child = knownChild(node, key, path, layer.originOf(here));
    // `metrics:` with nothing behind it means: nothing set.
    if (value === null || value === undefined) continue;
    if (isTree(value) && (child.properties || child.patternProperties)) {
      const base = isTree(result[key]) ? result[key] : {};
      result[key] = overlay(base, layer, child, origins, here);
    } else {
      checkKeys(value, child, here, layer.originOf(here));
      result[key] = value;
      origins.set(here, layer.originOf(here));
    }
  }
  return result;
}

/** Entries of a list may hold mappings whose keys must be known too. */
function checkKeys(value: unknown, node: SchemaNode, path: string, origin: string): void {
  if (Array.isArray(value) && node.items) {
    for (const [index, each] of value.entries()) {
      checkKeys(each, node.items, `${path}.${index}`, origin);
    }
  } else if (isTree(value) && node.properties) {
    for (const [key, each] of Object.entries(value)) {
      checkKeys(each, knownChild(node, key, path, origin), join(path, key), origin);
    }
  }
}

function treeAt(tree: Tree, path: string): Tree {
  return path.split('.').reduce<Tree>((at, key) => at[key] as Tree, tree);
}

/** Fills in what nothing has set. Pairs exist only when named. */
export function fillDefaults(tree: Tree, node: SchemaNode, origins: Origins, path = ''): Tree {
  const result: Tree = { ...tree };
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const here = join(path, key);
    const value = result[key];
    if (child.properties && (value === undefined || isTree(value))) {
      // A section is always there; whether a required value in it is missing is validated later.
      if (value === undefined && !node.required?.includes(key)) continue;
      result[key] = fillDefaults(isTree(value) ? value : {}, child, origins, here);
    } else if (value === undefined && child.default !== undefined) {
      result[key] = structuredClone(child.default);
      origins.set(here, 'default');
    }
  }
  for (const child of Object.values(node.patternProperties ?? {})) {
    for (const [key, value] of Object.entries(result)) {
      if (isTree(value)) result[key] = fillDefaults(value, child, origins, join(path, key));
    }
  }
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    if (child.patternProperties && isTree(result[key])) {
      result[key] = fillDefaults(result[key], child, origins, join(path, key));
    }
  }
  return result;
}
