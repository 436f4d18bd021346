import type { Lsn } from '@turnout/core/lsn';
import type { ChangedKeys } from './changed-keys.js';

/** When an unproven change was read: the oldest bounds what may be acknowledged. */
interface Mark {
  readonly firstLsn: Lsn;
  lastSequence: number;
}

interface Dirty {
  readonly keys: Map<string, Mark>;
  whole: Mark | null;
}

/**
 * What was changed since it was last proven equal, per comparison unit. A mark is taken away only by
 * a proof that is not older than the last change: `sequence` counts the transactions read.
 */
export class DirtyKeys {
  readonly #keysMax: number;
  readonly #units = new Map<string, Dirty>();
  #count = 0;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** Number of keys; wholly dirty units are not in it. */
  get count(): number {
    return this.#count;
  }

  get wholeUnits(): string[] {
    return [...this.#units].filter(([, dirty]) => dirty.whole).map(([unit]) => unit);
  }

  get units(): string[] {
    return [...this.#units].filter(([, d]) => d.whole || d.keys.size > 0).map(([unit]) => unit);
  }

  get oldestLsn(): Lsn | null {
    let oldest: Lsn | null = null;
    const consider = ({ firstLsn }: Mark): void => {
      if (oldest === null || firstLsn < oldest) oldest = firstLsn;
    };
    for (const { keys, whole } of this.#units.values()) {
      if (whole) consider(whole);
      for (const mark of keys.values()) consider(mark);
    }
    return oldest;
  }

  isWhole(unit: string): boolean {
    return (this.#units.get(unit)?.whole ?? null) !== null;
  }

  keysOf(unit: string): string[] {
    return [...(this.#units.get(unit)?.keys.keys() ?? [])];
  }

  add(unit: string, { keys }: ChangedKeys, firstLsn: Lsn, lastSequence: number): void {
    const dirty = this.#dirtyOf(unit);
    if (keys === null || this.#count + keys.size > this.#keysMax) {
      this.#markWhole(dirty, firstLsn, lastSequence);
      return;
    }
    for (const key of keys) {
      const mark = dirty.keys.get(key);
      if (mark) mark.lastSequence = lastSequence;
      else {
        dirty.keys.set(key, { firstLsn, lastSequence });
        this.#count += 1;
      }
    }
  }

  /** `keys` were proven equal by a comparison that knew the stream up to `sequence`. */
  proveKeys(unit: string, keys: Iterable<string>, sequence: number): void {
    const dirty = this.#units.get(unit);
    if (!dirty) return;
    for (const key of keys) {
      const mark = dirty.keys.get(key);
      if (mark && mark.lastSequence <= sequence && dirty.keys.delete(key)) this.#count -= 1;
    }
  }

  /** The whole unit was compared at `sequence`; what was in flight then (`except`) stays dirty. */
  proveWhole(unit: string, except: ChangedKeys | undefined, sequence: number): void {
    const dirty = this.#units.get(unit);
    if (!dirty || except?.keys === null) return;
    const mark = dirty.whole;
    if (mark && mark.lastSequence <= sequence) {
      dirty.whole = null;
      // A whole mark had swallowed the keys; those in flight come back with its first position.
      if (except) this.add(unit, except, mark.firstLsn, sequence);
    }
    const proven = [...dirty.keys.keys()].filter((key) => !except?.keys?.has(key));
    this.proveKeys(unit, proven, sequence);
  }

  clear(): void {
    this.#units.clear();
    this.#count = 0;
  }

  #markWhole(dirty: Dirty, lsn: Lsn, lastSequence: number): void {
    const firsts = [...dirty.keys.values(), ...(dirty.whole ? [dirty.whole] : [])];
    const firstLsn = firsts.reduce((oldest, m) => (m.firstLsn < oldest ? m.firstLsn : oldest), lsn);
    this.#count -= dirty.keys.size;
    dirty.keys.clear();
    dirty.whole = { firstLsn, lastSequence };
  }

  #dirtyOf(unit: string): Dirty {
    let dirty = this.#units.get(unit);
    if (!dirty) this.#units.set(unit, (dirty = { keys: new Map(), whole: null }));
    return dirty;
  }
}
