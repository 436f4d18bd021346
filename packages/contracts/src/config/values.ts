import { Type, type TInteger, type TString } from 'typebox';

/** How a text of the configuration is read; kept in the schema under `x-kind`. */
export type ValueKind = 'duration' | 'size' | 'path' | 'url';

interface Annotations {
  readonly default?: string | undefined;
}

function annotated(description: string, { default: value }: Annotations): Record<string, string> {
  return value === undefined ? { description } : { description, default: value };
}

export function text(description: string, annotations: Annotations = {}): TString {
  return Type.String(annotated(description, annotations));
}

/** `500ms`, `5s`, `48h`. */
export function duration(description: string, value: string): TString {
  return Type.String({
    ...annotated(description, { default: value }),
    pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$',
    'x-kind': 'duration',
  });
}

/** `64MB`. */
export function size(description: string, value: string): TString {
  return Type.String({
    ...annotated(description, { default: value }),
    pattern: '^\\d+(\\.\\d+)?(B|kB|MB|GB)$',
    'x-kind': 'size',
  });
}

/** A path; in a file it is relative to that file. */
export function path(description: string): TString {
  return Type.String({ description, 'x-kind': 'path' });
}

/** Printed without user and password. */
export function url(description: string): TString {
  return Type.String({ description, 'x-kind': 'url' });
}

export function count(description: string, value: number): TInteger {
  return Type.Integer({ description, default: value, minimum: 1 });
}
