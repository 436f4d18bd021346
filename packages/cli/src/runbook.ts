/** Codes with a page in `deploy/docs/runbook.md`: what a person must do, and how to know it is over. */
const RUNBOOK_CODES: readonly string[] = [
  'TRN3002',
  'TRN3003',
  'TRN3004',
  'TRN3005',
  'TRN3006',
  'TRN3007',
  'TRN3008',
  'TRN3010',
  'TRN3011',
  'TRN3012',
  'TRN3013',
  'TRN3015',
  'TRN3016',
  'TRN3017',
  'TRN5011',
  'TRN5012',
  'TRN5018',
  'TRN5021',
  'TRN5022',
  'TRN5026',
  'TRN5027',
  'TRN5029',
  'TRN5030',
  'TRN5031',
  'TRN5032',
  'TRN5033',
  'TRN5034',
  'TRN5035',
  'TRN6001',
  'TRN6003',
  'TRN6006',
];

/** Where the page of `code` is, from the root of the distribution; null when it needs none. */
export function runbookPage(code: string): string | null {
  return RUNBOOK_CODES.includes(code) ? `deploy/docs/runbook.md#${code.toLowerCase()}` : null;
}
