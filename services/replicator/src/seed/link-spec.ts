import { objectName, sessionName } from '@turnout/core/object-names';
import type { Direction } from '@turnout/core/sides';
import type { Endpoint } from '@turnout/postgres/session';

/** Where one link of a pair runs and what it carries. */
export interface LinkSpec {
  readonly pair: string;
  readonly link: Direction;
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly tables: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  /** Epoch of the store's lease under which the link runs. */
  readonly leaseEpoch: bigint;
}

/** Slot and publication have one name, both on the source. */
export function slotOf({ pair, link }: LinkSpec): string {
  return objectName(pair, link);
}

export function linkSessionName({ pair, link, leaseEpoch }: LinkSpec, role: string): string {
  return sessionName(leaseEpoch, `link-${link}-${role}`, pair);
}
