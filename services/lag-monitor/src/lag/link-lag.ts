import { bytesBetween, parseLsn, type Lsn } from '@turnout/core/lsn';
import type { Direction } from '@turnout/core/sides';
import {
  LAG_STAGES,
  type LagMeasured,
  type LagStage,
  type LinkProgressed,
} from '@turnout/contracts/events';
import { Trend } from './trend.js';

/** The bus is silent when a link has said nothing for this long: then the databases are asked. */
export const EVENT_AGE_MAX_MS = 5_000;
/** A heartbeat may be applied and not yet reported; only beyond this its absence counts as lag. */
const REPORT_GRACE_MS = 1_500;
/** Heartbeats remembered: ten minutes at one a second. */
const HEARTBEATS_MAX = 600;

/** A marker as it was written on the source; `atMs` is monotonic, of this process. */
export interface Heartbeat {
  readonly token: string;
  readonly atMs: number;
  /** End of the source's log right after it. */
  readonly sourceLsn: Lsn;
}

/** What the databases say when the bus does not. */
export interface SqlReading {
  readonly atMs: number;
  readonly sourceLsn: Lsn;
  /** End of the last applied commit by the target's own row; null when there is no such row. */
  readonly appliedLsn: Lsn | null;
  /** What the slot of the link has confirmed. */
  readonly confirmedLsn: Lsn | null;
  /** Token of the newest heartbeat of the source that is on the target. */
  readonly tokenSeen: string | null;
}

interface LinkEvent {
  readonly atMs: number;
  readonly data: LinkProgressed;
}

function latencyMs(from: string, to: string | null): number | null {
  if (to === null) return null;
  const ms = Date.parse(to) - Date.parse(from);
  // Two clocks may disagree by a little: a negative lag counts as 0.
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

const position = (text: string | null): Lsn | null => (text === null ? null : parseLsn(text));

/** Turns heartbeats and events of one link into its lag. What it does not know it calls null. */
export class LinkLag {
  readonly #direction: Direction;
  readonly #trends: Readonly<Record<LagStage, Trend>> = {
    received: new Trend(),
    applied: new Trend(),
  };
  #heartbeats: Heartbeat[] = [];
  /** The newest heartbeat known to be applied, if this process wrote it. */
  #lastSeen: Heartbeat | null = null;
  #latest: LinkEvent | null = null;
  #sequence = -1;
  #sql: SqlReading | null = null;

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  wrote(heartbeat: Heartbeat): void {
    this.#heartbeats.push(heartbeat);
    this.#heartbeats.splice(0, Math.max(0, this.#heartbeats.length - HEARTBEATS_MAX));
  }

  /** An event older than the latest one, as a bus may bring, changes nothing. */
  progressed(sequence: number, data: LinkProgressed, atMs: number): void {
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    this.#latest = { atMs, data };
    this.#see(data.marker?.token ?? null);
  }

  read(reading: SqlReading): void {
    this.#sql = reading;
    this.#see(reading.tokenSeen);
  }

  isSilent(nowMs: number): boolean {
    return this.#latest === null || nowMs - this.#latest.atMs > EVENT_AGE_MAX_MS;
  }

  /** One measurement a stage; null when nothing at all is known of the link. */
  measure(nowMs: number): LagMeasured[] | null {
    const event = this.isSilent(nowMs) ? null : this.#latest;
    const sql = this.#sql && nowMs - this.#sql.atMs <= EVENT_AGE_MAX_MS ? this.#sql : null;
    const from = event ?? sql;
    if (!from) return null;
    return LAG_STAGES.map((stage) => {
      const bytes = event ? this.#eventBytes(stage, event, nowMs) : sqlBytes(stage, sql);
      const trend = this.#trends[stage];
      if (bytes !== null) trend.add(nowMs, bytes);
      return {
        direction: this.#direction,
        stage,
        lag_bytes: bytes,
        lag_ms: event ? this.#eventMs(stage, event, nowMs) : this.#sqlMs(stage, nowMs),
        trend_bytes_per_second: bytes === null ? null : trend.bytesPerSecond,
        eta_ms: bytes === null ? null : trend.etaMs(bytes),
        age_ms: Math.round(nowMs - from.atMs),
        measured_by: event ? 'bus' : 'sql',
      };
    });
  }

  #see(token: string | null): void {
    const index = this.#heartbeats.findIndex((each) => each.token === token);
    if (index === -1) return;
    this.#lastSeen = this.#heartbeats[index]!;
    this.#heartbeats = this.#heartbeats.slice(index + 1);
  }

  #eventBytes(stage: LagStage, { data }: LinkEvent, nowMs: number): number | null {
    const source = this.#heartbeats.at(-1) ?? this.#lastSeen;
    if (!source || nowMs - source.atMs > EVENT_AGE_MAX_MS) return null;
    const reached = position(stage === 'received' ? data.received_lsn : data.applied_lsn);
    return reached === null ? null : bytesBetween(reached, source.sourceLsn);
  }

  /** Of the newest heartbeat that came through, or the age of the oldest that did not in time. */
  #eventMs(stage: LagStage, { data: { marker } }: LinkEvent, nowMs: number): number | null {
    const missing = this.#heartbeats[0];
    const missingMs = missing ? nowMs - missing.atMs : 0;
    // Whether a heartbeat that was not applied was received is not known.
    if (missingMs > REPORT_GRACE_MS) return stage === 'applied' ? missingMs : null;
    if (!marker) return null;
    return latencyMs(
      marker.written_at,
      stage === 'received' ? marker.received_at : marker.applied_at,
    );
  }

  /** An upper bound: a heartbeat that is there may have come at any time since it was written. */
  #sqlMs(stage: LagStage, nowMs: number): number | null {
    if (stage !== 'applied') return null;
    const missing = this.#heartbeats[0];
    const since = missing && nowMs - missing.atMs > REPORT_GRACE_MS ? missing : this.#lastSeen;
    return since ? Math.round(nowMs - since.atMs) : null;
  }
}

function sqlBytes(stage: LagStage, sql: SqlReading | null): number | null {
  if (!sql) return null;
  // The slot holds what the target holds durably, which is less than what it has applied.
  const reached = stage === 'applied' ? (sql.appliedLsn ?? sql.confirmedLsn) : null;
  return reached === null ? null : bytesBetween(reached, sql.sourceLsn);
}
