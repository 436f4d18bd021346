import type { ErrorEntry } from '@turnout/core/app-error';

export const STORE_ERRORS = {
  TRN6001: {
    title: 'Control store cannot be reached',
    remedy: 'Check control.url and that the server runs; data sides are not affected.',
    http: 503,
    exit: 8,
    retry: 'automatic',
  },
  TRN6002: {
    title: 'Lease is held by another',
    remedy: 'Wait until it expires or stop the holder named.',
    http: 409,
    exit: 5,
    retry: 'manual',
  },
  TRN6003: {
    title: 'Control store is of a newer version',
    remedy: 'Upgrade this Turnout; it does not write to a schema it does not know.',
    http: 500,
    exit: 9,
    retry: 'manual',
  },
  TRN6004: {
    title: 'Kafka cannot be reached',
    remedy: 'News is delayed, data is not affected; it reconnects by itself.',
    http: 503,
    exit: 8,
    retry: 'automatic',
  },
  TRN6005: {
    title: 'Redis cannot be reached',
    remedy: 'The route is published again as soon as Redis is back.',
    http: 503,
    exit: 8,
    retry: 'automatic',
  },
  TRN6006: {
    title: 'Installed SQL was changed',
    remedy: 'A migration file differs from what was applied; restore the release file.',
    http: 500,
    exit: 9,
    retry: 'manual',
  },
  TRN6007: {
    title: 'Lease was lost',
    remedy: 'Another holder took over; this process stops acting.',
    http: 409,
    exit: 5,
    retry: 'manual',
  },
} as const satisfies Record<string, ErrorEntry>;
