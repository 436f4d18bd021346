import { fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import { guardBody } from '@turnout/postgres/cluster/guard';
import { claimedTransaction } from '../claimed-transaction.js';
import { installMissingGuards } from '../guards.js';
import { sendMarker } from '../round-trip.js';
import type { Run } from '../run.js';
import { readFingerprint } from '../../side/schema-freeze.js';
import { advanceSequences } from '../../side/sequences.js';
import { awaitOlderWriters } from '../writers.js';
import type { StepAction } from './step.js';

const LINK_TIMEOUT_MS = 30_000;
const TRACKING_TIMEOUT_MS = 20_000;
const ROUND_TRIP_TIMEOUT_MS = 5_000;

/** Asks for the way back and waits until it streams; the replicator creates its slot and rows. */
async function startNewLink(run: Run): Promise<void> {
  const { store, pair } = run.deps;
  await store.links.ensure(pair.name, run.newLink);
  await store.links.setDesired(pair.name, run.newLink, 'streaming');
  await waitUntil(
    async () => {
      const link = await store.links.get(pair.name, run.newLink);
      const state = link?.observed?.state;
      if (state === 'failed') {
        throw fail('arm_timed_out', { link: run.newLink, code: link?.observed?.code ?? null });
      }
      return state === 'streaming' || state === 'watching' ? true : undefined;
    },
    {
      timeoutMs: LINK_TIMEOUT_MS,
      intervalMs: 25,
      signal: run.abort.signal,
      onTimeout: () => fail('arm_timed_out', { reason: 'link does not stream', link: run.newLink }),
    },
  );
}

/** Asks the checker to follow changed keys on both sides, so that the final check is small. */
async function startTracking(run: Run): Promise<void> {
  const { store, pair } = run.deps;
  for (const side of [run.from, run.to]) await store.tracking.setDesired(pair.name, side, true);
  await waitUntil(
    async () => {
      const rows = await Promise.all(
        [run.from, run.to].map((side) => store.tracking.get(pair.name, side)),
      );
      return rows.every((row) => row?.observed?.horizonLsn != null) ? true : undefined;
    },
    {
      timeoutMs: TRACKING_TIMEOUT_MS,
      intervalMs: 25,
      signal: run.abort.signal,
      onTimeout: () => fail('arm_timed_out', { reason: 'changed keys are not tracked' }),
    },
  );
}

/** Both links deliver, one after the other; the sum predicts what the drain will take. */
async function provePath(run: Run): Promise<number> {
  const { control } = run.opened();
  const { from, to } = run;
  const there = await sendMarker(
    { side: from, kind: 'roundtrip', written: control[from], seen: control[to] },
    ROUND_TRIP_TIMEOUT_MS,
    run.abort.signal,
  );
  const back = await sendMarker(
    { side: to, kind: 'roundtrip', written: control[to], seen: control[from] },
    ROUND_TRIP_TIMEOUT_MS,
    run.abort.signal,
  );
  const budgetMs = run.deps.pair.window.maxMs;
  if (there + back > budgetMs / 2) {
    throw fail('step_timed_out', {
      round_trip_ms: Math.round(there + back),
      window_max_ms: budgetMs,
    });
  }
  return there + back;
}

export const arm: StepAction = {
  async act(run) {
    const { pair, routes } = run.deps;
    const { control } = run.opened();
    // The guardian's process starts now: its start would be part of the window otherwise.
    await Promise.all([startNewLink(run), startTracking(run), routes.warm()]);
    const roundTripMs = await provePath(run);
    run.sequences = await advanceSequences(control[run.from], control[run.to]);
    const installed = await installMissingGuards(run);
    run.fingerprint = await readFingerprint(control[run.from], pair);
    run.armed = true;
    await claimedTransaction(control[run.from], run.acting(), () =>
      control[run.from].query(guardBody('armed')),
    );
    const waitedFor = await awaitOlderWriters(
      control[run.from],
      pair.gates.writerAgeMaxMs,
      run.abort.signal,
    );
    // A round of the checker that still ran would be waited for inside the window.
    await run.deps.store.tracking.setDesired(pair.name, run.from, false);
    return {
      round_trip_ms: Math.round(roundTripMs),
      guards_installed: installed,
      sequences: run.sequences.length,
      writers_waited_for: waitedFor,
    };
  },
  /** The armed body costs every statement a lock: back to pass. Links and slots stay for a retry. */
  async undo(run) {
    const { store, pair } = run.deps;
    const control = run.sessions?.control[run.from];
    if (run.armed && control) {
      await claimedTransaction(control, run.acting(), () => control.query(guardBody('pass')));
      run.armed = false;
    }
    for (const side of [run.from, run.to]) await store.tracking.setDesired(pair.name, side, false);
  },
};
