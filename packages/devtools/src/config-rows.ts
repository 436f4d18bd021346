interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly items?: Schema;
}

/** Every setting with its path, its default and what it means; a pair's name is `P`. */
export function configRows(schema: Schema, path = '', needed = false): string[][] {
  const named = Object.entries(schema.properties ?? {});
  const inner = Object.values(schema.patternProperties ?? {});
  if (named.length === 0 && inner.length === 0) return [leaf(schema, path, needed)];
  const join = (name: string): string => (path === '' ? name : `${path}.${name}`);
  return [
    ...named.flatMap(([name, each]) =>
      configRows(each, join(name), schema.required?.includes(name) ?? false),
    ),
    ...inner.flatMap((each) => configRows(each, join('P'))),
  ];
}

function leaf(schema: Schema, path: string, needed: boolean): string[] {
  const { default: fallback, description = '', enum: choices } = schema;
  const options = choices ?? Object.keys(schema.items?.properties ?? {});
  const closed =
    options.length > 0 ? ` One of ${options.map((each) => `\`${each}\``).join(', ')}.` : '';
  const text = typeof fallback === 'string' ? fallback : JSON.stringify(fallback);
  return [
    `\`${path}\``,
    fallback === undefined ? (needed ? 'needed' : '–') : `\`${text}\``,
    `${description}${closed}`,
  ];
}
