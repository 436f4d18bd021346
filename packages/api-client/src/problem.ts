import { ERRORS, errorNamed, fail } from '@turnout/contracts/errors';
import { AppError, type ErrorEntry } from '@turnout/core/app-error';

/** Body of `application/problem+json` (RFC 9457) with the extensions of this API. */
interface Problem {
  readonly title?: unknown;
  readonly detail?: unknown;
  readonly code?: unknown;
  readonly remedy?: unknown;
  readonly instance?: unknown;
  readonly observed?: unknown;
  readonly errors?: unknown;
}

type Fact = string | number | boolean | null;

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const isFact = (value: unknown): value is Fact =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

function factsOf({ observed, errors, detail, instance }: Problem): Record<string, Fact> {
  const facts: Record<string, Fact> = {};
  if (typeof observed === 'object' && observed !== null) {
    for (const [name, value] of Object.entries(observed)) if (isFact(value)) facts[name] = value;
  }
  if (Array.isArray(errors) && errors.length > 0) {
    facts['fields'] = errors
      .map((each: { path?: unknown; message?: unknown }) =>
        `${text(each.path) ?? ''} ${text(each.message) ?? ''}`.trim(),
      )
      .join('; ');
  }
  // Without facts the detail of ours repeats code and title, which are told anyway.
  const told = text(detail)?.startsWith('TRN') === true;
  if (Object.keys(facts).length === 0 && text(detail) !== null && !told)
    facts['detail'] = text(detail);
  if (Object.keys(facts).length === 0 && text(instance) !== null) facts['request'] = text(instance);
  return facts;
}

/**
 * Makes the error a caller handles out of an answer with a status of 400 or more. A code this
 * version does not know keeps the title and remedy that the server sent.
 */
export function problemError(status: number, body: unknown): AppError {
  const problem: Problem = typeof body === 'object' && body !== null ? body : {};
  const code = text(problem.code);
  const facts = factsOf(problem);
  if (code === null) {
    return fail(
      status === 404 ? 'resource_unknown' : status === 401 ? 'token_invalid' : 'unexpected',
      {
        status,
        ...facts,
      },
    );
  }
  const name = errorNamed(code);
  const known: ErrorEntry | null = name && ERRORS[name];
  const entry: ErrorEntry = {
    code,
    title: known?.title ?? text(problem.title) ?? 'Refused',
    remedy: text(problem.remedy) ?? known?.remedy ?? 'See the log of the service.',
    http: status,
    exit: known?.exit ?? 1,
    retry: known?.retry ?? 'manual',
  };
  return new AppError(entry, facts);
}
