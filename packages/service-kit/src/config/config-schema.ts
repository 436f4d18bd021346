import { CONFIG_NODE, isTree, type SchemaNode, type Tree } from './schema-node.js';

/** Whether a file may leave it out: it has a default, or all that is in it may be left out. */
function isOptional(node: SchemaNode): boolean {
  if (node.default !== undefined) return true;
  if (!node.properties) return false;
  return Object.entries(node.properties).every(
    ([key, child]) => !node.required?.includes(key) || isOptional(child),
  );
}

function relax(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relax);
  if (!isTree(value)) return value;
  const node = value as SchemaNode;
  const result: Tree = {};
  for (const [key, each] of Object.entries(value)) {
    if (key === 'required' && node.properties && Array.isArray(each)) {
      const kept = node.required!.filter((name) => !isOptional(node.properties![name]!));
      if (kept.length > 0) result[key] = kept;
    } else {
      result[key] = relax(each);
    }
  }
  return result;
}

/** JSON Schema of `turnout.yaml`: what has a default may be left out. */
export function configFileSchema(): Tree {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...(relax(CONFIG_NODE) as Tree),
  };
}
