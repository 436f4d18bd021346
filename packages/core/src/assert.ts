/** A programmer's error: the process may not go on as if nothing had happened. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(condition: unknown, statement: string): asserts condition {
  if (!condition) throw new AssertionError(statement);
}

export function must<T>(value: T | null | undefined, statement: string): T {
  assert(value !== null && value !== undefined, statement);
  return value;
}

export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
