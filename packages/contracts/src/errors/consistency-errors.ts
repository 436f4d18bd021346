import type { ErrorEntry } from '@turnout/core/app-error';

export const CONSISTENCY_ERRORS = {
  sides_differ: {
    code: 'TRN4001',
    title: 'The sides differ',
    remedy: 'See `turnout verify show PAIR last`; repair the rows, then verify again.',
    http: 409,
    exit: 7,
    retry: 'manual',
  },
  check_inconclusive: {
    code: 'TRN4002',
    title: 'Check could not verify',
    remedy: 'See the reason named; it is not a pass. Mend it and verify again.',
    http: 409,
    exit: 3,
    retry: 'manual',
  },
  check_missing: {
    code: 'TRN4003',
    title: 'No full check has passed',
    remedy: 'Run `turnout verify PAIR --wait` and try again.',
    http: 409,
    exit: 3,
    retry: 'manual',
  },
  check_unknown: {
    code: 'TRN4004',
    title: 'No such check',
    remedy: 'List the checks of the pair with `turnout verify show PAIR`.',
    http: 404,
    exit: 4,
    retry: 'never',
  },
} as const satisfies Record<string, ErrorEntry>;
