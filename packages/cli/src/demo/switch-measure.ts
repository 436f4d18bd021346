import type { SwitchoverAnswer } from '@turnout/api-client/answers';
import type { Side } from '@turnout/core/sides';
import { stalls, type Span } from '@turnout/testkit/workload/stalls';
import type { SwitchFigures } from './demo-report.js';

/** A switch as seen from outside: when it was asked for, when it was over, what writers counted. */
export interface MeasuredSwitch {
  readonly to: Side;
  readonly answer: SwitchoverAnswer;
  /** Shared monotonic milliseconds. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Milliseconds since the epoch, between the two. */
  readonly atMs: number;
  /** Errors all writers had seen before it. */
  readonly errorsBefore: number;
}

/** What was seen of the writers until they were told to stop. */
export interface Watched {
  readonly ledgerFiles: readonly string[];
  readonly watched: Span;
  /** Errors that all writers saw. */
  readonly errors: number;
}

/** Figures of each switch; stalls come from the ledgers of the writers and nothing else. */
export async function measureSwitches(
  switches: readonly MeasuredSwitch[],
  { ledgerFiles, watched, errors }: Watched,
): Promise<SwitchFigures[]> {
  return Promise.all(
    switches.map(async ({ answer, fromMs, untilMs, errorsBefore }, index) => {
      const errorsAfter = switches[index + 1]?.errorsBefore ?? errors;
      const stall = await stalls(ledgerFiles, { fromMs, untilMs }, watched);
      return {
        id: answer.id,
        to: answer.to,
        outcome: answer.outcome,
        window_ms: rounded(answer.window_ms),
        steps: answer.steps.map(({ id, ms }) => ({ id, ms: rounded(ms) })),
        client_stall_ms: {
          p50: rounded(stall.p50),
          p99: rounded(stall.p99),
          max: rounded(stall.max),
        },
        client_errors: errorsAfter - errorsBefore,
      };
    }),
  );
}

/** Microseconds are the resolution of the clocks; more digits would be noise. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1_000) / 1_000;
}
