import type { LagFigures } from './observer.js';

export interface SwitchFigures {
  readonly id: string;
  readonly to: string;
  readonly outcome: string;
  readonly window_ms: number | null;
  readonly steps: readonly { readonly id: string; readonly ms: number | null }[];
  /** Longest gap between two acknowledged writes of one writer; percentiles over the writers. */
  readonly client_stall_ms: {
    readonly p50: number | null;
    readonly p99: number | null;
    readonly max: number | null;
  };
  readonly client_errors: number;
}

export interface CheckFigures {
  readonly id: string;
  readonly tables: number;
  readonly rows_compared: number | null;
  readonly differences: number | null;
}

/** `turnout.demo/v1` without what is judged from it. */
export interface DemoFigures {
  readonly blue_version: string | null;
  readonly green_version: string | null;
  readonly full: boolean;
  readonly schema_transfer: 'pg_dump' | 'existing';
  readonly copy: {
    readonly tables: number;
    readonly rows: number;
    readonly bytes: number;
    readonly seconds: number;
  };
  readonly switches: readonly SwitchFigures[];
  readonly checks: readonly CheckFigures[];
  readonly writes: {
    readonly attempted: number;
    readonly acknowledged: number;
    readonly lost: number;
    readonly duplicated: number;
    readonly unexplained: number;
  };
  /** Errors any writer saw at any time. */
  readonly client_errors: number;
  readonly tps: number;
  readonly lag: LagFigures;
  readonly both_sides_writable_ms: number;
  readonly seconds: number;
}

export interface DemoReport extends DemoFigures {
  readonly schema: 'turnout.demo/v1';
  readonly ok: boolean;
  /** Why not ok; empty when it is. */
  readonly why_not: readonly string[];
}

const SWITCHES_MIN = 3;
const CHECKS_MIN = 3;
const CHECKED_ROWS_MIN = 200_000;
const ACKNOWLEDGED_MIN = 500;

/** Every condition that does not hold, in words. What is not known does not hold. */
export function faults(figures: DemoFigures): string[] {
  const { switches, checks, writes, both_sides_writable_ms } = figures;
  const committed = switches.filter(({ outcome }) => outcome === 'committed').length;
  const errors = switches.reduce((sum, { client_errors }) => sum + client_errors, 0);
  const conditions: readonly (readonly [holds: boolean, otherwise: string])[] = [
    [committed >= SWITCHES_MIN, `${committed} of ${SWITCHES_MIN} switches committed`],
    [writes.lost === 0, `${writes.lost} acknowledged writes are lost`],
    [writes.duplicated === 0, `${writes.duplicated} writes are there twice`],
    [writes.unexplained === 0, `${writes.unexplained} writes are unexplained`],
    [errors === 0, `clients saw ${errors} errors at the switches`],
    [figures.client_errors === 0, `clients saw ${figures.client_errors} errors`],
    [both_sides_writable_ms === 0, `both sides took writes for ${both_sides_writable_ms} ms`],
    [writes.acknowledged > ACKNOWLEDGED_MIN, `only ${writes.acknowledged} writes acknowledged`],
    [checks.length >= CHECKS_MIN, `${checks.length} of ${CHECKS_MIN} full checks ran`],
    ...checks.flatMap(({ id, rows_compared, differences }) => [
      [
        (rows_compared ?? 0) >= CHECKED_ROWS_MIN,
        `check ${id} compared ${rows_compared} rows`,
      ] as const,
      [
        differences === 0,
        `check ${id} found ${differences ?? 'an unknown number of'} differences`,
      ] as const,
    ]),
  ];
  return conditions.filter(([holds]) => !holds).map(([, otherwise]) => otherwise);
}

export function makeReport(figures: DemoFigures): DemoReport {
  const why_not = faults(figures);
  return { schema: 'turnout.demo/v1', ok: why_not.length === 0, ...figures, why_not };
}
