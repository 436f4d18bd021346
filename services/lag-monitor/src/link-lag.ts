import { LAG_MEASURED, LAG_STAGES, makeEvent, type LagMeasured } from '@turnout/contracts/events';
import { objectName, sessionName } from '@turnout/core/object-names';
import { sourceOf, targetOf, type Direction } from '@turnout/core/sides';
import { openSession, type Session } from '@turnout/postgres/session';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { measure, type LinkReading } from './lag-calculation.js';
import { beat, readSource, readTarget, type Statement } from './sql/lag-sql.js';

/** Silence of the bus after which the databases are asked instead. */
const BUS_SILENT_MS = 5_000;

/** Heartbeats and lag of one link. Owns one session on each side, opened when needed. */
export class LinkLag {
  readonly #context: ServiceContext;
  readonly #pair: ResolvedPair;
  readonly #direction: Direction;
  readonly #sessions = new Map<'source' | 'target', Session>();
  #sequence = 0;
  #reading: LinkReading | null = null;
  #previous: LinkReading | null = null;
  #newestMs: number | null = null;

  constructor(context: ServiceContext, pair: ResolvedPair, direction: Direction) {
    this.#context = context;
    this.#pair = pair;
    this.#direction = direction;
  }

  /** News of the link, from the bus. */
  take(reading: LinkReading): void {
    this.#previous = this.#reading;
    this.#reading = reading;
  }

  /** Writes a heartbeat, measures, and tells everyone who asks. */
  async round(): Promise<void> {
    const { clock, store, bus, metrics } = this.#context;
    const retained = await this.#beat();
    const nowMs = clock.nowMs();
    if (this.#reading === null || nowMs - this.#reading.readMs > BUS_SILENT_MS) {
      const reading = await this.#readDatabases();
      if (reading !== null) this.take(reading);
    }
    const reading = this.#reading;
    if (reading === null) return;
    const context = { previous: this.#previous, newestMs: this.#newestMs, nowMs };
    const link = { pair: this.#pair.pair, direction: this.#direction };
    metrics.set('replication_lag_age_seconds', link, (nowMs - reading.readMs) / 1_000);
    if (retained !== null) metrics.set('slot_retained_bytes', link, retained);
    for (const stage of LAG_STAGES) {
      const lag = measure(reading, stage, context);
      this.#expose(lag);
      await bus.publish('lag', this.#event(lag, nowMs));
      if (stage === 'applied') {
        await store.lag.put(this.#pair.pair, this.#direction, {
          lagBytes: lag.lag_bytes,
          lagMs: lag.lag_ms,
          measuredAt: new Date(reading.readMs).toISOString(),
          source: lag.measured_by,
        });
      }
    }
  }

  async close(): Promise<void> {
    const open = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(open.map((session) => session.end().catch(() => undefined)));
  }

  #event(lag: LagMeasured, nowMs: number): ReturnType<typeof makeEvent<LagMeasured>> {
    this.#sequence += 1;
    return makeEvent({
      type: LAG_MEASURED,
      pair: this.#pair.pair,
      sequence: this.#sequence,
      data: lag,
      time: new Date(nowMs).toISOString(),
      source: `/turnout/lag-monitor/${this.#direction}/${lag.stage}`,
    });
  }

  #expose({ stage, lag_bytes: bytes, lag_ms: ms }: LagMeasured): void {
    const labels = { pair: this.#pair.pair, direction: this.#direction, stage };
    const { metrics } = this.#context;
    if (bytes !== null) metrics.set('replication_lag_bytes', labels, bytes);
    if (ms !== null) metrics.set('replication_lag_seconds', labels, ms / 1_000);
  }

  async #ask(
    end: 'source' | 'target',
    statement: Statement,
  ): Promise<Record<string, string | null>> {
    const session = this.#sessions.get(end) ?? (await this.#open(end));
    try {
      const { rows } = await session.query<Record<string, string | null>>({
        text: statement.text,
        values: [...statement.values],
      });
      return rows[0] ?? {};
    } catch (thrown) {
      this.#sessions.delete(end);
      await session.end().catch(() => undefined);
      throw thrown;
    }
  }

  async #open(end: 'source' | 'target'): Promise<Session> {
    const side = end === 'source' ? sourceOf(this.#direction) : targetOf(this.#direction);
    const session = await openSession({
      endpoint: this.#pair[side],
      applicationName: sessionName(0n, 'heartbeat', this.#pair.pair),
      settings: { statement_timeout: '5000', lock_timeout: '1000' },
    });
    this.#sessions.set(end, session);
    return session;
  }

  /** @returns bytes that the slot retains, or null when it is not known */
  async #beat(): Promise<number | null> {
    const side = sourceOf(this.#direction);
    const row = await this.#ask('source', beat(side, String(this.#context.clock.nowMs())));
    if (row['written_at'] != null) this.#newestMs = Date.parse(row['written_at']);
    const slot = objectName(this.#pair.pair, this.#direction);
    const { retained_bytes: retained } = await this.#ask('source', readSource(slot));
    return retained == null ? null : Number(retained);
  }

  async #readDatabases(): Promise<LinkReading | null> {
    const slot = objectName(this.#pair.pair, this.#direction);
    const target = await this.#ask(
      'target',
      readTarget(sourceOf(this.#direction), this.#direction),
    );
    const source = await this.#ask('source', readSource(slot));
    if (target['applied_lsn'] == null) return null;
    const readMs = this.#context.clock.nowMs();
    const writtenAt = target['written_at'] ?? null;
    // When it arrived is not known here; that it has, by now, bounds the lag from above.
    const seenAt = new Date(readMs).toISOString();
    return {
      direction: this.#direction,
      sourceLsn: source['source_lsn'] ?? null,
      receivedLsn: source['received_lsn'] ?? null,
      appliedLsn: target['applied_lsn'],
      marker:
        writtenAt === null
          ? null
          : {
              token: target['token'] ?? '',
              written_at: writtenAt,
              received_at: seenAt,
              applied_at: seenAt,
            },
      readMs,
      measuredBy: 'sql',
    };
  }
}
