import { backoffMs } from '@turnout/core/backoff';
import { isCancelled, pause, within } from '@turnout/core/waiting';
import type { Logger } from './logger.js';

export interface Health {
  readonly ok: boolean;
  readonly reason: string | null;
}

/** One of the parts that `turnout serve` runs. */
export interface Service {
  readonly id: string;
  /** Works until `signal` aborts. A rejection is logged and the service is run again. */
  run(signal: AbortSignal): Promise<void>;
  /** Finishes what must not be cut; called before `signal` aborts. */
  drain(): Promise<void>;
  /** Asks no database. */
  health(): Health;
}

export interface RunLimits {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Time that each service may take to drain, 15 s unless given. */
  readonly drainMs?: number | undefined;
}

const RESTART = { firstMs: 250, maxMs: 15_000 };
/** A run that lasted this long was well; the next failure begins with the short wait again. */
const STABLE_MS = 60_000;
const DRAIN_MS = 15_000;

async function runForever(service: Service, signal: AbortSignal, logger: Logger): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const startedMs = performance.now();
    try {
      await service.run(signal);
      if (signal.aborted) return;
      logger.error({ service: service.id }, 'service ended by itself; it is started again');
    } catch (thrown) {
      if (signal.aborted || (isCancelled(thrown) && signal.aborted)) return;
      logger.error({ service: service.id, err: thrown }, 'service failed; it is started again');
    }
    if (performance.now() - startedMs > STABLE_MS) attempt = 0;
    await pause(backoffMs(attempt, RESTART), signal).catch(() => undefined);
  }
}

/**
 * Runs all until `signal` aborts, then drains them in the order given and stops them in reverse: what
 * depends on others is listed first.
 */
export async function runServices(
  services: readonly Service[],
  { signal, logger, drainMs = DRAIN_MS }: RunLimits,
): Promise<void> {
  const running = services.map((service) => {
    const stop = new AbortController();
    return { service, stop, ended: runForever(service, stop.signal, logger) };
  });
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  for (const { service } of running) {
    const late = (): Error => new Error(`${service.id} did not drain within ${drainMs} ms`);
    await within(service.drain(), drainMs, late).catch((thrown: unknown) => {
      logger.error({ service: service.id, err: thrown }, 'drain failed');
    });
  }
  for (const { stop, ended } of running.toReversed()) {
    stop.abort();
    await ended;
  }
}
