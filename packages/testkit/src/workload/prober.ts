import { SIDES, type Side } from '@turnout/core/sides';
import { pause } from '@turnout/core/waiting';
import { Client, type ClientBase } from 'pg';
import { withClient } from '../cluster/client.js';

const INTERVAL_MS = 4;
const RECONNECT_MS = 50;
const STATEMENT_MS_MAX = 2_000;

export interface ProberOptions {
  /** URL of each side, for a role of the application. */
  readonly urls: Readonly<Record<Side, string>>;
  readonly intervalMs?: number | undefined;
}

export interface ProbeCounts {
  readonly accepted: number;
  readonly refused: number;
  /** Tries that reached no server. */
  readonly unreachable: number;
}

/** Tries to write to both sides directly, every few milliseconds, whatever the route says. */
export class Probers implements AsyncDisposable {
  readonly #stopping = new AbortController();
  readonly #intervalMs: number;
  readonly #done: Promise<unknown>;
  readonly #counts = { blue: zero(), green: zero() };

  constructor({ urls, intervalMs }: ProberOptions) {
    this.#intervalMs = intervalMs ?? INTERVAL_MS;
    this.#done = Promise.all(SIDES.map((side) => this.#probe(side, urls[side])));
  }

  counts(side: Side): ProbeCounts {
    return { ...this.#counts[side] };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #probe(side: Side, url: string): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const client = new Client({ connectionString: url, statement_timeout: STATEMENT_MS_MAX });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await this.#insert(side, client);
      } catch {
        this.#counts[side].unreachable += 1;
        await this.#wait(RECONNECT_MS);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  /** Probes on one connection until that is lost. */
  async #insert(side: Side, client: Client): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await client.query(
          /* sql */ `insert into app.probe (side, at) values ($1, clock_timestamp())`,
          [side],
        );
        this.#counts[side].accepted += 1;
      } catch (thrown) {
        if (!isAnswer(thrown)) throw thrown;
        this.#counts[side].refused += 1;
      }
      await this.#wait(this.#intervalMs);
    }
  }

  #wait(ms: number): Promise<void> {
    return pause(ms, this.#stopping.signal).catch(() => undefined);
  }
}

function zero(): { accepted: number; refused: number; unreachable: number } {
  return { accepted: 0, refused: 0, unreachable: 0 };
}

/** True for an error that the server sent and after which the session goes on. */
function isAnswer(thrown: unknown): boolean {
  const { severity, code } = thrown as { severity?: string; code?: string };
  return severity === 'ERROR' && code !== undefined;
}

/** An accepted probe: the side that took it, and its own clock reading in microseconds. */
export interface Probe {
  readonly side: Side;
  readonly atUs: number;
}

interface ProbeRow {
  readonly id: string;
  readonly side: Side;
  readonly at_us: number;
}

/**
 * Every probe that was accepted, read from both sides: one that a side took after it was left is
 * never replicated and stays there. A replicated one is on both and counts once.
 *
 * @param urls of a role that may read the probes
 */
export async function acceptedProbes(urls: Readonly<Record<Side, string>>): Promise<Probe[]> {
  const sides = await Promise.all(SIDES.map((side) => withClient(urls[side], probesOn)));
  const byId = new Map(sides.flat().map((row) => [row.id, row]));
  return [...byId.values()]
    .map(({ side, at_us }) => ({ side, atUs: at_us }))
    .toSorted((a, b) => a.atUs - b.atUs);
}

async function probesOn(client: ClientBase): Promise<ProbeRow[]> {
  const { rows } = await client.query<ProbeRow>(
    /* sql */ `select id, side, (extract(epoch from at) * 1e6)::float8 as at_us from app.probe`,
  );
  return rows;
}

/**
 * Time for which both sides took writes, in milliseconds: for each switch, the last probe accepted
 * by the side it left minus the first accepted by the side it went to, 0 when they do not overlap.
 *
 * @param switches where each went and a moment within it, in milliseconds since the epoch; the
 * probes between two such moments belong to the nearer one
 */
export function bothSidesWritableMs(
  probes: readonly Probe[],
  switches: readonly { readonly to: Side; readonly atMs: number }[],
): number {
  const ordered = switches.toSorted((a, b) => a.atMs - b.atMs);
  let total = 0;
  for (const [index, { to, atMs }] of ordered.entries()) {
    const before = ordered[index - 1];
    const after = ordered[index + 1];
    const fromUs = before === undefined ? -Infinity : ((before.atMs + atMs) / 2) * 1_000;
    const toUs = after === undefined ? Infinity : ((after.atMs + atMs) / 2) * 1_000;
    let lastOldUs = -Infinity;
    let firstNewUs = Infinity;
    for (const { side, atUs } of probes) {
      if (atUs < fromUs || atUs >= toUs) continue;
      if (side === to) firstNewUs = Math.min(firstNewUs, atUs);
      else lastOldUs = Math.max(lastOldUs, atUs);
    }
    if (lastOldUs > firstNewUs) total += (lastOldUs - firstNewUs) / 1_000;
  }
  return total;
}
