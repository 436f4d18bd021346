import type { PairContext } from '../context.js';
import type { Wait } from './wait.js';
import { preflight } from '../preflight/preflight.js';
import { preflightError } from '../preflight/verdict.js';
import { reasonOf } from '@turnout/postgres/database-error';
import { removeObjects } from './cleanup.js';
import { finishSchema, installGuards, installObjects, transferSchema } from './installation.js';
import { waitForLink } from './link-wait.js';
import { move } from './move.js';
import { DONE, type Leading } from './stage.js';

const ACTOR = 'coordinator';
const SCHEMA_FINISHED = 'schema_finished';
/** The gates are read anew this often while a pair catches up. */
const LAG_AGE_MAX_MS = 1_000;

/** Preflight once more, then our objects and the schema of the users. */
export async function examine({ context }: Leading): Promise<typeof DONE> {
  const { store, pair } = context;
  const refused = preflightError(await preflight(pair));
  if (refused !== null) return backToDraft(context, refused, []);
  try {
    // Our objects first: the schema of the users comes in one transaction and cannot be taken back.
    await installObjects(pair);
    const transferred = await transferSchema(pair);
    // Green is guarded from its creation: a write there would stop the copy, and be lost after it.
    await installGuards(pair, 'green');
    await store.links.ensure(pair.name, 'forward');
    await forgetOutcome(context);
    await store.notes.forget(pair.name);
    await move(store, pair.name, {
      event: 'preflight_passed',
      actor: ACTOR,
      data: { schema: transferred ? 'pg_dump' : 'existing' },
    });
  } catch (thrown) {
    const left = await removeObjects(pair);
    await backToDraft(context, thrown, left);
    throw thrown;
  }
  return DONE;
}

/** What fails leaves nothing, and the pair where it can be started again. */
async function backToDraft(
  { store, pair }: PairContext,
  thrown: unknown,
  left: readonly string[],
): Promise<typeof DONE> {
  await move(store, pair.name, {
    event: 'preflight_failed',
    actor: ACTOR,
    data: { reason: reasonOf(thrown), left: left.join('; ') },
  });
  return DONE;
}

/** What an earlier start left on the link would be read as the outcome of this one. */
async function forgetOutcome({ store, pair }: PairContext): Promise<void> {
  const observed = (await store.links.get(pair.name, 'forward'))?.observed;
  if (!observed) return;
  const none = { state: 'stopped', code: null, message: null, copy: null } as const;
  await store.links.report(pair.name, 'forward', { ...observed, ...none });
}

/** Once the rows are there: indexes and constraints, guards on both sides. */
export async function finishCopy(leading: Leading): Promise<Wait | typeof DONE | null> {
  const { context } = leading;
  const { store, pair } = context;
  const link = await store.links.get(pair.name, 'forward');
  const state = link?.observed?.state;
  if (state !== 'copied' && state !== 'streaming') {
    return waitForLink(leading, {
      for: 'the copy of the rows to green',
      remedy: `turnout tables ${pair.name}`,
    });
  }
  if (pair.schema.transfer === 'pg_dump' && !(await schemaFinished(context))) {
    await finishSchema(pair);
    const entry = { type: SCHEMA_FINISHED, data: {}, actor: ACTOR, accepted: true };
    await store.journal.append(pair.name, entry);
  }
  await installGuards(pair, 'green');
  await installGuards(pair, 'blue');
  await move(store, pair.name, { event: 'copy_finished', actor: ACTOR });
  return DONE;
}

/** Whether indexes and constraints were built since the last start: building them twice fails. */
async function schemaFinished({ store, pair }: PairContext): Promise<boolean> {
  let finished = false;
  for (let after = 0; ;) {
    const entries = await store.journal.read(pair.name, { afterRevision: after, limit: 500 });
    for (const entry of entries) {
      after = entry.revision;
      const began = entry.data['event'] === 'start_requested' && entry.data['to'] === 'preflight';
      if (began) finished = false;
      if (entry.type === SCHEMA_FINISHED) finished = true;
    }
    if (entries.length === 0) return finished;
  }
}

/** Lag is measured by a marker that this coordinator sends, whoever else measures it. */
export async function catchUp(leading: Leading): Promise<Wait | typeof DONE | null> {
  const { context, gates } = leading;
  const { store, pair } = context;
  const link = await store.links.get(pair.name, 'forward');
  if (link?.observed?.state !== 'streaming') {
    return waitForLink(leading, {
      for: 'the link to green to stream',
      remedy: `turnout status ${pair.name} --watch`,
    });
  }
  const { verdicts } = await gates.recent('blue', LAG_AGE_MAX_MS);
  const lag = verdicts.find(({ id }) => id === 'lag');
  if (lag?.open !== true) {
    return {
      for: 'green to catch up with what was written during the copy',
      holder: `link/${pair.name}/forward`,
      remedy: `lag ${lag?.observed ?? 'unknown'}, needs ${lag?.limit ?? ''}; turnout status ${pair.name} --watch`,
    };
  }
  await move(store, pair.name, { event: 'caught_up', actor: ACTOR });
  return DONE;
}
