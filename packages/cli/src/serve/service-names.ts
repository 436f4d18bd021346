import { fail } from '@turnout/contracts/errors';

/** In the order in which they drain: what acts stops before what it acts through. */
export const SERVICE_NAMES = ['coordinator', 'checker', 'lag-monitor', 'replicator'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/**
 * `all`, or names separated by commas.
 * @throws TRN1008
 */
export function parseServiceNames(text: string): readonly ServiceName[] {
  if (text === 'all') return SERVICE_NAMES;
  const asked = text.split(',').map((name) => name.trim());
  const unknown = asked.find((name) => !(SERVICE_NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const expected = `all, or some of ${SERVICE_NAMES.join(', ')}`;
    throw fail('usage_invalid', { option: '--services', value: unknown, expected });
  }
  return SERVICE_NAMES.filter((name) => asked.includes(name));
}
