import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DemoRun } from '@turnout/demo/demo-run';
import { check, copy, preflight, stream, switchTo } from '@turnout/demo/job-steps';
import type { Setting } from '@turnout/demo/options';
import { requireExtras } from '@turnout/demo/servers';
import {
  loadTheShop,
  startServers,
  startServices,
  startTheWriters,
} from '@turnout/demo/setting-steps';
import { percentile } from '@turnout/core/quantities';
import { Cleanup } from '@turnout/testkit/cleanup';
import { withClient } from '@turnout/testkit/cluster/client';
import { compare } from '@turnout/testkit/workload/comparison';
import { endObservation } from '@turnout/testkit/workload/observation';
import { acceptedProbes, bothSidesWritableMs } from '@turnout/testkit/workload/prober';
import { longestGaps } from '@turnout/testkit/workload/stalls';

const PROGRAM = fileURLToPath(import.meta.resolve('@turnout/cli/main'));

/** There and back again, this many times. */
const ROUNDS = 5;

const SETTING: Setting = {
  extras: 'pgbouncer',
  schema: 'auto',
  workload: { direct: 0, pooled: 16, perSecond: 1_000, scale: 0.2 },
};

/** Stall at the clients and window of many switches under load through PgBouncer. */
export async function benchSwitchover(
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<object> {
  await requireExtras(SETTING.extras);
  const cleanup = new Cleanup();
  try {
    const directory = await mkdtemp(join(await realpath(tmpdir()), 'turnout-bench-'));
    cleanup.add('directory', () => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
    const run = new DemoRun({
      setting: SETTING,
      directory,
      signal,
      cleanup,
      program: PROGRAM,
      drawPlan: ({ hash }) => hash,
    });
    for (const step of [
      startServers,
      loadTheShop,
      startServices,
      startTheWriters,
      preflight,
      copy,
      stream,
      check,
    ]) {
      say(await step(run));
    }
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(await switchTo(run, 'green'));
      say(await switchTo(run, 'blue'));
    }
    return await figures(run);
  } finally {
    for (const failure of await cleanup.run()) say(`could not be removed: ${failure}`);
  }
}

async function figures(run: DemoRun): Promise<object> {
  const writers = run.get('writers');
  const untilMs = await endObservation(writers, run.get('probers'), run.signal);
  const watched = { fromMs: run.writersSinceMs, untilMs };
  const { blue, green } = run.get('clusters');
  const urls = { blue: blue.url('shop'), green: green.url('shop') };
  const found = await withClient(urls.blue, (client) => compare(writers.ledgerFiles, client));
  const probes = await acceptedProbes(urls);
  const gaps = await Promise.all(
    run.switches.map((each) => longestGaps(writers.ledgerFiles, each, watched)),
  );
  const stalls = gaps.flat();
  const windows = run.switches.flatMap(({ answer }) => answer.window_ms ?? []);
  const rank = (values: readonly number[], percent: number): number | null => {
    const value = percentile(values, percent);
    return value === null ? null : Math.round(value * 10) / 10;
  };
  return {
    schema: 'turnout.bench/v1',
    bench: 'switchover',
    runs: run.switches.filter(({ answer }) => answer.outcome === 'committed').length,
    client_stall_ms: { p50: rank(stalls, 50), p99: rank(stalls, 99), max: rank(stalls, 100) },
    window_ms: { p50: rank(windows, 50), max: rank(windows, 100) },
    errors: found.clientErrors,
    lost: found.lost,
    duplicated: found.duplicated,
    both_sides_writable_ms: bothSidesWritableMs(probes, run.switches),
    tps: Math.round((found.acknowledged * 1_000) / (watched.untilMs - watched.fromMs)),
    steps_ms: medianSteps(run),
  };
}

/** Median of each step: where the window goes. */
function medianSteps({ switches }: DemoRun): Record<string, number | null> {
  const times = new Map<string, number[]>();
  for (const { id, ms } of switches.flatMap(({ answer }) => answer.steps)) {
    if (ms !== null) times.set(id, [...(times.get(id) ?? []), ms]);
  }
  return Object.fromEntries(
    [...times].map(([id, values]) => [id, Math.round((percentile(values, 50) ?? 0) * 10) / 10]),
  );
}
