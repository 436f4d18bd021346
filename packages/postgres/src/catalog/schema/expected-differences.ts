import type { SchemaObject } from './schema-object.js';

export interface ExpectedDifference {
  readonly kind: string;
  readonly name: RegExp;
  /** Whether servers of these two majors may differ in it. */
  readonly between: (from: number, to: number) => boolean;
  readonly reason: string;
}

const otherMajors = (from: number, to: number): boolean => from !== to;
const acrossMajor =
  (major: number) =>
  (from: number, to: number): boolean =>
    from < major !== to < major;

/**
 * What may differ between the sides of a pair without a difference in what the user made. An object
 * named here is not part of the fingerprint; where the majors are not those meant it is compared all
 * the same.
 */
export const EXPECTED_DIFFERENCES: readonly ExpectedDifference[] = [
  {
    kind: 'extension_version',
    name: /^/,
    between: otherMajors,
    reason: 'a server brings its own versions of its extensions',
  },
  {
    kind: 'owner',
    name: /^schema public$/,
    between: acrossMajor(15),
    reason: 'schema public belongs to pg_database_owner from 15 on',
  },
  {
    kind: 'grant',
    name: /^schema public to (PUBLIC|\(owner\)|pg_database_owner|postgres)$/,
    between: acrossMajor(15),
    reason: 'PUBLIC may not create in schema public from 15 on',
  },
];

/** What the fingerprint does not look at, and why. */
export const NOT_COMPARED: readonly { readonly what: string; readonly reason: string }[] = [
  { what: 'publications, subscriptions', reason: 'each side has its own; never dumped by us' },
  { what: 'schema turnout, triggers turnout_guard', reason: 'ours, different on each side' },
  { what: 'values of sequences', reason: 'carried by the switch' },
  { what: 'tablespaces', reason: 'a place on the server, not part of the schema' },
  { what: 'roles, settings of roles and databases', reason: 'not in a dump of a database' },
  { what: 'names of NOT NULL constraints', reason: 'exist from 18 on; the column says NOT NULL' },
  { what: 'NOT VALID of a NOT NULL constraint', reason: 'exists from 18 on' },
  { what: 'grantors, privilege MAINTAIN', reason: 'MAINTAIN exists from 17 on' },
  { what: 'names of multiranges', reason: 'exist from 14 on' },
  { what: 'options of user mappings', reason: 'they hold passwords' },
  { what: 'EXTRACT and date_part', reason: 'the same up to 13, numeric from 14 on; one form here' },
  { what: 'members of extensions', reason: 'made by the extension, different by its version' },
  { what: 'invalid indexes', reason: 'never dumped' },
  { what: 'security labels, large objects', reason: 'not schema' },
];

/** The entry that covers the object on any pair of majors; such an object is not in the fingerprint. */
export function expectationOf(
  object: Pick<SchemaObject, 'kind' | 'name'>,
): ExpectedDifference | undefined {
  return EXPECTED_DIFFERENCES.find(
    ({ kind, name }) => kind === object.kind && name.test(object.name),
  );
}
