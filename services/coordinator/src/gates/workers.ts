import { DIRECTIONS, directionFrom, type Side } from '@turnout/core/sides';
import type { Store } from '@turnout/store/store';

/** A part of the work on a pair, alive while its lease is held. */
export interface Worker {
  readonly name: string;
  readonly service: 'replicator' | 'checker' | 'lag-monitor' | 'coordinator';
  /** Null when nobody holds it. */
  readonly holder: string | null;
  /** When nobody holds it: since when, RFC 3339; null when nobody ever did. */
  readonly since: string | null;
  readonly remedy: string | null;
}

export function leaderLease(pair: string): string {
  return `pair/${pair}`;
}

const linkLease = (pair: string, direction: string): string => `link/${pair}/${direction}`;

/** Every worker of a pair with the service that does it. */
function workersOf(pair: string): readonly Pick<Worker, 'name' | 'service'>[] {
  return [
    { name: leaderLease(pair), service: 'coordinator' },
    ...DIRECTIONS.map((direction) => ({
      name: linkLease(pair, direction),
      service: 'replicator' as const,
    })),
    { name: `checker/${pair}`, service: 'checker' },
    { name: 'lag-monitor', service: 'lag-monitor' },
  ];
}

/** Names of the workers that a switch away from `from` cannot do without. */
export function neededToSwitch(pair: string, from: Side): string[] {
  const links = DIRECTIONS.map((direction) => linkLease(pair, direction));
  return [linkLease(pair, directionFrom(from)), ...links, `checker/${pair}`].filter(
    (name, index, all) => all.indexOf(name) === index,
  );
}

/** Who is alive, by the leases: a worker that died is missed when its lease runs out. @throws TRN6001 */
export async function readWorkers(store: Store, pair: string): Promise<Worker[]> {
  const known = workersOf(pair);
  const leases = await store.leases.list(known.map(({ name }) => name));
  return known.map(({ name, service }) => {
    const lease = leases.find((each) => each.name === name);
    const holder = lease?.holder ?? null;
    return {
      name,
      service,
      holder,
      since: holder === null ? (lease?.expiresAt ?? null) : null,
      remedy: holder === null ? `turnout serve --services ${service}` : null,
    };
  });
}

/** "no worker holds link/shop/reverse since 13 s": what a gate, a link and a wait say about it. */
export function missingWords({ name, since }: Worker, nowMs: number): string {
  const seconds = since === null ? null : Math.max(0, (nowMs - Date.parse(since)) / 1_000);
  return seconds === null
    ? `no worker ever held ${name}`
    : `no worker holds ${name} since ${Math.round(seconds)} s`;
}
