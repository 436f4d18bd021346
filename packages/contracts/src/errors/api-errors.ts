import type { ErrorEntry } from '@turnout/core/app-error';

export const API_ERRORS = {
  TRN7001: {
    title: 'Token is missing or not known',
    remedy: 'Send Authorization: Bearer TOKEN; see api.tokens_file.',
    http: 401,
    exit: 2,
    retry: 'never',
  },
  TRN7002: {
    title: 'Role may not do this',
    remedy: 'Use a token of the role named.',
    http: 403,
    exit: 2,
    retry: 'never',
  },
  TRN7003: {
    title: 'Idempotency key was used for another request',
    remedy: 'Use a fresh key for each distinct request.',
    http: 422,
    exit: 2,
    retry: 'never',
  },
  TRN7004: {
    title: 'Request with this idempotency key is still running',
    remedy: 'Wait and ask again with the same key.',
    http: 409,
    exit: 5,
    retry: 'manual',
  },
  TRN7005: {
    title: 'Request is not valid',
    remedy: 'See the fields listed.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN7006: {
    title: 'No such resource',
    remedy: 'See the API description at /docs.',
    http: 404,
    exit: 4,
    retry: 'never',
  },
  TRN7007: {
    title: 'API cannot be reached',
    remedy: 'Start `turnout serve`, or pass --api.',
    http: 503,
    exit: 8,
    retry: 'automatic',
  },
  TRN7008: {
    title: 'Unexpected failure',
    remedy: 'See the log of the service under the request id named.',
    http: 500,
    exit: 1,
    retry: 'manual',
  },
} as const satisfies Record<string, ErrorEntry>;
