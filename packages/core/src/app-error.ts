/** What the caller may do about an error. Nothing is retried unless its entry says so. */
export type Retry = 'never' | 'automatic' | 'manual';

/** One entry of the error catalogue (`@turnout/contracts/errors`). */
export interface ErrorEntry {
  /** `TRN` and four digits: what users see and script against. */
  readonly code: string;
  readonly title: string;
  readonly remedy: string;
  readonly http: number;
  readonly exit: number;
  readonly retry: Retry;
}

/** Facts that were found. Names, counts and positions only: never a cell value or a secret. */
export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** An operating error: code, title and remedy from the catalogue, facts from the place it arose. */
export class AppError extends Error {
  readonly code: string;
  readonly entry: ErrorEntry;
  readonly facts: Facts;

  constructor(entry: ErrorEntry, facts: Facts, cause?: unknown) {
    // A fact that is not known says nothing in a sentence.
    const text = Object.entries(facts)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(', ');
    super(
      `${entry.code} ${entry.title}${text === '' ? '' : ` (${text})`}`,
      cause === undefined ? {} : { cause },
    );
    this.name = 'AppError';
    this.code = entry.code;
    this.entry = entry;
    this.facts = facts;
  }
}

/** Brand check rather than `instanceof`: two copies of this package must still understand each other. */
export function isAppError(value: unknown): value is AppError {
  return value instanceof Error && value.name === 'AppError' && 'code' in value && 'entry' in value;
}

/** Text of anything thrown, without stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
