import type { Clock } from '@turnout/core/clock';
import { isAppError } from '@turnout/core/app-error';
import { sessionName } from '@turnout/core/object-names';
import type { Side } from '@turnout/core/sides';
import { pause } from '@turnout/core/waiting';
import { sqlState } from '@turnout/postgres/database-error';
import { destroySession, openSession, type Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import type { Answered, LinkProgress, SideObservation } from './observation.js';
import { ask, sideRow } from './side-row.js';
import { observeServer, observeSide } from './sql/observe-sql.js';

const INTERVAL_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const QUERY_TIMEOUT_MS = 2_500;

/**
 * Looks at one side for ever, on one session of its own: what the API answers and what the loop
 * settles come from here, so a side sees the same handful of sessions whatever is asked of us. The
 * other side has its own probe: a dead idle side hides nothing of the live one.
 */
export class SideProbe {
  readonly #pair: ResolvedPair;
  readonly #side: Side;
  readonly #clock: Clock;
  #session: Session | null = null;
  #latest: SideObservation | null = null;
  #answered: Answered | null = null;
  #running: Promise<SideObservation> | null = null;

  constructor(pair: ResolvedPair, side: Side, clock: Clock) {
    this.#pair = pair;
    this.#side = side;
    this.#clock = clock;
  }

  /** The last answer, or the last failure to get one; null before the first look. */
  get latest(): SideObservation | null {
    return this.#latest;
  }

  /** What it said last, however long ago; null before its first answer. */
  get answered(): Answered | null {
    return this.#answered;
  }

  /** Looks now; two that ask at the same time share one look. Never throws, bounded in time. */
  inspect(): Promise<SideObservation> {
    this.#running ??= this.#inspect().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** A look that began after this call. */
  async inspectAfresh(): Promise<SideObservation> {
    await this.#running;
    return this.inspect();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.inspect();
      await pause(INTERVAL_MS, signal).catch(() => undefined);
    }
    this.close();
  }

  close(): void {
    if (this.#session) destroySession(this.#session);
    this.#session = null;
  }

  async #inspect(): Promise<SideObservation> {
    const readAtMs = this.#clock.monotonicMs();
    try {
      this.#answered = await this.#readOnAnySession(readAtMs);
      this.#latest = this.#answered;
    } catch (thrown) {
      this.close();
      this.#latest = { reachable: false, side: this.#side, readAtMs, reason: reasonOf(thrown) };
    }
    return this.#latest;
  }

  /** A session that ended since the last look says nothing of the side: a fresh one is asked. */
  async #readOnAnySession(readAtMs: number): Promise<Answered> {
    const wasOpen = this.#session !== null;
    try {
      return await this.#read(readAtMs);
    } catch (thrown) {
      this.close();
      if (!wasOpen) throw thrown;
      return this.#read(readAtMs);
    }
  }

  async #read(readAtMs: number): Promise<Answered> {
    const pair = this.#pair;
    this.#session ??= await openSession({
      endpoint: pair[this.#side],
      applicationName: sessionName(0n, 'inspect', pair.name),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      queryTimeoutMs: QUERY_TIMEOUT_MS,
      settings: { statement_timeout: '2000' },
    });
    const [server = {}] = await ask(this.#session, observeServer(`turnout\\_${pair.name}\\_%`));
    const [found] = server['installed'] === 't' ? await ask(this.#session, observeSide) : [];
    const row = found ? sideRow(found) : null;
    const ours = row?.pair === pair.name && row.side === this.#side;
    const slots = JSON.parse(server['slots'] ?? '[]') as {
      name: string;
      active: boolean;
      retained: number | null;
    }[];
    return {
      reachable: true,
      side: this.#side,
      readAtMs,
      versionText: server['version'] ?? '',
      lsn: server['lsn'] ?? null,
      inRecovery: server['in_recovery'] === 't',
      identity: {
        systemIdentifier: server['system_identifier'] ?? '',
        timeline: server['timeline'] ?? null,
      },
      row: ours ? row : null,
      foreign: row && !ours ? `${row.pair}/${row.side}` : null,
      progress: ours ? progressOf(found?.['progress'] ?? '{}') : {},
      openLeaks: ours ? Number(found?.['open_leaks'] ?? Number.NaN) : null,
      readOnlyByDefault: server['read_only'] === 't',
      slots: slots.map(({ name, active, retained }) => ({ name, active, retainedBytes: retained })),
    };
  }
}

function progressOf(text: string): Record<string, LinkProgress> {
  const links = JSON.parse(text) as Record<string, { open: boolean; switch_epoch: string }>;
  return Object.fromEntries(
    Object.entries(links).map(([link, { open, switch_epoch: epoch }]) => [
      link,
      { open, switchEpoch: BigInt(epoch) },
    ]),
  );
}

function reasonOf(thrown: unknown): string {
  if (isAppError(thrown)) return thrown.message;
  const state = sqlState(thrown);
  return state === null ? 'connection lost' : `sqlstate ${state}`;
}
