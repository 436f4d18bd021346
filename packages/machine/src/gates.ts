import { formatMs } from '@turnout/core/quantities';

/**
 * Facts a switchover depends on, read from the databases just now. `null` is unknown, and unknown
 * closes the gate.
 */
export interface GateFacts {
  readonly lagMs: number | null;
  readonly linkState: string | null;
  readonly verifiedAgoMs: number | null;
  readonly openDifferences: number | null;
  readonly openLeaks: number | null;
  /** Age of the oldest transaction that wrote, and whose it is; 0 when there is none. */
  readonly oldestWriter: { readonly ms: number; readonly session: string | null } | null;
  /** Names under which transactions were prepared. */
  readonly preparedTransactions: readonly string[] | null;
  /** What differs between the sides, by kind and name. */
  readonly schemaDifferences: readonly string[] | null;
  /** Poolers that must be paused and did not answer. */
  readonly poolersSilent: readonly string[] | null;
  /** Workers that a switch needs and nobody does, with the command that starts one. */
  readonly workersMissing: readonly string[] | null;
  /** Standbys that count and do not follow. */
  readonly standbysBehind: readonly string[] | null;
}

export interface GateLimits {
  readonly lagMaxMs: number;
  readonly verifiedWithinMs: number;
  readonly writerAgeMaxMs: number;
}

export interface GateVerdict {
  readonly id: GateId;
  readonly open: boolean;
  readonly observed: string | null;
  readonly limit: string;
  readonly why: string;
}

interface Gate {
  readonly why: string;
  /** Observed value as text, or null when it is not known. */
  observe(facts: GateFacts): string | null;
  limit(limits: GateLimits): string;
  open(facts: GateFacts, limits: GateLimits): boolean;
}

const ms = (value: number | null): string | null => (value === null ? null : formatMs(value));
const count = (value: number | null): string | null => (value === null ? null : String(value));

/** Named ones of a list, as many as a line holds. */
const NAMES_MAX = 8;
function names(list: readonly string[] | null, none: string): string | null {
  if (list === null) return null;
  if (list.length === 0) return none;
  const more = list.length > NAMES_MAX ? `, and ${list.length - NAMES_MAX} more` : '';
  return `${list.slice(0, NAMES_MAX).join(', ')}${more}`;
}
const isNone = (list: readonly string[] | null): boolean => list?.length === 0;

/** Named predicates of the switch. Each row is observed, compared, printed and counted alike. */
export const GATES = {
  link: {
    why: 'The link must stream: what it has not applied would be missing on the other side.',
    observe: ({ linkState }) => linkState,
    limit: () => 'streaming',
    open: ({ linkState }) => linkState === 'streaming',
  },
  lag: {
    why: 'What is not applied yet is waited for while writes are held.',
    observe: ({ lagMs }) => ms(lagMs),
    limit: ({ lagMaxMs }) => `<= ${formatMs(lagMaxMs)}`,
    open: ({ lagMs }, { lagMaxMs }) => lagMs !== null && lagMs <= lagMaxMs,
  },
  verified: {
    why: 'A full comparison must have passed recently.',
    observe: ({ verifiedAgoMs }) => (verifiedAgoMs === null ? null : `${ms(verifiedAgoMs)} ago`),
    limit: ({ verifiedWithinMs }) => `<= ${formatMs(verifiedWithinMs)} ago`,
    open: ({ verifiedAgoMs }, { verifiedWithinMs }) =>
      verifiedAgoMs !== null && verifiedAgoMs <= verifiedWithinMs,
  },
  differences: {
    why: 'A recorded difference stays until it is resolved.',
    observe: ({ openDifferences }) => count(openDifferences),
    limit: () => '0',
    open: ({ openDifferences }) => openDifferences === 0,
  },
  leaks: {
    why: 'Writes found on a fenced side must be resolved by a person.',
    observe: ({ openLeaks }) => count(openLeaks),
    limit: () => '0',
    open: ({ openLeaks }) => openLeaks === 0,
  },
  writers: {
    why: 'The fence waits for the oldest transaction that writes.',
    observe: ({ oldestWriter: oldest }) => {
      if (oldest === null) return null;
      return oldest.session === null
        ? formatMs(oldest.ms)
        : `${formatMs(oldest.ms)}, ${oldest.session}`;
    },
    limit: ({ writerAgeMaxMs }) => `<= ${formatMs(writerAgeMaxMs)}`,
    open: ({ oldestWriter }, { writerAgeMaxMs }) =>
      oldestWriter !== null && oldestWriter.ms <= writerAgeMaxMs,
  },
  prepared: {
    why: 'A prepared transaction that wrote blocks the fence until someone ends it.',
    observe: ({ preparedTransactions }) => names(preparedTransactions, 'none'),
    limit: () => 'none',
    open: ({ preparedTransactions }) => isNone(preparedTransactions),
  },
  schema: {
    why: 'Every user table must be replicated, and everything a dump would hold be the same.',
    observe: ({ schemaDifferences }) => names(schemaDifferences, 'same'),
    limit: () => 'same',
    open: ({ schemaDifferences }) => isNone(schemaDifferences),
  },
  poolers: {
    why: 'Every pooler must answer, or it could not be paused and moved.',
    observe: ({ poolersSilent }) => names(poolersSilent, 'reachable'),
    limit: () => 'reachable',
    open: ({ poolersSilent }) => isNone(poolersSilent),
  },
  workers: {
    why: "Links and checks must be in somebody's hands, or nothing would be drained or proven.",
    observe: ({ workersMissing }) => names(workersMissing, 'alive'),
    limit: () => 'alive',
    open: ({ workersMissing }) => isNone(workersMissing),
  },
  standbys: {
    why: 'A standby that lags would undo a decision when it is promoted.',
    observe: ({ standbysBehind }) => names(standbysBehind, 'following'),
    limit: () => 'following',
    open: ({ standbysBehind }) => isNone(standbysBehind),
  },
} as const satisfies Record<string, Gate>;

export type GateId = keyof typeof GATES;
export const GATE_IDS = Object.keys(GATES) as GateId[];

export function evaluateGates(facts: GateFacts, limits: GateLimits): GateVerdict[] {
  return GATE_IDS.map((id) => {
    const gate: Gate = GATES[id];
    return {
      id,
      open: gate.open(facts, limits),
      observed: gate.observe(facts),
      limit: gate.limit(limits),
      why: gate.why,
    };
  });
}
