import type { ServiceContext } from '@turnout/service-kit/context';
import { createRoutes } from '@turnout/traffic/route-config';
import { Desks, openDesk, type Desk } from './api/desks.js';
import { SideWatch } from './sides/side-watch.js';
import { Dispatcher } from './switchover/dispatcher.js';

/** One desk for each configured pair; a pair is known to the store from its first configuration. */
export async function openDesks(context: ServiceContext, signal: AbortSignal): Promise<Desks> {
  const { config, store } = context;
  const opened: Desk[] = [];
  for (const pair of Object.values(config.pairs)) {
    await store.pairs.ensure(pair.name);
    const routes = createRoutes(pair.routes, {
      pair: pair.name,
      sideUrls: { blue: pair.blue.url, green: pair.green.url },
      redisUrl: config.redisUrl ?? undefined,
    });
    const pairContext = { ...context, pair, routes };
    opened.push(
      openDesk({
        context: pairContext,
        dispatcher: new Dispatcher(pairContext),
        sides: new SideWatch(pairContext),
        signal,
      }),
    );
  }
  return new Desks(opened);
}

export async function closeDesks(desks: Desks): Promise<void> {
  for (const desk of desks.all()) {
    for (const stream of desk.streams) stream.end();
    await desk.dispatcher.settled();
    await desk.context.routes.close();
  }
}
