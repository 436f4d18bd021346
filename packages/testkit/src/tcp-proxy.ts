import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

type Mode = 'healthy' | 'cut' | 'stalled' | 'mute';

export interface ProxyOptions {
  readonly targetPort: number;
  readonly targetHost?: string | undefined;
}

/** A loopback port in front of a server, on which the network can be made to fail. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #target: { readonly host: string; port: number };
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #answering = new WeakSet<Socket>();
  #mode: Mode = 'healthy';
  #delayMs = 0;

  /** Use {@link startProxy}. */
  constructor(server: Server, target: { readonly host: string; readonly port: number }) {
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Connections that are open on the side of the clients. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Resets every connection; new ones are reset at once, until `heal`. */
  cut(): void {
    this.#mode = 'cut';
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Half-open: nothing is forwarded or closed, new connections are taken and stay silent. */
  stall(): void {
    this.#mode = 'stalled';
    for (const socket of this.#sockets) socket.pause();
  }

  /** Half-open in one direction: what clients say arrives, what the server answers does not. */
  mute(): void {
    this.#mode = 'mute';
    for (const socket of this.#sockets) if (this.#answering.has(socket)) socket.pause();
  }

  /** Another server stands behind the address from now on, as after a failover. */
  retarget(port: number): void {
    this.#target.port = port;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Every piece of data arrives `ms` later, in each direction; order is kept. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Back to normal; what was held back is forwarded now. */
  heal(): void {
    this.#mode = 'healthy';
    this.#delayMs = 0;
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#mode === 'cut') {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...this.#target, noDelay: true, allowHalfOpen: true });
    client.setNoDelay(true);
    this.#answering.add(upstream);
    this.#forward(client, upstream);
    this.#forward(upstream, client);
  }

  #forward(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    // Data that waits for its delay may not be overtaken by data that came after the delay ended.
    let dueMs = 0;
    const later = (act: () => void): void => {
      const nowMs = performance.now();
      dueMs = Math.max(dueMs, nowMs + this.#delayMs);
      if (dueMs <= nowMs) return act();
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        act();
      }, dueMs - nowMs);
      this.#timers.add(timer);
    };
    from.on('data', (chunk) => later(() => void (to.writable && to.write(chunk))));
    from.on('end', () => later(() => void to.end()));
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      if (from.errored !== null || !from.readableEnded) to.destroy();
    });
    const held = this.#mode === 'mute' && this.#answering.has(from);
    if (this.#mode === 'stalled' || held) from.pause();
  }
}

/** Starts a proxy in front of `targetPort` on a free loopback port. */
export async function startProxy({ targetPort, targetHost }: ProxyOptions): Promise<TcpProxy> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new TcpProxy(server, { host: targetHost ?? '127.0.0.1', port: targetPort });
}
