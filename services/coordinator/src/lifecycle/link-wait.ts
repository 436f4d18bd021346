import { ERRORS, errorNamed } from '@turnout/contracts/errors';
import { directionFrom, targetOf, type Direction } from '@turnout/core/sides';
import { missingWords, readWorkers } from '../gates/workers.js';
import type { PairContext } from '../context.js';
import type { Leading } from './stage.js';
import type { Wait } from './wait.js';

/** What keeps a link from its work: an error it stopped at, or nobody who does it; null when neither. */
async function obstacle(
  { store, pair, clock }: PairContext,
  direction: Direction,
  what: string,
): Promise<Wait | null> {
  const name = `link/${pair.name}/${direction}`;
  const worker = (await readWorkers(store, pair.name)).find((each) => each.name === name);
  if (worker?.holder === null) {
    const words = missingWords(worker, clock.nowMs());
    return { for: `${what}: ${words.replace(/ since .*/, '')}`, remedy: worker.remedy };
  }
  const observed = (await store.links.get(pair.name, direction))?.observed;
  if (observed?.state !== 'failed') return null;
  const known = observed.code == null ? null : errorNamed(observed.code);
  const remedy = known === null ? 'turnout link retry PAIR' : ERRORS[known].remedy;
  return {
    for: `${what}: it stopped at ${observed.message ?? 'an unknown error'}`,
    holder: 'operator',
    remedy: remedy.replaceAll('PAIR', pair.name),
  };
}

/** The link that carries changes stopped or has no worker: what, and what to do; else `otherwise`. */
export async function waitForLink(
  { context, row }: Pick<Leading, 'context' | 'row'>,
  otherwise: Wait | null,
): Promise<Wait | null> {
  if (row.conditions.some(({ condition }) => condition === 'paused')) return otherwise;
  const direction = directionFrom(row.writableSide);
  const what = `the link to ${targetOf(direction)}`;
  return (await obstacle(context, direction, what)) ?? otherwise;
}
