import type { ServiceContext } from '@turnout/service-kit/context';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import type { Routes } from '@turnout/traffic/routes';

/** A place in the code where a test may kill, stop or delay the process. Does nothing otherwise. */
export type Failpoint = (name: string) => Promise<void>;

/** One configured pair with its routes; made once, at start. */
export interface PairContext extends ServiceContext {
  readonly pair: ResolvedPair;
  readonly routes: Routes;
  readonly failpoint: Failpoint;
}
