import type { ServiceContext } from '@turnout/service-kit/context';
import type { Health } from '@turnout/service-kit/service';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import { missingWords, readWorkers } from './gates/workers.js';
import type { Runtimes } from './runtime.js';

const LIVE_IDLE_MAX_MS = 60_000;

/** Alive is a loop that goes round, not a process that answers. Asks no database. */
export function aliveness(runtimes: Runtimes): Health {
  const worst = Math.max(0, ...runtimes.all().map(({ loop }) => loop.idleMs()));
  return worst > LIVE_IDLE_MAX_MS
    ? { ok: false, reason: `no progress for ${Math.round(worst)} ms` }
    : { ok: true, reason: null };
}

/** Everything that the configured pairs need is there: the store, a leader, and the workers. */
export async function readiness(
  { store, clock }: ServiceContext,
  runtimes: Runtimes,
): Promise<Health> {
  try {
    const missing: string[] = [];
    for (const { context } of runtimes.all()) {
      const row = await store.pairs.get(context.pair.name);
      if (!row || PHASE_TRAITS[row.phase as Phase].forward === 'stopped') continue;
      const workers = await readWorkers(store, row.pair);
      missing.push(
        ...workers
          .filter(({ holder, name }) => holder === null && isNeeded(name, row.phase as Phase))
          .map((worker) => missingWords(worker, clock.nowMs())),
      );
    }
    return missing.length > 0
      ? { ok: false, reason: missing.join('; ') }
      : { ok: true, reason: null };
  } catch {
    return { ok: false, reason: 'control store does not answer' };
  }
}

/** Lag can be measured without its monitor, and nothing is checked while rows are copied. */
function isNeeded(name: string, phase: Phase): boolean {
  if (name === 'lag-monitor') return false;
  return !name.startsWith('checker/') || PHASE_TRAITS[phase].tracked;
}
