import type { Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { withClient } from '@turnout/testkit/cluster/client';
import { Holds } from '@turnout/testkit/pair/holds';
import { PairApi } from '@turnout/testkit/pair/pair-api';
import { startServices, type RunningServices } from '@turnout/testkit/pair/services';
import type { TestPair, Via } from '@turnout/testkit/pair/test-pair';

/** What a side says of itself; read on a session of its own, for those of clients are ended. */
export interface SideState {
  readonly state: 'open' | 'closed';
  readonly guard: string;
  readonly fence_epoch: string;
  readonly claim_epoch: string;
}

export async function ask<Row extends object>(url: string, text: string): Promise<Row> {
  return withClient(url, async (client) => (await client.query<Row>(text)).rows[0]!);
}

export function sideState(url: string): Promise<SideState> {
  return ask(url, 'select state, guard, fence_epoch, claim_epoch from turnout.side');
}

/** A coordinator in this process, with its API and the points at which it can be held. */
export interface Living extends AsyncDisposable {
  readonly api: PairApi;
  readonly holds: Holds;
  readonly running: RunningServices;
}

export async function coordinate(
  pair: TestPair,
  { via = {}, change = {} }: { via?: Via; change?: Partial<ResolvedPair> } = {},
): Promise<Living> {
  const holds = new Holds();
  const config = pair.configVia(via);
  const changed = { ...config.pairs[pair.name]!, ...change };
  const running = await startServices(
    ['coordinator'],
    { ...config, pairs: { ...config.pairs, [pair.name]: changed } },
    { failpoint: holds.failpoint },
  );
  const api = new PairApi(config.api.port, pair.name);
  await api.ready();
  return { api, holds, running, [Symbol.asyncDispose]: () => running.stop() };
}

/** Asks for a switch; the id, to be followed. */
export async function requestSwitch(api: PairApi, to: Side): Promise<string> {
  const asked = await api.call('POST', '/switchovers', { to, reason: 'test' });
  if (asked.status >= 300) throw new Error(`no switch: ${JSON.stringify(asked.body)}`);
  return String(asked.body['id']);
}

/** How a switch ended. */
export function endOf(
  api: PairApi,
  id: string,
  timeoutMs?: number,
): Promise<Record<string, unknown>> {
  return api.until(`/switchovers/${id}`, ({ outcome }) => isOver(outcome), timeoutMs);
}

const isOver = (outcome: unknown): boolean => outcome !== 'running' && outcome !== 'needs_operator';

/** Resolves with the milliseconds until `probe` says so. */
export async function elapsedUntil(
  what: string,
  timeoutMs: number,
  probe: () => Promise<boolean>,
): Promise<number> {
  const startedMs = performance.now();
  await waitUntil(async () => ((await probe().catch(() => false)) ? true : undefined), {
    timeoutMs,
    intervalMs: 10,
    onTimeout: () => new Error(`not within ${timeoutMs} ms: ${what}`),
  });
  return performance.now() - startedMs;
}

/** What the journal holds of one type. */
export async function journal(pair: TestPair, type: string): Promise<Record<string, unknown>[]> {
  const entries = await pair.store.journal.read(pair.name, { afterRevision: 0, limit: 10_000 });
  return entries.filter((each) => each.type === type).map(({ data }) => ({ ...data }));
}
