import {
  METRICS,
  type MetricEntry,
  type MetricLabels,
  type MetricName,
  type MetricOfKind,
} from '@turnout/contracts/metrics';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'turnout_';

/** The metrics of the catalogue and no others. Gauges of unknown value are absent. */
export interface Metrics {
  readonly registry: Registry;
  /** Sets a gauge; null removes it: unknown is never 0. */
  set<Name extends MetricOfKind<'gauge'>>(
    name: Name,
    labels: MetricLabels<Name>,
    value: number | null,
  ): void;
  /** Adds to a counter, 1 unless given. */
  count<Name extends MetricOfKind<'counter'>>(
    name: Name,
    labels: MetricLabels<Name>,
    by?: number,
  ): void;
  /** Adds a value to a histogram. */
  observe<Name extends MetricOfKind<'histogram'>>(
    name: Name,
    labels: MetricLabels<Name>,
    value: number,
  ): void;
}

function create(name: MetricName, entry: MetricEntry): Gauge | Counter | Histogram {
  const options = {
    name: PREFIX + name,
    help: entry.help,
    labelNames: [...entry.labels],
    // None yet: by itself it would go to the registry of the process.
    registers: [],
  };
  if (entry.kind === 'counter') return new Counter(options);
  if (entry.kind === 'histogram') {
    return new Histogram({ ...options, ...(entry.buckets ? { buckets: [...entry.buckets] } : {}) });
  }
  return new Gauge(options);
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  for (const [name, entry] of Object.entries(METRICS)) {
    registry.registerMetric(create(name as MetricName, entry));
  }
  const find = <T>(name: MetricName): T => registry.getSingleMetric(PREFIX + name) as T;
  return {
    registry,
    set(name, labels, value) {
      const gauge = find<Gauge>(name);
      if (value === null) gauge.remove(labels);
      else gauge.set(labels, value);
    },
    count(name, labels, by = 1) {
      find<Counter>(name).inc(labels, by);
    },
    observe(name, labels, value) {
      find<Histogram>(name).observe(labels, value);
    },
  };
}
