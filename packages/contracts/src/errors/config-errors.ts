import type { ErrorEntry } from '@turnout/core/app-error';

export const CONFIG_ERRORS = {
  TRN1001: {
    title: 'Configuration file cannot be read',
    remedy: 'Check the path and the permissions; pass --config or set TURNOUT_CONFIG.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN1002: {
    title: 'Unknown configuration key',
    remedy: 'Remove the key or correct its spelling; `turnout config schema` prints every key.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN1003: {
    title: 'Configuration value is not valid',
    remedy:
      'Give a value of the stated form; `turnout config explain` shows where each value comes from.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN1004: {
    title: 'Configuration needs an environment variable that is not set',
    remedy: 'Set the variable named, or replace ${env:NAME} by a file.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN1005: {
    title: 'Secret file cannot be read',
    remedy: 'Check the path of the password file and that this user may read it.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN1006: {
    title: 'Blue and green are the same database',
    remedy: 'Point the two sides of the pair at different databases.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN1007: {
    title: 'Pair name is not valid',
    remedy: 'Use a name of the form [a-z][a-z0-9_]{0,30}.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN1008: {
    title: 'Command line is not valid',
    remedy: 'See `turnout help`; nothing was done.',
    http: 400,
    exit: 2,
    retry: 'never',
  },
  TRN1009: {
    title: 'A program this needs is missing',
    remedy: 'Install the program named, or leave out the option that needs it.',
    http: 400,
    exit: 2,
    retry: 'manual',
  },
  TRN1010: {
    title: 'A local server did not start',
    remedy: 'Read the log named; the port may be taken or the disk full.',
    http: 500,
    exit: 1,
    retry: 'manual',
  },
} as const satisfies Record<string, ErrorEntry>;
