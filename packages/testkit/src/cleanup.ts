import { messageOf } from '@turnout/core/app-error';

/** What must be undone, newest first; every entry is tried, whatever happens to the others. */
export class Cleanup implements AsyncDisposable {
  readonly #entries: { readonly what: string; readonly undo: () => Promise<unknown> }[] = [];

  add(what: string, undo: () => Promise<unknown>): void {
    this.#entries.push({ what, undo });
  }

  /** Keeps `value` until the end. */
  use<T extends AsyncDisposable>(what: string, value: T): T {
    this.add(what, async () => value[Symbol.asyncDispose]());
    return value;
  }

  /** Answers what could not be undone. Idempotent. */
  async run(): Promise<string[]> {
    const failures: string[] = [];
    for (;;) {
      const entry = this.#entries.pop();
      if (entry === undefined) return failures;
      try {
        await entry.undo();
      } catch (thrown) {
        failures.push(`${entry.what}: ${messageOf(thrown)}`);
      }
    }
  }

  /** Undoes everything; rejects when something could not be, for that a test must not pass over. */
  async finish(): Promise<void> {
    const failures = await this.run();
    if (failures.length > 0) throw new Error(`not cleaned up:\n${failures.join('\n')}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.finish();
  }
}
