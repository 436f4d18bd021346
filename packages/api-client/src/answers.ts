import type { Direction, Side } from '@turnout/core/sides';

/** A command worth running next, and the reason for it. */
export interface NextStep {
  readonly command: string;
  readonly why: string;
}

interface Answer<S extends string> {
  readonly schema: S;
  readonly next_steps?: readonly NextStep[] | undefined;
}

export interface GateAnswer {
  readonly id: string;
  readonly open: boolean;
  readonly observed: string | null;
  readonly limit: string | null;
  readonly why: string;
}

export interface SideAnswer {
  readonly role: 'source' | 'target' | null;
  readonly version: string | null;
  readonly writable: boolean | null;
  readonly lsn: string | null;
  /** How old this observation is. */
  readonly age_ms?: number | null | undefined;
  /** Why the side is not known, null when it is. */
  readonly unknown?: string | null | undefined;
}

/** What the pair waits for; nothing is waited for in silence. */
export interface WaitingAnswer {
  readonly for: string;
  readonly since: string | null;
  readonly holder: string | null;
  readonly remedy: string | null;
}

/** A part of the work and who does it; without a holder nobody does. */
export interface WorkerAnswer {
  readonly name: string;
  readonly holder: string | null;
  readonly since: string | null;
  readonly remedy: string | null;
}

/** Where a route leads, and whether that is where it should. */
export interface RouteAnswer {
  readonly route: string;
  readonly routed_to: Side | 'held' | 'unknown';
  readonly ok: boolean;
}

export interface LinkAnswer {
  readonly direction: Direction;
  readonly desired: string | null;
  readonly observed: string | null;
  readonly lag_bytes: number | null;
  readonly lag_ms: number | null;
  readonly age_ms: number | null;
  readonly slot: string | null;
  readonly copy?: CopyAnswer | null | undefined;
  readonly code?: string | null | undefined;
  readonly message?: string | null | undefined;
  /** Why it does not do what is desired. */
  readonly why?: string | null | undefined;
}

export interface CopyAnswer {
  readonly tables: number;
  readonly tables_done?: number | undefined;
  readonly rows: number;
  readonly rows_expected?: number | null | undefined;
  readonly bytes: number;
  readonly seconds: number;
}

export interface ConditionAnswer {
  readonly condition: string;
  readonly reason: string | null;
  readonly code: string | null;
}

/** `GET /v1/pairs/{pair}`: one screen. What is not known is null, never 0. */
export interface StatusAnswer extends Answer<'turnout.status/v1'> {
  readonly pair: string;
  readonly phase: string;
  readonly conditions: readonly ConditionAnswer[];
  readonly direction: Direction | null;
  readonly revision: number;
  readonly sides: Readonly<Record<Side, SideAnswer | null>>;
  readonly links: readonly LinkAnswer[];
  readonly gates: readonly GateAnswer[];
  readonly estimate: {
    readonly window_ms_p50: number | null;
    readonly window_ms_p95: number | null;
  } | null;
  readonly waiting?: WaitingAnswer | null | undefined;
  readonly workers?: readonly WorkerAnswer[] | undefined;
  /** The coordinator that acts; null when none does. */
  readonly leader?: { readonly holder: string; readonly since: string | null } | null | undefined;
  /** Open leaks; null when they could not be counted. */
  readonly leaks?: number | null | undefined;
  /** Null before they were first looked at, and for a pair without any. */
  readonly routes?: readonly RouteAnswer[] | null | undefined;
}

export interface PairsAnswer {
  readonly pairs: readonly { readonly pair: string; readonly phase: string }[];
}

export interface PreflightAnswer extends Answer<'turnout.preflight/v1'> {
  readonly pair?: string | undefined;
  readonly findings: readonly {
    readonly id: string;
    readonly severity: 'ok' | 'warning' | 'critical';
    readonly observed: string;
    readonly remedy: string | null;
    readonly code?: string | null | undefined;
  }[];
}

export interface OperationAnswer extends Answer<'turnout.operation/v1'> {
  readonly id: string;
  readonly pair: string;
  readonly kind: string;
  /** `accepted`: taken up, not finished when this was answered. */
  readonly state: string;
}

/** A write that was found on a closed side. It was not applied to the other one. */
export interface LeakAnswer {
  /** `<link>-<hi>-<lo>` of its position, such as `forward-0-16B3740`. */
  readonly id: string;
  readonly side: Side;
  readonly link: Direction;
  readonly final_lsn: string;
  readonly xid: number | string | null;
  readonly committed_at: string | null;
  readonly tables: readonly string[];
  readonly changes: number | null;
  readonly found_at: string;
  readonly resolved_at: string | null;
  readonly resolution: string | null;
}

export interface LeaksAnswer extends Answer<'turnout.leaks/v1'> {
  readonly pair: string;
  readonly leaks: readonly LeakAnswer[];
}

export interface LeakDetailAnswer extends Answer<'turnout.leak/v1'>, LeakAnswer {
  readonly pair: string;
}

interface LagSampleAnswer {
  readonly lag_bytes: number | null;
  readonly lag_ms: number | null;
  readonly measured_at: string;
}

/** Newest measurement of each link, and those of the last minutes. */
export interface LagAnswer extends Answer<'turnout.lag/v1'> {
  readonly pair: string;
  readonly forward: LagSampleAnswer | null;
  readonly reverse: LagSampleAnswer | null;
  readonly samples: readonly LagSampleAnswer[];
}

export interface TablesAnswer extends Answer<'turnout.tables/v1'> {
  readonly pair: string;
  /** Null before the copy began. */
  readonly copied:
    | readonly {
        readonly table: string;
        readonly rows: number | null;
        readonly bytes: number | null;
        readonly done: boolean | null;
        readonly lane: string | null;
      }[]
    | null;
}

export type CheckOutcome = 'running' | 'equal' | 'different' | 'could_not_verify';

export interface CheckAnswer extends Answer<'turnout.check/v1'> {
  readonly id: string;
  readonly pair: string;
  readonly kind: string;
  readonly outcome: CheckOutcome;
  readonly reason?: string | null | undefined;
  readonly tables: readonly {
    readonly table: string;
    readonly rows_compared: number;
    readonly differences: number;
    readonly ms: number | null;
  }[];
  readonly rows_compared: number | null;
  readonly differences: number | null;
  readonly seconds: number | null;
}

export interface PlanStepAnswer {
  readonly id: string;
  readonly does: string;
  readonly undo: string | null;
  readonly sql?: readonly string[] | string | null | undefined;
  readonly detail?: readonly string[] | undefined;
  readonly decision?: boolean | undefined;
  readonly estimate_ms: number | null;
}

export interface PlanAnswer extends Answer<'turnout.plan/v1'> {
  readonly pair: string;
  readonly to: Side;
  readonly hash: string;
  readonly steps: readonly PlanStepAnswer[];
  readonly gates: readonly GateAnswer[];
  readonly estimate: { readonly window_ms: number; readonly basis: string } | null;
}

export type SwitchoverOutcome = 'running' | 'committed' | 'undone' | 'needs_operator';

/** One step as it stands: `running` without a time, or how it ended. */
export interface StepAnswer {
  readonly id: string;
  readonly outcome: string;
  readonly started_at: string | null;
  readonly ms: number | null;
  readonly detail: unknown;
}

export interface SwitchoverAnswer extends Answer<'turnout.switchover/v1'> {
  readonly id: string;
  readonly pair: string;
  readonly to: Side;
  readonly outcome: SwitchoverOutcome;
  readonly reason: string | null;
  readonly window_ms: number | null;
  readonly steps: readonly StepAnswer[];
  readonly certificate: unknown;
  readonly client_stall_ms: number | null;
}

/** One journal entry. */
export interface EventAnswer {
  readonly pair: string;
  readonly revision: number;
  readonly at: string;
  readonly type: string;
  readonly actor: string | null;
  readonly accepted: boolean;
  readonly data: unknown;
}

export interface EventsAnswer {
  readonly events: readonly EventAnswer[];
}
