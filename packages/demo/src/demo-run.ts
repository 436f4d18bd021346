import type { PlanAnswer } from '@turnout/api-client/answers';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { must } from '@turnout/core/assert';
import type { Cleanup } from '@turnout/testkit/cleanup';
import type { ShopSize } from '@turnout/testkit/shop/shop';
import type { Probers } from '@turnout/testkit/workload/prober';
import type { Writers } from '@turnout/testkit/workload/writers';
import type { MeasuredSwitch } from './measure.js';
import type { Observer } from './observer.js';
import type { Setting } from './options.js';
import type { CheckFigures, DemoFigures } from './report.js';
import type { Served } from './served.js';
import type { Clusters, Extras } from './servers.js';
import type { WrittenConfig } from './written-config.js';

/** What the steps put in place, one after the other. */
export interface Resources {
  clusters: Clusters;
  extras: Extras | null;
  size: ShopSize;
  transfer: 'pg_dump' | 'existing';
  config: WrittenConfig;
  apiUrl: string;
  client: TurnoutClient;
  served: Served;
  writers: Writers;
  probers: Probers;
  observer: Observer;
  copy: DemoFigures['copy'];
  versions: { readonly blue: string | null; readonly green: string | null };
  figures: DemoFigures;
}

/** What whoever starts the demo gives it. */
export interface DemoParts {
  readonly setting: Setting;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
  /** The file that is `turnout`; the demo serves the pair with it as an operator would. */
  readonly program: string;
  /** Shows a plan as `turnout plan` does. */
  readonly drawPlan: (plan: PlanAnswer) => string;
}

/** State of one run of the demo. */
export class DemoRun {
  readonly setting: Setting;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
  readonly program: string;
  readonly drawPlan: (plan: PlanAnswer) => string;
  readonly startedMs = performance.now();
  /** When the writers were started, in shared monotonic milliseconds. */
  writersSinceMs = 0;
  readonly switches: MeasuredSwitch[] = [];
  readonly checks: CheckFigures[] = [];
  readonly #resources: Partial<Resources> = {};
  /** Shows one line that the next one replaces. */
  live: (line: string) => void = () => undefined;

  constructor(parts: DemoParts) {
    this.setting = parts.setting;
    this.program = parts.program;
    this.drawPlan = parts.drawPlan;
    this.directory = parts.directory;
    this.signal = parts.signal;
    this.cleanup = parts.cleanup;
  }

  set<Name extends keyof Resources>(name: Name, value: Resources[Name]): void {
    this.#resources[name] = value;
  }

  /** What an earlier step put in place; a step out of order is a mistake of ours. */
  get<Name extends keyof Resources>(name: Name): Resources[Name] {
    return must(this.#resources[name], `the demo has ${name}`) as Resources[Name];
  }

  find<Name extends keyof Resources>(name: Name): Resources[Name] | undefined {
    return this.#resources[name];
  }
}
