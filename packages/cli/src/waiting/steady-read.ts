import { isError } from '@turnout/contracts/errors';
import { formatMs } from '@turnout/core/quantities';

/** An API that is away this long is not coming back by itself. */
const SILENCE_MAX_MS = 120_000;
const TELL_EVERY_MS = 10_000;

export interface SteadyOptions {
  readonly tell?: ((line: string) => void) | undefined;
  readonly silenceMaxMs?: number | undefined;
}

/**
 * Makes a reader that takes an API that is away for a while for what it is: a coordinator that is being
 * replaced, while the work goes on. It answers undefined then, and throws only when the silence lasts.
 */
export function steadyReader({ tell, silenceMaxMs = SILENCE_MAX_MS }: SteadyOptions) {
  let silentSinceMs: number | null = null;
  let toldAtMs = -Infinity;
  return async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await read();
      silentSinceMs = null;
      return answer;
    } catch (thrown) {
      if (!isError(thrown, 'api_unreachable')) throw thrown;
      const nowMs = performance.now();
      silentSinceMs ??= nowMs;
      if (nowMs - silentSinceMs > silenceMaxMs) throw thrown;
      if (nowMs - toldAtMs > TELL_EVERY_MS) {
        toldAtMs = nowMs;
        const lasted = formatMs(nowMs - silentSinceMs);
        tell?.(`the API does not answer, since ${lasted}; what was begun goes on, trying again`);
      }
      return undefined;
    }
  };
}
