import { fail } from '@turnout/contracts/errors';
import { directionFrom } from '@turnout/core/sides';
import type { PairRow } from '@turnout/store/pairs';
import type { PairContext } from '../context.js';

/** Lets a link that stopped on a failure go on from where it stands. @throws TRN5003 for any other */
export async function retryLink(
  { store, pair }: PairContext,
  row: PairRow,
  actor: string,
): Promise<void> {
  const direction = directionFrom(row.writableSide);
  const link = await store.links.get(pair.name, direction);
  if (link?.observed?.state !== 'failed') {
    const observed = link?.observed?.state ?? null;
    throw fail('phase_mismatch', { phase: row.phase, event: 'link_retry', link: observed });
  }
  await store.links.setDesired(pair.name, direction, link.desired);
  await store.journal.append(pair.name, {
    type: 'link_retried',
    data: { direction, code: link.observed.code ?? null },
    actor,
    accepted: true,
  });
}
