import { CONFIG_SCHEMA } from '../config.js';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly additionalProperties?: unknown;
  readonly patternProperties?: Readonly<Record<string, Node>>;
}

/** What a file may leave out: whatever has a default, and objects of which every part may be left out. */
function optional(node: Node): boolean {
  return (
    node.default !== undefined || (node.properties !== undefined && node.required === undefined)
  );
}

function relaxed(node: Node): Node {
  const { properties, patternProperties, required = [], ...rest } = node;
  const inner = mapped(properties);
  const kept = required.filter((key) => !optional(inner?.[key] ?? {}));
  return {
    ...rest,
    ...(inner ? { properties: inner } : {}),
    ...(patternProperties ? { patternProperties: mapped(patternProperties) ?? {} } : {}),
    ...(kept.length > 0 ? { required: kept } : {}),
  };
}

function mapped(
  nodes: Readonly<Record<string, Node>> | undefined,
): Record<string, Node> | undefined {
  if (nodes === undefined) return undefined;
  return Object.fromEntries(Object.entries(nodes).map(([key, node]) => [key, relaxed(node)]));
}

/**
 * The schema of `turnout.yaml` as a person writes it: the one the program checks against has every
 * default filled in already, and would ask for keys that nobody needs to write.
 */
export function editorSchema(): Readonly<Record<string, unknown>> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...relaxed(CONFIG_SCHEMA as unknown as Node),
  };
}
