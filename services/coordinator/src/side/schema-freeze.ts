import { objectName } from '@turnout/core/object-names';
import type { Side } from '@turnout/core/sides';
import { readCatalogState, type CatalogState } from '@turnout/postgres/catalog/catalog-state';
import { readUnpublished } from '@turnout/postgres/catalog/publications';
import {
  compareSchemas,
  type SchemaDifference,
  type SchemaOfSide,
} from '@turnout/postgres/catalog/schema/compare-schemas';
import { readSchemaObjects, schemaFingerprint } from '@turnout/postgres/catalog/schema-objects';
import { isSelected } from '@turnout/postgres/catalog/table-patterns';
import type { Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';

type FrozenPair = Pick<ResolvedPair, 'name' | 'tables'>;

/** What the gates see of one side, and what arm and fence compare with (PROTOCOL 4.3). */
export interface SideSchema extends SchemaOfSide {
  /** Equal on both sides where nothing differs that a dump would hold. */
  readonly fingerprint: string;
  /** To compare with later readings of the same side. */
  readonly state: CatalogState;
  /** Tables of the pair that the link's publication lacks; null when this side has none. */
  readonly unpublished: readonly string[] | null;
}

/** Everything about the schema of one side; tens of milliseconds, so not for the window. */
export async function readSideSchema(session: Session, pair: FrozenPair): Promise<SideSchema> {
  // The state first: what changes while the rest is read shows as a change, not as the beginning.
  const state = await readCatalogState(session, pair.tables);
  const schema = await readSchemaObjects(session, pair.tables);
  const links = [objectName(pair.name, 'forward'), objectName(pair.name, 'reverse')];
  const unpublished = await readUnpublished(session, links);
  return {
    ...schema,
    fingerprint: schemaFingerprint(schema),
    state,
    unpublished:
      unpublished
        ?.filter((table) => isSelected(table, pair.tables))
        .map(({ schema: space, name }) => `${space}.${name}`) ?? null,
  };
}

/** One thing that is wrong with the schemas, for people: kind, name and side, never a definition. */
export interface SchemaProblem {
  readonly kind: string;
  readonly name: string;
  readonly found: SchemaDifference['found'] | 'unguarded' | 'unpublished' | 'writes past the guard';
  /** The side to look at: where the thing is missing, unguarded or written. */
  readonly side: Side;
}

const namedTables = (
  names: readonly string[],
  found: SchemaProblem['found'],
  side: Side,
): SchemaProblem[] => names.map((name) => ({ kind: 'table', name, found, side }));

/** What of one side's state lets writes by: tables without an enabled guard, subscriptions. */
export function guardProblems(state: CatalogState, side: Side): SchemaProblem[] {
  return [
    ...namedTables(state.unguarded, 'unguarded', side),
    ...state.subscriptions.map((name) => ({
      kind: 'subscription',
      name,
      found: 'writes past the guard' as const,
      side,
    })),
  ];
}

/**
 * User tables on `from` = published ∪ excluded by rule = guarded by an enabled trigger = present on
 * `to`, and everything else a dump would hold equal on both. Empty when all of it is true.
 */
export function compareSides(
  from: SideSchema,
  to: SideSchema,
  sides: { readonly from: Side; readonly to: Side },
): SchemaProblem[] {
  return [
    ...compareSchemas(from, to).map(({ kind, name, found }) => ({
      kind,
      name,
      found,
      side: found === 'missing on from' ? sides.from : sides.to,
    })),
    ...namedTables(from.unpublished ?? [], 'unpublished', sides.from),
    ...guardProblems(from.state, sides.from),
    ...namedTables(to.state.unguarded, 'unguarded', sides.to),
  ];
}

/** A problem as a sentence: `view sales.open_orders is missing on green`. */
export function problemText({ kind, name, found, side }: SchemaProblem): string {
  const object = `${kind.replaceAll('_', ' ')} ${name}`;
  if (found === 'different') return `${object} differs on ${side}`;
  if (found === 'unguarded') return `${object} has no enabled guard on ${side}`;
  if (found === 'unpublished') return `${object} is not published on ${side}`;
  if (found === 'writes past the guard') return `${object} writes into ${side} past the guard`;
  return `${object} is missing on ${side}`;
}
