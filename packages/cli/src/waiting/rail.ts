import type { WaitingAnswer } from '@turnout/api-client/answers';
import { formatMs } from '@turnout/core/quantities';
import type { Terminal } from '../terminal.js';

/** One stop on the way: a step, a phase, a check. */
export interface RailRow {
  readonly name: string;
  /** `running`, or how it ended. */
  readonly outcome: string;
  readonly startedAtMs: number | null;
  readonly ms: number | null;
  /** How far it is, while it runs. */
  readonly note?: string | undefined;
}

/** Shows a person what is being done and what is waited for, on stderr. */
export interface Rail {
  rows(rows: readonly RailRow[]): void;
  waiting(waiting: WaitingAnswer | null): void;
  /** A line of its own. */
  tell(line: string): void;
  /** Leaves what was shown where it stands; nothing is shown afterwards. */
  end(): void;
}

/** What is waited for is told again after this long, for whoever reads a log. */
const REPEAT_MS = 10_000;
/** Progress within a row is told this often where nothing can be redrawn. */
const NOTE_MS = 2_000;
const NAME_WIDTH = 12;
/** How an outcome looks; a word this version does not know is never shown as a success. */
const GLYPHS: Readonly<Record<string, string>> = {
  running: '▸',
  done: '✓',
  ok: '✓',
  equal: '✓',
  reached: '✓',
  undone: '↺',
  skipped: '·',
};
const OTHER_GLYPH = '✗';

export function openRail(terminal: Terminal, now: () => number = Date.now): Rail {
  return terminal.stderrIsTTY ? new DrawnRail(terminal, now) : new PrintedRail(terminal, now);
}

function elapsedMs(since: string | null, nowMs: number): number | null {
  const at = since === null ? Number.NaN : Date.parse(since);
  return Number.isNaN(at) ? null : Math.max(0, nowMs - at);
}

/** What, since when, who holds it, what to do. */
export function waitingText(waiting: WaitingAnswer, nowMs: number): string {
  const sinceMs = elapsedMs(waiting.since, nowMs);
  return [
    `waiting for ${waiting.for}`,
    sinceMs === null ? '' : `, since ${formatMs(sinceMs)}`,
    waiting.holder === null ? '' : `, held by ${waiting.holder}`,
    waiting.remedy === null ? '' : `; to do: ${waiting.remedy}`,
  ].join('');
}

function timeText({ outcome, ms, startedAtMs }: RailRow, nowMs: number): string {
  if (ms !== null) return formatMs(ms);
  if (outcome !== 'running' || startedAtMs === null) return '';
  return formatMs(Math.max(0, nowMs - startedAtMs));
}

const keyOf = ({ for: what, holder, remedy }: WaitingAnswer): string =>
  JSON.stringify([what, holder, remedy]);

/** One line a change: for logs and pipes. */
class PrintedRail implements Rail {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  readonly #told = new Map<string, string>();
  #note = '';
  #noteAtMs = -Infinity;
  #waiting: string | null = null;
  #waitingAtMs = -Infinity;
  #ended = false;

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal;
    this.#now = now;
  }

  rows(rows: readonly RailRow[]): void {
    for (const [index, row] of rows.entries()) {
      const key = `${index} ${row.name}`;
      if (this.#told.get(key) !== row.outcome) {
        this.#told.set(key, row.outcome);
        const word = row.outcome === 'running' ? 'begins' : row.outcome;
        const took = row.ms === null ? '' : `  ${formatMs(row.ms)}`;
        this.tell(`${row.name.padEnd(NAME_WIDTH)} ${word}${took}`);
      }
      if (row.outcome === 'running') this.#tellNote(row);
    }
  }

  waiting(waiting: WaitingAnswer | null): void {
    const key = waiting && keyOf(waiting);
    const nowMs = this.#now();
    const repeated = key === this.#waiting && nowMs - this.#waitingAtMs < REPEAT_MS;
    if (repeated || (key === null && this.#waiting === null)) return;
    this.#waiting = key;
    this.#waitingAtMs = nowMs;
    this.tell(waiting === null ? 'goes on' : waitingText(waiting, nowMs));
  }

  tell(line: string): void {
    if (!this.#ended) this.#terminal.say(line);
  }

  end(): void {
    this.#ended = true;
  }

  #tellNote({ name, note = '' }: RailRow): void {
    const nowMs = this.#now();
    if (note === '' || note === this.#note || nowMs - this.#noteAtMs < NOTE_MS) return;
    this.#note = note;
    this.#noteAtMs = nowMs;
    this.tell(`${name.padEnd(NAME_WIDTH)} ${note}`);
  }
}

/** A block that is drawn over itself; the clock of the running step moves. */
class DrawnRail implements Rail {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #rows: readonly RailRow[] = [];
  #waiting: WaitingAnswer | null = null;
  #height = 0;
  #ended = false;

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal;
    this.#now = now;
  }

  rows(rows: readonly RailRow[]): void {
    this.#rows = rows;
    this.#draw();
  }

  waiting(waiting: WaitingAnswer | null): void {
    this.#waiting = waiting;
    this.#draw();
  }

  /** Above the block, which moves down. */
  tell(line: string): void {
    this.#draw(line);
  }

  end(): void {
    this.#waiting = null;
    this.#draw();
    this.#ended = true;
  }

  #draw(above?: string): void {
    if (this.#ended) return;
    const nowMs = this.#now();
    const lines = this.#rows.map((row) => {
      const glyph = GLYPHS[row.outcome] ?? OTHER_GLYPH;
      const note = row.note ?? (glyph === '✓' ? '' : row.outcome);
      return `${glyph} ${row.name.padEnd(NAME_WIDTH)} ${timeText(row, nowMs).padStart(8)}  ${note}`;
    });
    if (this.#waiting !== null) lines.push(`! ${waitingText(this.#waiting, nowMs)}`);
    // A line that wraps would be two on the screen, and the next drawing would begin too low.
    const width = this.#terminal.columns - 1;
    const cut = lines.map((line) => [...line.trimEnd()].slice(0, width).join(''));
    const back = this.#height > 0 ? `\u001b[${this.#height}A` : '';
    const shown = above === undefined ? cut : [above, ...cut];
    this.#terminal.draw(`${back}\r\u001b[J${shown.map((line) => `${line}\n`).join('')}`);
    this.#height = cut.length;
  }
}
