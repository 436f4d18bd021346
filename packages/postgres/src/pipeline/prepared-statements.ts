interface Prepared {
  readonly text: string;
  /** Names of the result's columns as first described; null while none is known. */
  columns: readonly string[] | null;
}

/** What one statement needs said to the server before it can be bound. */
export interface Preparation {
  /** Names to close first: evicted ones, and one that is to be parsed anew. */
  readonly close: readonly string[];
  readonly parse: boolean;
}

const NOTHING: Preparation = { close: [], parse: false };

/** Which named statements one session holds on the server; the least recently used goes first. */
export class PreparedStatements {
  readonly #limit: number;
  readonly #byName = new Map<string, Prepared>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Marks the statement as used, and as parsed from here on. */
  prepare(name: string, text: string): Preparation {
    if (name === '') return { close: [], parse: true };
    const known = this.#byName.get(name);
    this.#byName.delete(name);
    if (known?.text === text) {
      this.#byName.set(name, known);
      return NOTHING;
    }
    // Closing a name that the server does not hold is no error; parsing one that it holds is.
    const close = [name];
    if (this.#byName.size >= this.#limit) {
      const oldest = this.#byName.keys().next().value;
      if (oldest !== undefined) {
        this.#byName.delete(oldest);
        close.push(oldest);
      }
    }
    this.#byName.set(name, { text, columns: null });
    return { close, parse: true };
  }

  /** After an error the server skipped what came behind it: nobody knows whether it was parsed. */
  forget(name: string): void {
    this.#byName.delete(name);
  }

  columnsOf(name: string): readonly string[] | null {
    return this.#byName.get(name)?.columns ?? null;
  }

  describe(name: string, columns: readonly string[]): void {
    const known = this.#byName.get(name);
    if (known) known.columns = columns;
  }
}
