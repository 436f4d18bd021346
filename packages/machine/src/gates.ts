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
  readonly oldestWriterMs: number | null;
  readonly preparedTransactions: number | null;
  readonly schemaMatches: boolean | null;
  readonly poolersReachable: boolean | null;
  /** The routes that did not answer, for whoever has to mend them. */
  readonly poolersSilent?: readonly string[] | undefined;
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
    observe: ({ oldestWriterMs }) => ms(oldestWriterMs),
    limit: ({ writerAgeMaxMs }) => `<= ${formatMs(writerAgeMaxMs)}`,
    open: ({ oldestWriterMs }, { writerAgeMaxMs }) =>
      oldestWriterMs !== null && oldestWriterMs <= writerAgeMaxMs,
  },
  prepared: {
    why: 'A prepared transaction that wrote blocks the fence until someone ends it.',
    observe: ({ preparedTransactions }) => count(preparedTransactions),
    limit: () => '0',
    open: ({ preparedTransactions }) => preparedTransactions === 0,
  },
  schema: {
    why: 'Every user table must be replicated and have the same columns on both sides.',
    observe: ({ schemaMatches }) =>
      schemaMatches === null ? null : schemaMatches ? 'same' : 'different',
    limit: () => 'same',
    open: ({ schemaMatches }) => schemaMatches === true,
  },
  poolers: {
    why: 'Every pooler must answer, or it could not be paused and moved.',
    observe: ({ poolersReachable, poolersSilent = [] }) => {
      if (poolersReachable === null) return null;
      if (poolersReachable) return 'reachable';
      return ['unreachable', ...poolersSilent].join(' ');
    },
    limit: () => 'reachable',
    open: ({ poolersReachable }) => poolersReachable === true,
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
