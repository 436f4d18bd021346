import type { ErrorEntry } from '@turnout/core/app-error';

export const REPLICATION_ERRORS = {
  TRN3001: {
    title: 'Replication stream ended',
    remedy: 'It reconnects by itself; if it goes on, look at the log of the server named.',
    http: 503,
    exit: 8,
    retry: 'automatic',
  },
  TRN3002: {
    title: 'Replication slot is ahead of what was applied',
    remedy: 'Rows were skipped for good: copy the pair again. Find out who advanced the slot.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3003: {
    title: 'Replication slot is missing',
    remedy: 'It was dropped by someone else: copy the pair again.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3004: {
    title: 'Replication slot is lost',
    remedy:
      'The server removed WAL that was still needed: raise max_slot_wal_keep_size and copy the pair again.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3005: {
    title: 'Replication slot is not the one that was created',
    remedy: 'A slot of the same name was created anew: copy the pair again.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3006: {
    title: 'Change does not fit the target',
    remedy:
      'A row to change is missing on the target or the count differs; run `turnout verify` and repair before `turnout link retry`.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3007: {
    title: 'Target refused a change',
    remedy:
      'Read the SQLSTATE and the table named, mend the target, then `turnout link retry PAIR`.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3008: {
    title: 'Relation does not match the target',
    remedy: 'Bring the target table to the shape of the source, then `turnout link retry PAIR`.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3009: {
    title: 'Link was superseded',
    remedy: 'Another worker holds this link; nothing to do.',
    http: 409,
    exit: 5,
    retry: 'never',
  },
  TRN3010: {
    title: 'Stream holds a message this version does not know',
    remedy: 'Report it with the server version; nothing was applied beyond the position named.',
    http: 500,
    exit: 9,
    retry: 'manual',
  },
  TRN3011: {
    title: 'A progress change stands inside a user transaction',
    remedy: 'Somebody wrote turnout.progress by hand: find out who, then run a full check.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3012: {
    title: 'Copy could not finish',
    remedy:
      'Mend what is named, `turnout abort PAIR`, empty the tables of the target, then `turnout start PAIR`.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3013: {
    title: 'Write found on a side that is closed',
    remedy: 'A session bypassed the guard: see the leaks listed, resolve each, then acknowledge.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
  TRN3014: {
    title: 'Slot could not be created in time',
    remedy: 'A transaction older than the limit is open on the side named; end it and try again.',
    http: 504,
    exit: 6,
    retry: 'manual',
  },
  TRN3015: {
    title: 'Server identity changed',
    remedy: 'The side was restored or failed over: all proofs are void. Copy or verify again.',
    http: 409,
    exit: 9,
    retry: 'manual',
  },
} as const satisfies Record<string, ErrorEntry>;
