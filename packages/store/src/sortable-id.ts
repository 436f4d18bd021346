import { randomBytes } from 'node:crypto';

/** Short id whose text order is its order in time, to the millisecond: `chk_0mi8k2x9a_3f9c1d`. */
export function sortableId(
  prefix: string,
  nowMs: number = Date.now(),
  random: () => string = () => randomBytes(3).toString('hex'),
): string {
  return `${prefix}_${nowMs.toString(36).padStart(9, '0')}_${random()}`;
}
