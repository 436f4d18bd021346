import { SIDES, type Side } from '@turnout/core/sides';
import type { Session } from '@turnout/postgres/session';
import { ask } from '../side/side-row.js';
import { countOpen } from './sql/leak-sql.js';

/** Leaks nobody has resolved, on both sides: each link keeps those it met on its target. */
export async function countLeaks(control: Readonly<Record<Side, Session>>): Promise<number> {
  let leaks = 0;
  for (const side of SIDES) leaks += Number((await ask(control[side], countOpen))[0]?.['count']);
  return leaks;
}
