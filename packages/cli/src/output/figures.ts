import { formatBytes, formatMs } from '@turnout/core/quantities';
import { UNKNOWN } from './grid.js';

export const ms = (value: number | null | undefined): string =>
  value === null || value === undefined ? UNKNOWN : formatMs(value);

export const bytes = (value: number | null | undefined): string =>
  value === null || value === undefined ? UNKNOWN : formatBytes(value);

/** Thousands separated by commas, whatever the locale of the machine. */
export const count = (value: number | null | undefined): string =>
  value === null || value === undefined
    ? UNKNOWN
    : String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

export const word = (value: string | null | undefined): string => value ?? UNKNOWN;

export const yesNo = (value: boolean | null | undefined): string =>
  value === null || value === undefined ? UNKNOWN : value ? 'yes' : 'no';
