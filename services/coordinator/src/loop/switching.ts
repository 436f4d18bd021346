import { fail } from '@turnout/contracts/errors';
import { SIDES, type Side } from '@turnout/core/sides';
import { pause } from '@turnout/core/waiting';
import type { SwitchoverRow } from '@turnout/store/switchovers';
import type { PairContext } from '../context.js';
import type { Leading } from '../lifecycle/stage.js';
import { nextEpoch } from '../side/claim.js';
import type { SideProbe } from '../side/side-probe.js';
import type { Claim } from '../side/sql/side-sql.js';
import { Attempt } from '../switchover/attempt.js';
import { recordOutcome } from '../switchover/outcome.js';
import { reasonOf } from '@turnout/postgres/database-error';
import { Recorder } from '../switchover/recorder.js';
import { runAttempt } from '../switchover/run-attempt.js';
import { factsOf, rowsSeen, type Scene } from './scene.js';
import { settle } from './settle-table.js';
import type { EndedAttempt } from './settlers.js';

/** A request to switch that nobody began within this time is not begun any more. */
const SWITCH_TTL_MS = 60_000;
const HOLDERS_KEPT = 8;

/** The attempts of this process: the one under way, the last that ended, and the claims they made. */
export class Switching {
  readonly #context: PairContext;
  readonly #probes: Readonly<Record<Side, SideProbe>>;
  #attempt: Attempt | null = null;
  #last: EndedAttempt | null = null;
  #unsettled = false;
  #draining = false;
  #holders: string[] = [];

  constructor(context: PairContext, probes: Readonly<Record<Side, SideProbe>>) {
    this.#context = context;
    this.#probes = probes;
  }

  /** Its steps are in memory while the store may not be written. */
  get attempt(): Attempt | null {
    return this.#attempt;
  }

  /** The last one that failed here: why, its steps, and its hold on poolers. */
  get last(): EndedAttempt | null {
    return this.#last;
  }

  /** What an attempt of this process left has not been seen settled yet. */
  get unsettled(): boolean {
    return this.#unsettled;
  }

  settled(): void {
    this.#unsettled = false;
  }

  remember({ holder }: Claim): void {
    this.#holders = [...this.#holders, holder].slice(-HOLDERS_KEPT);
  }

  /**
   * The store is away and the sides still carry a claim of this process: nobody else has begun to act,
   * and who claimed a side may settle what it left there.
   */
  mayStillSettle({ sides, store }: Scene): boolean {
    if (store !== null || !this.#unsettled) return false;
    return rowsSeen(sides).every(
      (row) => row === null || (row.holder !== null && this.#holders.includes(row.holder)),
    );
  }

  /** Ends the attempt before its decision; false when there is none of that id, or it is past. */
  cancel(id: string): boolean {
    if (this.#attempt?.id !== id) return false;
    return this.#attempt.cancel(fail('switchover_cancelled', { switchover: id }));
  }

  /** Begins no attempt any more and waits for the one under way, settled. */
  async drain(): Promise<void> {
    this.#draining = true;
    while (this.#attempt !== null || this.#unsettled) await pause(20);
  }

  /** Begins the switch that is asked for; whatever it comes to is settled in the next round. */
  async begin(leading: Leading, asked: SwitchoverRow): Promise<void> {
    if (this.#draining) return;
    const { context, gates, lease, sides } = leading;
    const begun = await context.store.switchovers.begin(asked.id, {
      holder: context.instanceId,
      attempt: asked.attempts,
      withinMs: SWITCH_TTL_MS,
    });
    if (begun === null) return this.#refuse(asked);
    const recorder =
      this.#last?.attempt.id === begun.id
        ? this.#last.attempt.recorder
        : new Recorder(context, begun.id, begun.steps);
    const epoch = nextEpoch(lease.epoch, rowsSeen(sides));
    const attempt = new Attempt({ context, gates, row: begun, recorder, epoch });
    // From hold to route nothing waits for the store: a lease that is lost there changes nothing.
    const onLost = (): void => {
      if (!attempt.inWindow) attempt.cancel(fail('lease_lost', {}));
    };
    lease.lost.addEventListener('abort', onLost, { once: true });
    this.#attempt = attempt;
    this.#unsettled = true;
    try {
      await runAttempt(attempt);
      this.#last = null;
    } catch (thrown) {
      context.logger.warn({ switchover: begun.id, reason: reasonOf(thrown) }, 'attempt ended');
      this.#last = { attempt, error: thrown };
    } finally {
      lease.lost.removeEventListener('abort', onLost);
      const claimed = attempt.knownIfAny('claimed');
      if (claimed) this.remember(claimed.claim);
      this.#attempt = null;
    }
  }

  /** It was cancelled before anybody began it, or nobody began it in time. */
  async #refuse(asked: SwitchoverRow): Promise<void> {
    const context = this.#context;
    const row = await context.store.switchovers.get(asked.id);
    if (row?.outcome !== 'running' || row.attempts !== asked.attempts) return;
    await context.store.switchovers.takeUp(row.id, context.instanceId);
    const error = row.cancelRequestedAt
      ? fail('switchover_cancelled', { switchover: row.id })
      : fail('request_not_taken', { switchover: row.id, within_ms: SWITCH_TTL_MS });
    await recordOutcome(context, new Recorder(context, row.id, row.steps), {
      id: row.id,
      to: row.to,
      actor: row.actor,
      outcome: 'undone',
      reason: error.message,
      windowMs: null,
      certificate: null,
    });
  }

  /**
   * Called whenever the sides were looked at while an attempt runs: another holder on a side ends it,
   * and a request to cancel that any API wrote is passed on.
   */
  async watch(): Promise<void> {
    const attempt = this.#attempt;
    const [blue, green] = SIDES.map((side) => this.#probes[side].latest);
    if (!attempt || !blue || !green) return;
    const holder = attempt.knownIfAny('claimed')?.claim.holder ?? null;
    // Going back raises our own claim of one side by one.
    const own = { epoch: attempt.epoch + 1n, holder };
    const facts = factsOf({ sides: { blue, green }, store: null }, own, { phase: 'switching' });
    if (settle(facts).do === 'stand_down') {
      attempt.fail(fail('superseded', { epoch: String(attempt.epoch) }));
    }
    if (attempt.inWindow || attempt.decided) return;
    const row = await this.#context.store.switchovers.get(attempt.id).catch(() => null);
    if (row?.cancelRequestedAt) this.cancel(attempt.id);
  }
}
