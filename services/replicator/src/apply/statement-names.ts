/** Prepared statements one session keeps; beyond it statements stay unnamed and are parsed each time. */
const NAMES_MAX = 1_000;

/** Gives each statement text of a session its own short name, so that it is parsed once. */
export class StatementNames {
  readonly #names = new Map<string, string>();

  nameOf(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    if (this.#names.size >= NAMES_MAX) return '';
    const name = `turnout_${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}
