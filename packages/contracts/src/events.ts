import type { Direction } from '@turnout/core/sides';

/** Topics without their prefix: journal, links, lag. */
export const BUS_TOPICS = ['events', 'links', 'lag'] as const;
export type BusTopic = (typeof BUS_TOPICS)[number];

/** CloudEvents 1.0 with the extensions `sequence` and `partitionkey`. */
export interface CloudEvent<Data extends object = object> {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** The pair. */
  readonly subject: string;
  /** RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly partitionkey: string;
  /** Revision of the pair for journal events, a number of the link otherwise; consumers drop older. */
  readonly sequence: number;
  readonly data: Data;
}

export const LINK_PROGRESSED = 'turnout.link.progressed.v1';
export const LAG_MEASURED = 'turnout.lag.measured.v1';

/** What a link has done; log positions are texts and times RFC 3339. Not known is null. */
export interface LinkProgressed {
  readonly direction: Direction;
  readonly received_lsn: string | null;
  readonly applied_lsn: string | null;
  readonly durable_lsn: string | null;
  /** End of the source's log as it last told; null before it did. */
  readonly source_lsn?: string | null | undefined;
  readonly transactions_applied?: number | undefined;
  readonly rows_applied?: number | undefined;
  /** Last marker of kind heartbeat that was applied: when written, received, applied. */
  readonly marker: {
    readonly token: string;
    readonly written_at: string;
    readonly received_at: string | null;
    readonly applied_at: string | null;
  } | null;
}

export const LAG_STAGES = ['received', 'applied'] as const;
export type LagStage = (typeof LAG_STAGES)[number];

/** Lag of one stage of a link. Not known is null, never 0. */
export interface LagMeasured {
  readonly direction: Direction;
  readonly stage: LagStage;
  readonly lag_bytes: number | null;
  readonly lag_ms: number | null;
  /** Bytes a second by which the lag grows; negative while it catches up. */
  readonly trend_bytes_per_second: number | null;
  /** Until it has caught up at this trend; null while it does not. */
  readonly eta_ms: number | null;
  readonly age_ms: number;
  readonly measured_by: 'bus' | 'sql';
}

/** Every type on topic `events` is `turnout.<noun>.<past verb>.v1` of a journal entry's type. */
export function journalEventType(entryType: string): string {
  const name = entryType.includes('.') ? entryType : `pair.${entryType}`;
  return `turnout.${name}.v1`;
}

/** Types that are always there; the journal adds those of its entries. */
export const EVENT_TYPES = {
  [LINK_PROGRESSED]: { topic: 'links', meaning: 'A link received, applied or made durable more.' },
  [LAG_MEASURED]: { topic: 'lag', meaning: 'The lag of a link was measured.' },
  'turnout.pair.phase_changed.v1': { topic: 'events', meaning: 'A pair moved to another phase.' },
  'turnout.switchover.step_started.v1': { topic: 'events', meaning: 'A step begins.' },
  'turnout.switchover.step_finished.v1': { topic: 'events', meaning: 'A step ended.' },
  'turnout.check.finished.v1': { topic: 'events', meaning: 'A check ended.' },
} as const satisfies Record<string, { topic: BusTopic; meaning: string }>;

export interface NewEvent<Data extends object> {
  readonly type: string;
  readonly pair: string;
  readonly sequence: number;
  readonly data: Data;
  /** RFC 3339. */
  readonly time: string;
  /** URI reference of the sender, such as `/turnout/replicator`. */
  readonly source: string;
}

/** The id follows from its parts: the same fact published twice carries the same id. */
export function makeEvent<Data extends object>(event: NewEvent<Data>): CloudEvent<Data> {
  return {
    specversion: '1.0',
    id: `${event.source}/${event.pair}/${event.type}/${event.sequence}`,
    source: event.source,
    type: event.type,
    subject: event.pair,
    time: event.time,
    datacontenttype: 'application/json',
    partitionkey: event.pair,
    sequence: event.sequence,
    data: event.data,
  };
}
