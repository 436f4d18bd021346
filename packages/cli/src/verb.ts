import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import type { Output, Terminal } from './terminal.js';

/** Options that every verb takes. */
export interface GlobalOptions {
  readonly config?: string | undefined;
  readonly api?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly output: Output;
}

/** What a verb works with. */
export interface Session {
  readonly terminal: Terminal;
  readonly global: GlobalOptions;
  /** The API of the running services, opened when first asked for. */
  client(): TurnoutClient;
}

export type VerbOptions = Readonly<Record<string, string | boolean | undefined>>;

/** One thing a user may say. `name` of two words is a verb of a group: `switchover show`. */
export interface Verb {
  readonly name: string;
  /** Arguments in commander's words: `<pair> [id]`. */
  readonly operands?: string | undefined;
  readonly summary: string;
  /** Flags, explanation, and the default if there is one. */
  readonly options?:
    | readonly (readonly [flags: string, text: string, fallback?: string])[]
    | undefined;
  readonly examples?: readonly string[] | undefined;
  /** Answers the exit code; throws errors of the catalogue. */
  run(session: Session, operands: readonly string[], options: VerbOptions): Promise<number>;
}
