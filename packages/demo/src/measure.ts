import type { SwitchoverAnswer } from '@turnout/api-client/answers';
import type { Side } from '@turnout/core/sides';
import { withClient } from '@turnout/testkit/cluster/client';
import { compare } from '@turnout/testkit/workload/comparison';
import { endObservation } from '@turnout/testkit/workload/observation';
import { acceptedProbes, bothSidesWritableMs } from '@turnout/testkit/workload/prober';
import { stalls, type Span } from '@turnout/testkit/workload/stalls';
import type { DemoRun } from './demo-run.js';
import { PAIR } from './options.js';
import type { SwitchFigures } from './report.js';
import { count } from './words.js';

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

/** Ends writers and probers and compares what they noted with the side that takes writes now. */
export async function compareAndReport(run: DemoRun): Promise<string> {
  const writers = run.get('writers');
  const probers = run.get('probers');
  const untilMs = await endObservation(writers, probers, run.signal);
  const watched = { fromMs: run.writersSinceMs, untilMs };
  const { acknowledged } = writers.counts();
  const writable =
    run.switches.findLast(({ answer }) => answer.outcome === 'committed')?.to ?? 'blue';
  const { blue, green } = run.get('clusters');
  const urls = { blue: blue.url(PAIR), green: green.url(PAIR) };
  const found = await withClient(urls[writable], (client) => compare(writers.ledgerFiles, client));
  const probes = await acceptedProbes(urls);
  const versions = run.get('versions');
  run.set('figures', {
    blue_version: versions.blue,
    green_version: versions.green,
    full: run.setting.extras === 'all',
    schema_transfer: run.get('transfer'),
    copy: run.get('copy'),
    switches: await measureSwitches(run.switches, {
      ledgerFiles: writers.ledgerFiles,
      watched,
      errors: found.clientErrors,
    }),
    checks: run.checks,
    writes: {
      attempted: found.attempted,
      acknowledged: found.acknowledged,
      lost: found.lost,
      duplicated: found.duplicated,
      unexplained: found.unexplained,
    },
    client_errors: found.clientErrors,
    tps: Math.round((acknowledged * 1_000) / (watched.untilMs - watched.fromMs)),
    lag: run.get('observer').lag(),
    both_sides_writable_ms: bothSidesWritableMs(probes, run.switches),
    seconds: (performance.now() - run.startedMs) / 1_000,
  });
  return `${count(found.acknowledged)} acknowledged writes, ${found.lost} lost, ${found.duplicated} duplicated, ${found.unexplained} unexplained (on ${writable})`;
}
