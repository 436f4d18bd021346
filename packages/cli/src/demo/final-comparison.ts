import { withClient } from '@turnout/testkit/cluster/client';
import { compare } from '@turnout/testkit/workload/comparison';
import { endObservation } from '@turnout/testkit/workload/observation';
import { acceptedProbes, bothSidesWritableMs } from '@turnout/testkit/workload/prober';
import { count } from '../output/figures.js';
import { PAIR } from './demo-options.js';
import type { Scene } from './scene.js';
import { measureSwitches } from './switch-measure.js';

/** Ends writers and probers and compares what they noted with the side that takes writes now. */
export async function compareAndReport(scene: Scene): Promise<string> {
  const writers = scene.get('writers');
  const probers = scene.get('probers');
  const untilMs = await endObservation(writers, probers, scene.signal);
  const watched = { fromMs: scene.writersSinceMs, untilMs };
  const { acknowledged } = writers.counts();
  const writable =
    scene.switches.findLast(({ answer }) => answer.outcome === 'committed')?.to ?? 'blue';
  const { blue, green } = scene.get('clusters');
  const urls = { blue: blue.url(PAIR), green: green.url(PAIR) };
  const found = await withClient(urls[writable], (client) => compare(writers.ledgerFiles, client));
  const probes = await acceptedProbes(urls);
  const versions = scene.get('versions');
  scene.set('figures', {
    blue_version: versions.blue,
    green_version: versions.green,
    full: scene.options.extras === 'all',
    schema_transfer: scene.get('transfer'),
    copy: scene.get('copy'),
    switches: await measureSwitches(scene.switches, {
      ledgerFiles: writers.ledgerFiles,
      watched,
      errors: found.clientErrors,
    }),
    checks: scene.checks,
    writes: {
      attempted: found.attempted,
      acknowledged: found.acknowledged,
      lost: found.lost,
      duplicated: found.duplicated,
      unexplained: found.unexplained,
    },
    client_errors: found.clientErrors,
    tps: Math.round((acknowledged * 1_000) / (watched.untilMs - watched.fromMs)),
    lag: scene.get('observer').lag(),
    both_sides_writable_ms: bothSidesWritableMs(probes, scene.switches),
    seconds: (performance.now() - scene.startedMs) / 1_000,
  });
  return `${count(found.acknowledged)} acknowledged writes, ${found.lost} lost, ${found.duplicated} duplicated, ${found.unexplained} unexplained (on ${writable})`;
}
