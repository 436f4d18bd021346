import { fail } from '@turnout/contracts/errors';
import { isSide, type Side } from '@turnout/core/sides';
import type { VerbOptions } from '../verb.js';

const PAIR_NAME = /^[a-z][a-z0-9_]{0,30}$/;

/** @throws TRN1007 */
export function pairName(operands: readonly string[]): string {
  const [name = ''] = operands;
  if (!PAIR_NAME.test(name)) throw fail('pair_name_invalid', { pair: name });
  return name;
}

/** @throws TRN1008 */
export function sideOption(options: VerbOptions, name: 'to' | 'side' = 'to'): Side {
  const side = options[name];
  if (isSide(side)) return side;
  throw fail('usage_invalid', {
    option: `--${name}`,
    value: String(side ?? ''),
    expected: 'green or blue',
  });
}

export function textOption(options: VerbOptions, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** What cannot be taken back, or is not wanted by mistake, names its pair twice. */
export function requireConfirmation(pair: string, options: VerbOptions, needed: boolean): void {
  const given = textOption(options, 'confirm');
  if (given === pair || (given === undefined && !needed)) return;
  throw fail('usage_invalid', { option: '--confirm', value: given ?? null, expected: pair });
}
