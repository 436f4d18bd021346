import { compareAndReport } from './final-comparison.js';
import * as job from './job-steps.js';
import type { Scene } from './scene.js';
import * as setting from './setting-steps.js';

export interface DemoStep {
  readonly title: string;
  /** It answers more than one line, to be read instead of a status line. */
  readonly prints?: true;
  /** Answers what was measured, in a few words. */
  run(scene: Scene): Promise<string>;
}

/** The whole job in order. Everything from the writers on happens under live writes. */
export const DEMO_STEPS: readonly DemoStep[] = [
  { title: 'clusters', run: setting.startServers },
  { title: 'shop', run: setting.loadTheShop },
  { title: 'services', run: setting.startServices },
  { title: 'writers', run: setting.startTheWriters },
  { title: 'preflight', run: job.preflight },
  { title: 'schema and copy', run: job.copy },
  { title: 'stream', run: job.stream },
  { title: 'check', run: job.check },
  { title: 'plan', run: job.plan, prints: true },
  { title: 'switchover to green', run: (scene) => job.switchTo(scene, 'green') },
  { title: 'check', run: job.check },
  { title: 'rollback to blue', run: (scene) => job.switchTo(scene, 'blue') },
  { title: 'check', run: job.check },
  { title: 'switchover to green', run: (scene) => job.switchTo(scene, 'green') },
  { title: 'compare every ledger', run: compareAndReport },
];
