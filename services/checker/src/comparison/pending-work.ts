import type { DirtyKeys } from '../tracking/dirty-keys.js';

/** What a check still has to compare: units as a whole, and single keys. */
export class PendingWork {
  readonly whole: Set<string>;
  readonly #keys = new Map<string, Set<string>>();

  constructor(whole: Iterable<string> = []) {
    this.whole = new Set(whole);
  }

  /** Everything that is dirty now; at most `keysMax` keys of each unit. */
  static fromDirty(dirty: DirtyKeys, keysMax = Number.POSITIVE_INFINITY): PendingWork {
    const pending = new PendingWork(dirty.wholeUnits);
    for (const unit of dirty.units) {
      const keys = dirty.keysOf(unit);
      pending.addKeys(unit, keys.length > keysMax ? keys.slice(0, keysMax) : keys);
    }
    return pending;
  }

  get isEmpty(): boolean {
    return this.whole.size === 0 && this.#keys.size === 0;
  }

  get keyCount(): number {
    let count = 0;
    for (const keys of this.#keys.values()) count += keys.size;
    return count;
  }

  get unitsWithKeys(): string[] {
    return [...this.#keys.keys()];
  }

  keysOf(unit: string): ReadonlySet<string> {
    return this.#keys.get(unit) ?? new Set();
  }

  addKeys(unit: string, keys: Iterable<string>): void {
    const known = this.#keys.get(unit) ?? new Set<string>();
    for (const key of keys) known.add(key);
    if (known.size > 0) this.#keys.set(unit, known);
  }

  /** Done: proven equal, or found different and recorded. */
  removeKeys(unit: string, keys: Iterable<string>): void {
    const known = this.#keys.get(unit);
    for (const key of keys) known?.delete(key);
    if (known?.size === 0) this.#keys.delete(unit);
  }

  /** The unit became dirty as a whole, or was proven as one: single keys say nothing more. */
  dropKeys(unit: string): void {
    this.#keys.delete(unit);
  }
}
