/** A statement with its parameters, as `pg` takes it. A name has it prepared once per connection. */
export interface Statement {
  readonly name?: string | undefined;
  readonly text: string;
  readonly values: (string | number | boolean | null)[];
}

/** One that is prepared: a caller that keeps many apart needs every name. */
export interface NamedStatement extends Statement {
  readonly name: string;
}

/** A row whose columns are all text or null. */
export type TextRow<Column extends string, Nullable extends string = never> = {
  readonly [C in Column]: string;
} & { readonly [N in Nullable]: string | null };
