import * as job from './job-steps.js';
import { compareAndReport } from './measure.js';
import type { DemoRun } from './demo-run.js';
import * as setting from './setting-steps.js';

export interface DemoStep {
  readonly title: string;
  /** It answers more than one line, to be read instead of a status line. */
  readonly prints?: true;
  /** Answers what was measured, in a few words. */
  act(run: DemoRun): Promise<string>;
}

/** The whole job in order. Everything from the writers on happens under live writes. */
export const DEMO_STEPS: readonly DemoStep[] = [
  { title: 'clusters', act: setting.startServers },
  { title: 'shop', act: setting.loadTheShop },
  { title: 'services', act: setting.startServices },
  { title: 'writers', act: setting.startTheWriters },
  { title: 'preflight', act: job.preflight },
  { title: 'schema and copy', act: job.copy },
  { title: 'stream', act: job.stream },
  { title: 'check', act: job.check },
  { title: 'plan', act: job.plan, prints: true },
  { title: 'switchover to green', act: (run) => job.switchTo(run, 'green') },
  { title: 'check', act: job.check },
  { title: 'rollback to blue', act: (run) => job.switchTo(run, 'blue') },
  { title: 'check', act: job.check },
  { title: 'switchover to green', act: (run) => job.switchTo(run, 'green') },
  { title: 'compare every ledger', act: compareAndReport },
];
