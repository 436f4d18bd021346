import { fail } from '@turnout/contracts/errors';
import { edgeFor } from '@turnout/machine/pair-machine';
import type { Phase } from '@turnout/machine/phases';
import type { PairContext } from '../context.js';
import { preflight } from '../preflight/preflight.js';
import { preflightError } from '../preflight/verdict.js';
import { move } from './move.js';

export interface StartRequest {
  readonly actor: string;
  readonly expectRevision?: number;
}

/**
 * Accepts a start, or says at once why not: whoever asked hears it, and nothing was changed. An error
 * of an earlier attempt is over with the next one.
 * @throws TRN5003, TRN5005, the code of the critical finding, or TRN2017 when there are several
 */
export async function admitStart(context: PairContext, request: StartRequest): Promise<void> {
  const { store, pair } = context;
  const row = await store.pairs.get(pair.name);
  if (!row) throw fail('pair_unknown', { pair: pair.name });
  const { actor, expectRevision } = request;
  if (expectRevision !== undefined && expectRevision !== row.revision) {
    throw fail('expectation_failed', {
      pair: row.pair,
      expected: expectRevision,
      revision: row.revision,
    });
  }
  const edge = edgeFor(row.phase as Phase, 'start_requested');
  const errored = row.conditions.some(({ condition }) => condition === 'errored');
  // Going on is for a pair that stopped on an error; one that is under way needs no second start.
  if (edge?.to === row.phase && !errored) {
    throw fail('phase_mismatch', { phase: row.phase, event: 'start_requested' });
  }
  const refused = edge?.to === 'preflight' ? preflightError(await preflight(pair)) : null;
  if (refused !== null) {
    await store.journal.append(pair.name, {
      type: 'rejected',
      data: { event: 'start_requested', phase: row.phase, code: refused.code },
      actor,
      accepted: false,
    });
    throw refused;
  }
  await move(store, pair.name, {
    event: 'start_requested',
    actor,
    ...(expectRevision === undefined ? {} : { expectRevision }),
    conditions: row.conditions.filter(({ condition }) => condition !== 'errored'),
  });
}
