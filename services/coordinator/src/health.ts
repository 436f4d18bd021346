import type { ServiceContext } from '@turnout/service-kit/context';
import type { Health } from '@turnout/service-kit/service';
import type { Desks } from './api/desks.js';

const LIVE_IDLE_MAX_MS = 30_000;

/** Alive is a loop that goes round, not a process that answers. Asks no database. */
export function aliveness(desks: Desks): Health {
  const worst = Math.max(0, ...desks.all().map((desk) => desk.sides.idleMs()));
  return worst > LIVE_IDLE_MAX_MS
    ? { ok: false, reason: `no progress for ${Math.round(worst)} ms` }
    : { ok: true, reason: null };
}

export async function readiness({ store }: ServiceContext): Promise<Health> {
  try {
    await store.pairs.list();
    return { ok: true, reason: null };
  } catch {
    return { ok: false, reason: 'control store does not answer' };
  }
}
