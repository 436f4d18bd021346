import { expectationOf } from './expected-differences.js';
import { keyOf, type SchemaObject } from './schema-object.js';

export const FOUND = ['missing on to', 'missing on from', 'different'] as const;

/** `from` and `to` are definitions and may hold literals: kind and name are for people, these are not. */
export interface SchemaDifference {
  readonly kind: string;
  readonly name: string;
  readonly found: (typeof FOUND)[number];
  readonly from: string | null;
  readonly to: string | null;
}

export interface SchemaOfSide {
  /** Of the server, as 13 or 15. */
  readonly major: number;
  readonly objects: readonly SchemaObject[];
}

type Keyed = ReadonlyMap<string, SchemaObject>;

function keyed({ objects }: SchemaOfSide): Keyed {
  return new Map(objects.map((object) => [keyOf(object), object]));
}

/** A column that one side lacks is a difference of its own: order counts among the common ones. */
function sameOrder(from: string, to: string): boolean {
  const [left, right] = [JSON.parse(from) as string[], JSON.parse(to) as string[]];
  const inLeft = new Set(left);
  const inRight = new Set(right);
  const common = left.filter((name) => inRight.has(name));
  return common.join('\0') === right.filter((name) => inLeft.has(name)).join('\0');
}

function differenceOf(
  from: SchemaObject | undefined,
  to: SchemaObject | undefined,
): SchemaDifference | null {
  const { kind, name } = (from ?? to)!;
  const row = { kind, name, from: from?.definition ?? null, to: to?.definition ?? null };
  if (!to) return { ...row, found: 'missing on to' };
  if (!from) return { ...row, found: 'missing on from' };
  if (from.definition === to.definition) return null;
  if (kind === 'column_order' && sameOrder(from.definition, to.definition)) return null;
  return { ...row, found: 'different' };
}

/** Whether the difference only follows from another one: its table is missing, its root differs. */
function onlyFollows(object: SchemaObject, raw: ReadonlyMap<string, SchemaDifference>): boolean {
  const whole = object.partOf === null ? undefined : raw.get(object.partOf);
  if (whole !== undefined && whole.found !== 'different') return true;
  return object.follows !== null && raw.has(object.follows);
}

/**
 * Every object that is on one side only or not the same on both. What goes with a missing object is
 * not listed beside it, and expected differences of these majors are left out.
 */
export function compareSchemas(from: SchemaOfSide, to: SchemaOfSide): SchemaDifference[] {
  const [left, right] = [keyed(from), keyed(to)];
  const raw = new Map<string, SchemaDifference>();
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const difference = differenceOf(left.get(key), right.get(key));
    if (difference !== null) raw.set(key, difference);
  }
  return [...raw]
    .filter(([key, difference]) => {
      if (expectationOf(difference)?.between(from.major, to.major)) return false;
      return !onlyFollows((left.get(key) ?? right.get(key))!, raw);
    })
    .map(([, difference]) => difference)
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
