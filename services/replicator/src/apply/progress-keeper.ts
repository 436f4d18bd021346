import { parseLsn, type Lsn } from '@turnout/core/lsn';
import type { Direction } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { advance, readProgress } from './sql/progress.js';
import type { BuiltStatement } from './sql/statement.js';
import type { TargetSession } from './target-session.js';

/** The link's own row of `turnout.progress`. */
export interface ProgressRow {
  readonly sourceLsn: Lsn;
  readonly endLsn: Lsn;
  readonly userLsn: Lsn | null;
  readonly leaseEpoch: bigint;
  readonly switchEpoch: bigint;
  readonly open: boolean;
}

/** Reads what `takeLink`, `readProgress` and `openLink` return. */
export function parseProgress(row: Readonly<Record<string, string | null>>): ProgressRow {
  return {
    sourceLsn: parseLsn(row.source_lsn ?? '0/0'),
    endLsn: parseLsn(row.end_lsn ?? '0/0'),
    userLsn: row.user_lsn ? parseLsn(row.user_lsn) : null,
    leaseEpoch: BigInt(row.lease_epoch ?? 0),
    switchEpoch: BigInt(row.switch_epoch ?? 0),
    open: row.open === 't',
  };
}

/** The progress row as last seen. Every effect matches it on the server: a stale one is refused there. */
export class ProgressKeeper {
  readonly link: Direction;
  readonly #target: TargetSession;
  #row: ProgressRow;

  constructor(link: Direction, target: TargetSession, row: ProgressRow) {
    this.link = link;
    this.#target = target;
    this.#row = row;
  }

  get row(): ProgressRow {
    return this.#row;
  }

  /** The first statement of a target transaction that moves from here to `source`. */
  advanceTo(source: Lsn, end: Lsn, user: Lsn | null): BuiltStatement {
    const { leaseEpoch, sourceLsn: previous } = this.#row;
    return advance({ link: this.link, leaseEpoch, previous, source, end, user });
  }

  /** The transaction that began with `advanceTo` has committed. */
  moved(source: Lsn, end: Lsn, user: Lsn | null): void {
    const userLsn = user ?? this.#row.userLsn;
    this.#row = { ...this.#row, sourceLsn: source, endLsn: end, userLsn };
  }

  /** The row as read in a transaction of our own that has committed. */
  seen(row: ProgressRow): void {
    this.#row = row;
  }

  /**
   * Looks again after the server refused an effect.
   * @throws TRN3009 when another worker has taken the link
   */
  async reload(): Promise<ProgressRow> {
    const { leaseEpoch } = this.#row;
    const [found] = await this.#target.query(readProgress(this.link));
    const row = found ? parseProgress(found) : null;
    if (row?.leaseEpoch !== leaseEpoch) {
      throw fail('link_superseded', {
        link: this.link,
        lease_epoch: String(leaseEpoch),
        found: row ? String(row.leaseEpoch) : null,
      });
    }
    this.#row = row;
    return row;
  }
}
