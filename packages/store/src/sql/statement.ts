/** A statement as `pg` takes it. The name makes it prepared once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: (string | number | boolean | null)[];
}

/** A row whose columns are all text or null. */
export type TextRow<Column extends string, Nullable extends string = never> = {
  readonly [C in Column]: string;
} & { readonly [N in Nullable]: string | null };
