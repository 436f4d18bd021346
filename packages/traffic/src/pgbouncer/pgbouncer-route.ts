import { readFile } from 'node:fs/promises';
import { messageOf } from '@turnout/core/app-error';
import { SIDES, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { replaceFile } from '../atomic-file.js';
import type {
  CallLimit,
  PointOptions,
  PoolerInstance,
  RouteAdapter,
  RoutedTo,
  RouteReading,
} from '../route.js';
import { reloadAndResume, showDatabase, type DatabaseState } from './console.js';
import { readTarget, rewriteTarget, type DatabaseTarget } from './databases-file.js';
import { failuresOf, resumeInstances, withConsole } from './instances.js';

export interface PgbouncerRouteOptions {
  /** One console for every process: those that share a port each have a socket of their own. */
  readonly admins: readonly string[];
  readonly file: string;
  readonly database: string;
  readonly targets: Readonly<Record<Side, DatabaseTarget>>;
  /** Limit of one console command. */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 2_000;

/** A pooler's host and port without user and password; the socket's directory for one without. */
export function instanceName(adminUrl: string): string {
  const match = /^[a-z]+:\/\/(?:[^@/]*@)?([^/?]*)/i.exec(adminUrl);
  const socket = /[?&]host=([^&]*)/.exec(adminUrl)?.[1];
  return match?.[1] || (socket === undefined ? 'socket' : decodeURIComponent(socket));
}

function sameTarget(a: Partial<DatabaseTarget> | null, b: DatabaseTarget): boolean {
  return a !== null && a.host === b.host && a.port === b.port && a.dbname === b.dbname;
}

/** PgBouncer: one line of its databases file, and the consoles of the processes that read it. */
export class PgbouncerRoute implements RouteAdapter {
  readonly kind = 'pgbouncer';
  readonly poolers: readonly PoolerInstance[];
  readonly #options: PgbouncerRouteOptions;
  readonly #timeoutMs: number;

  constructor(options: PgbouncerRouteOptions) {
    const { blue, green } = options.targets;
    if (sameTarget(blue, green))
      throw fail('sides_identical', { route: 'pgbouncer', host: blue.host });
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.poolers = options.admins.map((adminUrl) => ({
      name: `pgbouncer ${instanceName(adminUrl)}`,
      adminUrl,
      database: options.database,
    }));
  }

  get instances(): readonly string[] {
    return this.poolers.map(({ name }) => name);
  }

  describe(): string {
    return `pgbouncer database ${this.#options.database} (${this.poolers.length} instances)`;
  }

  async resume({ signal }: CallLimit): Promise<void> {
    const limits = { timeoutMs: this.#timeoutMs, signal };
    const [failure] = failuresOf(await resumeInstances(this.poolers, limits));
    if (failure)
      throw fail('route_unconfirmed', { instance: failure.instance, reason: failure.error });
  }

  async point(side: Side, { signal }: PointOptions): Promise<void> {
    // Consoles are opened while the file is written: clients are held meanwhile.
    const written = this.#writeFile(side, signal);
    written.catch(() => undefined);
    const results = await Promise.allSettled(
      this.poolers.map((pooler) => this.#pointInstance(pooler, side, { written, signal })),
    );
    await written;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async probe({ signal }: CallLimit): Promise<RouteReading> {
    try {
      const text = await readFile(this.#options.file, 'utf8');
      const inFile = this.#sideOf(readTarget(text, this.#options.database));
      const states = await Promise.all(this.poolers.map((pooler) => this.#stateOf(pooler, signal)));
      return this.#judge(inFile, states);
    } catch (thrown) {
      return { routedTo: 'unknown', why: messageOf(thrown) };
    }
  }

  #judge(inFile: Side | 'unknown', states: readonly (DatabaseState | null)[]): RouteReading {
    const unknown = (why: string): RouteReading => ({ routedTo: 'unknown', why });
    if (states.some((state) => state?.paused)) {
      return states.every((state) => state?.paused)
        ? { routedTo: 'held', why: null }
        : unknown('some instances hold their clients and others do not');
    }
    const led = states.map((state) => this.#sideOf(state));
    const [first = 'unknown'] = led;
    if (first === 'unknown') return unknown('it leads to neither side');
    if (led.some((each) => each !== first)) return unknown('the instances lead to different sides');
    // A file that says otherwise would be believed at the next restart.
    if (inFile !== first) return unknown(`the instances lead to ${first}, their file does not`);
    return { routedTo: first satisfies RoutedTo, why: null };
  }

  async #stateOf(pooler: PoolerInstance, signal: AbortSignal): Promise<DatabaseState | null> {
    try {
      return await withConsole(pooler, { timeoutMs: this.#timeoutMs, signal }, (session) =>
        showDatabase(session, pooler.database),
      );
    } catch (thrown) {
      throw new Error(`${pooler.name}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  #sideOf(state: Partial<DatabaseTarget> | null): Side | 'unknown' {
    return SIDES.find((side) => sameTarget(state, this.#options.targets[side])) ?? 'unknown';
  }

  async #writeFile(side: Side, signal: AbortSignal): Promise<void> {
    const { file, database, targets } = this.#options;
    try {
      const text = await readFile(file, 'utf8');
      const wanted = rewriteTarget(text, database, targets[side]);
      if (wanted === null) throw new Error(`no readable line of ${database} under [databases]`);
      if (wanted !== text) await replaceFile(file, wanted, signal);
    } catch (thrown) {
      throw fail(
        'route_unconfirmed',
        { route: 'pgbouncer', file, reason: messageOf(thrown) },
        thrown,
      );
    }
  }

  async #pointInstance(
    pooler: PoolerInstance,
    side: Side,
    { written, signal }: { readonly written: Promise<void>; readonly signal: AbortSignal },
  ): Promise<void> {
    let state: DatabaseState | null;
    try {
      state = await withConsole(pooler, { timeoutMs: this.#timeoutMs, signal }, async (session) => {
        await written;
        await reloadAndResume(session, pooler.database);
        return showDatabase(session, pooler.database);
      });
    } catch (thrown) {
      throw fail('route_unconfirmed', { instance: pooler.name, reason: messageOf(thrown) }, thrown);
    }
    if (this.#sideOf(state) === side && state?.paused === false) return;
    throw fail('route_unconfirmed', {
      instance: pooler.name,
      wanted: side,
      observed: state ? `${state.host}:${state.port}/${state.dbname}` : null,
      paused: state?.paused ?? null,
    });
  }
}
