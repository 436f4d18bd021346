import type { Side } from '@turnout/core/sides';
import type { Session } from '@turnout/postgres/session';
import { openLeaks } from './sql/gate-sql.js';

/** Leaks nobody has resolved, on both sides: each link keeps those it met on its target. */
export async function countLeaks(control: Readonly<Record<Side, Session>>): Promise<number> {
  let leaks = 0;
  for (const session of [control.blue, control.green]) {
    const { rows } = await session.query<{ count: string }>(openLeaks);
    leaks += Number(rows[0]?.count);
  }
  return leaks;
}
