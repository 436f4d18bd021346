import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { must } from '@turnout/core/assert';
import type { ShopSize } from '@turnout/testkit/shop/shop';
import type { Probers } from '@turnout/testkit/workload/prober';
import type { Writers } from '@turnout/testkit/workload/writers';
import type { Cleanup } from './cleanup.js';
import type { Clusters } from './clusters.js';
import type { WrittenConfig } from './demo-config.js';
import type { SceneOptions } from './demo-options.js';
import type { CheckFigures, DemoFigures } from './demo-report.js';
import type { Extras } from './extras.js';
import type { Observer } from './observer.js';
import type { Served } from './served.js';
import type { MeasuredSwitch } from './switch-measure.js';

/** What the steps put in place, one after the other. */
export interface Props {
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

/** State of one run of the demo. */
export class Scene {
  readonly options: SceneOptions;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
  readonly startedMs = performance.now();
  /** When the writers were started, in shared monotonic milliseconds. */
  writersSinceMs = 0;
  readonly switches: MeasuredSwitch[] = [];
  readonly checks: CheckFigures[] = [];
  readonly #props: Partial<Props> = {};
  /** Shows one line that the next one replaces. */
  live: (line: string) => void = () => undefined;

  constructor(parts: Pick<Scene, 'options' | 'directory' | 'signal' | 'cleanup'>) {
    this.options = parts.options;
    this.directory = parts.directory;
    this.signal = parts.signal;
    this.cleanup = parts.cleanup;
  }

  set<Name extends keyof Props>(name: Name, value: Props[Name]): void {
    this.#props[name] = value;
  }

  /** What an earlier step put in place; a step out of order is a mistake of ours. */
  get<Name extends keyof Props>(name: Name): Props[Name] {
    return must(this.#props[name], `the demo has ${name}`) as Props[Name];
  }

  find<Name extends keyof Props>(name: Name): Props[Name] | undefined {
    return this.#props[name];
  }
}
