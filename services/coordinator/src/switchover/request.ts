import { randomUUID } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import { otherSide, type Side } from '@turnout/core/sides';
import type { SwitchoverRow } from '@turnout/store/switchovers';
import type { PairContext } from '../context.js';
import type { GateKeeper } from '../gates/gate-keeper.js';
import { move } from '../lifecycle/move.js';
import type { SideProbe } from '../side/side-probe.js';
import { reasonOf } from '@turnout/postgres/database-error';

export interface SwitchRequest {
  readonly to: Side;
  readonly reason: string | null;
  readonly actor: string;
  readonly planHash: string | null;
  readonly expectRevision?: number | undefined;
}

export interface Requesting {
  readonly context: PairContext;
  readonly gates: GateKeeper;
  readonly probes: Readonly<Record<Side, SideProbe>>;
}

/** Sorts by time, so the last request is the greatest. */
function switchoverId(nowMs: number): string {
  return `sw_${nowMs.toString(36)}${randomUUID().slice(0, 8)}`;
}

/**
 * Writes down that a switch is wished, for whoever leads the pair to begin. A closed gate is refused
 * here, before anything is recorded as running, and looked at again by the attempt itself.
 * @throws TRN5002, TRN5003, TRN5004, TRN5005, TRN5025
 */
export async function requestSwitchover(
  { context, gates, probes }: Requesting,
  request: SwitchRequest,
): Promise<SwitchoverRow> {
  const { store, pair, clock } = context;
  const { to, actor, reason, planHash, expectRevision } = request;
  const running = await store.switchovers.running(pair.name);
  if (running !== null) throw fail('switchover_running', { switchover: running.id });
  const row = await store.pairs.get(pair.name);
  const seen = await probes[to].inspect();
  const open = seen.reachable ? seen.row?.state === 'open' : row?.writableSide === to;
  if (open) throw fail('side_open_already', { side: to, phase: row?.phase ?? null });
  await gates.require(otherSide(to));
  const id = switchoverId(clock.nowMs());
  // First, and only one can run: of two requests at once the other is refused here. A phase of
  // `switching` without a row that a leader could find would stay for ever.
  const created = await store.switchovers.create({
    id,
    pair: pair.name,
    to,
    reason,
    actor,
    planHash,
  });
  try {
    await move(store, pair.name, {
      event: 'switchover_requested',
      actor,
      data: { switchover: id, to, reason },
      ...(expectRevision === undefined ? {} : { expectRevision }),
    });
  } catch (thrown) {
    await store.switchovers.update(id, { outcome: 'undone', reason: reasonOf(thrown) });
    throw thrown;
  }
  return created;
}
