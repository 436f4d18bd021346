/** One metric; names carry no prefix here, `turnout_` is put before them when exposed. */
export interface MetricEntry {
  readonly kind: 'gauge' | 'counter' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  readonly buckets?: readonly number[] | undefined;
}

const LINK = ['pair', 'direction'] as const;

/** Every metric of Turnout. A gauge whose value is not known is absent. */
export const METRICS = {
  replication_lag_seconds: {
    kind: 'gauge',
    labels: [...LINK, 'stage'],
    help: 'Age of the newest heartbeat that reached the stage.',
  },
  replication_lag_bytes: {
    kind: 'gauge',
    labels: [...LINK, 'stage'],
    help: 'Log of the source that has not reached the stage.',
  },
  replication_lag_age_seconds: {
    kind: 'gauge',
    labels: LINK,
    help: 'Time since the lag of the link was last measured.',
  },
  slot_retained_bytes: {
    kind: 'gauge',
    labels: LINK,
    help: 'Log that the slot of the link keeps on its source.',
  },
  rows_applied_total: { kind: 'counter', labels: [...LINK, 'op'], help: 'Rows applied.' },
  transactions_applied_total: { kind: 'counter', labels: LINK, help: 'Transactions applied.' },
  copy_rows: { kind: 'gauge', labels: ['pair'], help: 'Rows copied so far.' },
  copy_rows_expected: { kind: 'gauge', labels: ['pair'], help: 'Rows to copy, estimated.' },
  verify_rows_compared_total: { kind: 'counter', labels: ['pair'], help: 'Rows compared.' },
  verify_differences: { kind: 'gauge', labels: ['pair'], help: 'Differences that are open.' },
  verify_last_success_timestamp_seconds: {
    kind: 'gauge',
    labels: ['pair'],
    help: 'When a check last found everything equal.',
  },
  gate_open: { kind: 'gauge', labels: ['pair', 'gate'], help: '1 when the gate is open.' },
  writable: { kind: 'gauge', labels: ['pair', 'side'], help: '1 when the side is open.' },
  pair_phase: { kind: 'gauge', labels: ['pair', 'phase'], help: '1 for the phase it is in.' },
  pair_condition: { kind: 'gauge', labels: ['pair', 'condition'], help: '1 when it holds.' },
  switchover_step_duration_seconds: {
    kind: 'histogram',
    labels: ['step', 'outcome'],
    help: 'Duration of a step.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
  },
  switchover_client_stall_seconds: {
    kind: 'histogram',
    labels: [],
    help: 'Longest gap that a client saw.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
  },
  switchovers_total: { kind: 'counter', labels: ['outcome'], help: 'Switchovers by outcome.' },
  fence_leaks_total: { kind: 'counter', labels: ['pair'], help: 'Writes behind a fence.' },
  bus_publish_failures_total: {
    kind: 'counter',
    labels: ['topic'],
    help: 'Events that were dropped or could not be sent.',
  },
  lease_held: { kind: 'gauge', labels: ['name'], help: '1 when this process holds the lease.' },
  errors_total: { kind: 'counter', labels: ['code'], help: 'Errors by code of the catalogue.' },
  build_info: { kind: 'gauge', labels: ['version'], help: 'Always 1.' },
} as const satisfies Record<string, MetricEntry>;

export type MetricName = keyof typeof METRICS;

export type MetricOfKind<Kind extends MetricEntry['kind']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

export type MetricLabels<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string>
>;
