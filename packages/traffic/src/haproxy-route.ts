import { connect } from 'node:net';
import { messageOf } from '@turnout/core/app-error';
import { SIDES, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { onAborted } from './deadline.js';
import type { CallLimit, PointOptions, RouteAdapter, RouteReading } from './route.js';

export interface HaproxyRouteOptions {
  /** Path of the admin socket, or `host:port`. */
  readonly socket: string;
  readonly backend: string;
  /** Server names within the backend. */
  readonly blue: string;
  readonly green: string;
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 2_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
/**
 * Bits of `srv_admin_state` that mean maintenance or drain, whoever set them. Not 0x04: it only tells
 * that the server was `disabled` in the file, and stays when it has been made ready since.
 */
const MAINTENANCE_BITS = 0x3b;

/**
 * HAProxy over its runtime socket: one server of the backend ready, the other in maintenance.
 * Runtime state is lost when HAProxy restarts, so it is reconciled permanently.
 */
export class HaproxyRoute implements RouteAdapter {
  readonly kind = 'haproxy';
  readonly poolers = [];
  readonly #options: HaproxyRouteOptions;

  constructor(options: HaproxyRouteOptions) {
    this.#options = options;
  }

  get instances(): readonly string[] {
    return [`haproxy ${this.#options.socket}`];
  }

  describe(): string {
    return `haproxy backend ${this.#options.backend}`;
  }

  async point(side: Side, { signal }: PointOptions): Promise<void> {
    const old = this.#server(side === 'blue' ? 'green' : 'blue');
    const server = this.#server(side);
    try {
      // One line: the moment in which no server is ready disconnects clients, so it is kept short.
      // Sessions on the old side stay alive unless they are ended; its guard would refuse them.
      await this.#command(
        `set server ${old} state maint; set server ${server} state ready; ` +
          `shutdown sessions server ${old}`,
        signal,
      );
    } catch (thrown) {
      throw fail(
        'route_unconfirmed',
        { route: this.describe(), reason: messageOf(thrown) },
        thrown,
      );
    }
    const { routedTo, why } = await this.probe({ signal });
    if (routedTo === side) return;
    throw fail('route_unconfirmed', {
      route: this.describe(),
      wanted: side,
      observed: routedTo,
      reason: why,
    });
  }

  async probe({ signal }: CallLimit): Promise<RouteReading> {
    try {
      const text = await this.#command(`show servers state ${this.#options.backend}`, signal);
      const ready = SIDES.filter((side) => isReady(text, this.#options[side]));
      if (ready.length === 1) return { routedTo: ready[0]!, why: null };
      return { routedTo: 'unknown', why: `${ready.length} of its two servers are ready` };
    } catch (thrown) {
      return { routedTo: 'unknown', why: messageOf(thrown) };
    }
  }

  #server(side: Side): string {
    return `${this.#options.backend}/${this.#options[side]}`;
  }

  #command(text: string, signal: AbortSignal): Promise<string> {
    const { socket: place, timeoutMs = TIMEOUT_MS } = this.#options;
    const address = /^(.*):(\d+)$/.exec(place);
    return new Promise((resolve, reject) => {
      const socket = address ? connect(Number(address[2]), address[1]) : connect({ path: place });
      let answer = '';
      const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), timeoutMs);
      const release = onAborted(signal, () => socket.destroy(new Error('given up')));
      socket.setEncoding('utf8');
      socket.on('connect', () => socket.write(`${text}\n`));
      socket.on('data', (chunk: string) => {
        answer += chunk;
        if (answer.length > ANSWER_BYTES_MAX) socket.destroy(new Error('answer is too long'));
      });
      socket.on('error', reject);
      socket.on('close', () => {
        clearTimeout(timer);
        release();
        resolve(answer);
      });
    });
  }
}

/** Reads the table by the names of its head line: columns differ between versions. */
export function isReady(table: string, server: string): boolean {
  const lines = table.split('\n').map((line) => line.trim());
  const head =
    lines
      .find((line) => line.startsWith('# '))
      ?.slice(2)
      .split(/\s+/) ?? [];
  const name = head.indexOf('srv_name');
  const state = head.indexOf('srv_admin_state');
  if (name < 0 || state < 0) return false;
  return lines.some((line) => {
    const fields = line.split(/\s+/);
    return fields[name] === server && (Number(fields[state]) & MAINTENANCE_BITS) === 0;
  });
}
