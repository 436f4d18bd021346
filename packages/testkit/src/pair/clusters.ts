import type { Side } from '@turnout/core/sides';
import { Cleanup } from '../cleanup.js';
import { startCluster, type Cluster, type MajorVersion } from '../cluster.js';

export type Place = Side | 'control';

export interface ClusterRecipe {
  readonly version?: MajorVersion | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** What to start; a name instead of a recipe shares the server of that place. */
export interface ClustersRecipe {
  readonly blue?: ClusterRecipe | undefined;
  readonly green?: ClusterRecipe | 'blue' | undefined;
  readonly control?: ClusterRecipe | Side | undefined;
}

/** The servers of a pair; places may share one. */
export interface PairClusters extends AsyncDisposable {
  readonly blue: Cluster;
  readonly green: Cluster;
  readonly control: Cluster;
  [Symbol.asyncDispose](): Promise<void>;
}

const VERSIONS = { blue: '13', green: '15', control: '15' } as const satisfies Record<
  Place,
  MajorVersion
>;

/**
 * Blue on 13, green on 15 and the control store on the server of green, unless said otherwise. A
 * test that crashes a side or cuts the control store off gives that place a server of its own.
 */
export async function startClusters(recipe: ClustersRecipe = {}): Promise<PairClusters> {
  const cleanup = new Cleanup();
  const start = async (place: Place, { version, settings }: ClusterRecipe): Promise<Cluster> =>
    cleanup.use(
      `server of ${place}`,
      await startCluster({ version: version ?? VERSIONS[place], name: place, settings }),
    );
  const { blue = {}, green = {}, control = 'green' } = recipe;
  const started = await Promise.allSettled([
    start('blue', blue),
    green === 'blue' ? null : start('green', green),
    typeof control === 'string' ? null : start('control', control),
  ]);
  const failed = started.find((each) => each.status === 'rejected');
  if (failed !== undefined) {
    await cleanup.run();
    throw failed.reason;
  }
  const [first, second, third] = started.map((each) =>
    each.status === 'fulfilled' ? each.value : null,
  );
  const sides = { blue: first!, green: second ?? first! };
  return {
    ...sides,
    control: third ?? sides[control as Side],
    [Symbol.asyncDispose]: () => cleanup.finish(),
  };
}
