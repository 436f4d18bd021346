import type { ServiceContext } from '@turnout/service-kit/context';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import type { Routes } from '@turnout/traffic/routes';

/** One configured pair with its routes; made once, at start. */
export interface PairContext extends ServiceContext {
  readonly pair: ResolvedPair;
  readonly routes: Routes;
}
