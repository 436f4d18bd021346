import { formatMs } from '@turnout/core/quantities';

/** What is not known is a dash, never 0. */
export const ms = (value: number | null | undefined): string =>
  value === null || value === undefined ? '—' : formatMs(value);

/** Thousands separated by commas, whatever the locale of the machine. */
export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? '—' : value.toLocaleString('en-US');
