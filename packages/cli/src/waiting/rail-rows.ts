import type { CheckAnswer, StatusAnswer, SwitchoverAnswer } from '@turnout/api-client/answers';
import { count, ms } from '../output/figures.js';
import type { RailRow } from './rail.js';

/** The steps of a switch as the journal has them. */
export function stepRows({ steps }: SwitchoverAnswer): RailRow[] {
  return steps.map(({ id, outcome, started_at, ms: took }) => ({
    name: id,
    outcome,
    startedAtMs: started_at === null ? null : Date.parse(started_at),
    ms: took,
  }));
}

/** A check is one row that says how far it is. */
export function checkRow(check: CheckAnswer, sinceMs: number): RailRow {
  const { kind, outcome, tables, rows_compared, seconds } = check;
  const running = outcome === 'running';
  const compared = `${count(rows_compared)} rows in ${tables.length} tables compared`;
  return {
    name: `${kind} check`,
    outcome: outcome.replaceAll('_', ' '),
    startedAtMs: sinceMs,
    ms: running || seconds === null ? null : seconds * 1_000,
    note: running ? compared : undefined,
  };
}

/** What can be told about a phase while the pair is in it. */
const PHASE_NOTES: Readonly<Record<string, (status: StatusAnswer) => string | undefined>> = {
  copying: ({ links, direction }) => {
    const copy = links.find((link) => link.direction === direction)?.copy;
    if (!copy) return undefined;
    const of = copy.rows_expected ? ` of ~${count(copy.rows_expected)}` : '';
    return `${count(copy.rows)}${of} rows copied`;
  },
  catching_up: ({ links, direction }) => {
    const link = links.find((each) => each.direction === direction);
    return link ? `lag ${ms(link.lag_ms)}` : undefined;
  },
};

/**
 * The phases a pair goes through while somebody watches, each with the time it was seen in. The status
 * says where the pair is now; where it was is remembered here.
 */
export class PhaseRows {
  readonly #now: () => number;
  readonly #rows: RailRow[] = [];

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  next(status: StatusAnswer): readonly RailRow[] {
    const nowMs = this.#now();
    const last = this.#rows.at(-1);
    const note = PHASE_NOTES[status.phase]?.(status);
    const begun = last?.name === status.phase ? last.startedAtMs : nowMs;
    if (last && last.name === status.phase) this.#rows.pop();
    else if (last) this.#rows.splice(-1, 1, ended(last, nowMs));
    const row = { name: status.phase, outcome: 'running', startedAtMs: begun, ms: null, note };
    this.#rows.push(row);
    return [...this.#rows];
  }

  /** The phase that was waited for is reached: nothing runs any more. */
  reached(): readonly RailRow[] {
    const last = this.#rows.pop();
    if (last) this.#rows.push({ ...last, outcome: 'reached', ms: null, note: undefined });
    return [...this.#rows];
  }
}

function ended(row: RailRow, nowMs: number): RailRow {
  return { ...row, outcome: 'done', ms: nowMs - (row.startedAtMs ?? nowMs), note: undefined };
}
