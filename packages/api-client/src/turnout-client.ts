import type { Side } from '@turnout/core/sides';
import type {
  CheckAnswer,
  EventAnswer,
  EventsAnswer,
  LagAnswer,
  LeakDetailAnswer,
  LeaksAnswer,
  OperationAnswer,
  PairsAnswer,
  PlanAnswer,
  PreflightAnswer,
  StatusAnswer,
  SwitchoverAnswer,
  TablesAnswer,
} from './answers.js';
import { readEvents } from './event-stream.js';
import { HttpClient, type ClientOptions, type RequestOptions } from './http-client.js';

export type PairAction = 'start' | 'pause' | 'resume' | 'abort' | 'complete' | 'cleanup' | 'adopt';

export interface SwitchoverRequest {
  readonly to: Side;
  readonly reason?: string | undefined;
  readonly plan_hash?: string | undefined;
  readonly expect?: { readonly source?: Side; readonly phase?: string } | undefined;
}

/** The word of a person that the other side can take no write: without it nothing is opened. */
export interface ForceOpenRequest {
  readonly side: Side;
  readonly i_have_isolated_the_other: true;
  readonly reason?: string | undefined;
}

/** Cancelling answers what happened, so it lasts until the switch is undone. */
const CANCEL_TIMEOUT_MS = 60_000;

/** The API of Turnout, one method a route. */
export class TurnoutClient {
  readonly http: HttpClient;

  constructor(options: ClientOptions) {
    this.http = new HttpClient(options);
  }

  pairs(options?: RequestOptions): Promise<PairsAnswer> {
    return this.http.json('/v1/pairs', options);
  }

  status(pair: string, options?: RequestOptions): Promise<StatusAnswer> {
    return this.http.json(at(pair), options);
  }

  preflight(pair: string, options?: RequestOptions): Promise<PreflightAnswer> {
    return this.#post(at(pair, 'preflight'), undefined, options);
  }

  act(pair: string, action: PairAction, options?: RequestOptions): Promise<OperationAnswer> {
    return this.#post(at(pair, action), undefined, options);
  }

  /** Without a direction: the link that carries changes. */
  retryLink(pair: string, direction?: string, options?: RequestOptions): Promise<OperationAnswer> {
    const body = direction === undefined ? undefined : { direction };
    return this.#post(at(pair, 'link', 'retry'), body, options);
  }

  lag(pair: string, options?: RequestOptions): Promise<LagAnswer> {
    return this.http.json(at(pair, 'lag'), options);
  }

  tables(pair: string, options?: RequestOptions): Promise<TablesAnswer> {
    return this.http.json(at(pair, 'tables'), options);
  }

  requestCheck(pair: string, kind: string, options?: RequestOptions): Promise<CheckAnswer> {
    return this.#post(at(pair, 'checks'), { kind }, options);
  }

  check(pair: string, id: string, options?: RequestOptions): Promise<CheckAnswer> {
    return this.http.json(at(pair, 'checks', id), options);
  }

  plan(pair: string, to: Side, options?: RequestOptions): Promise<PlanAnswer> {
    return this.http.json(at(pair, 'plans'), { ...options, query: { to } });
  }

  switchOver(
    pair: string,
    request: SwitchoverRequest,
    options?: RequestOptions,
  ): Promise<SwitchoverAnswer> {
    return this.#post(at(pair, 'switchovers'), request, options);
  }

  switchover(pair: string, id: string, options?: RequestOptions): Promise<SwitchoverAnswer> {
    return this.http.json(at(pair, 'switchovers', id), options);
  }

  /** Cancels a switchover before its decision and answers what became of it; TRN5010 after it. */
  cancelSwitchover(pair: string, options?: RequestOptions): Promise<SwitchoverAnswer> {
    const request = { timeoutMs: CANCEL_TIMEOUT_MS, ...options, method: 'DELETE' } as const;
    return this.http.json(at(pair, 'switchovers', 'current'), request);
  }

  /** Has the leader read both sides now and settle what they say. */
  settleSwitchover(pair: string, options?: RequestOptions): Promise<OperationAnswer> {
    return this.#post(at(pair, 'switchovers', 'current', 'settle'), undefined, options);
  }

  forceOpen(
    pair: string,
    request: ForceOpenRequest,
    options?: RequestOptions,
  ): Promise<OperationAnswer> {
    return this.#post(at(pair, 'force-open'), request, options);
  }

  /** Open leaks; `all` adds those that were resolved. */
  leaks(pair: string, all: boolean, options?: RequestOptions): Promise<LeaksAnswer> {
    const query = { all: all ? 'true' : undefined };
    return this.http.json(at(pair, 'leaks'), { ...options, query });
  }

  leak(pair: string, id: string, options?: RequestOptions): Promise<LeakDetailAnswer> {
    return this.http.json(at(pair, 'leaks', id), options);
  }

  resolveLeak(
    pair: string,
    id: string,
    reason: string,
    options?: RequestOptions,
  ): Promise<OperationAnswer> {
    return this.#post(at(pair, 'leaks', id, 'resolve'), { reason }, options);
  }

  events(pair: string, after?: number, options?: RequestOptions): Promise<EventsAnswer> {
    return this.http.json(at(pair, 'events'), { ...options, query: { since: after } });
  }

  /** The journal from behind `after` on, for as long as `signal` lets it. */
  async *follow(
    pair: string,
    signal: AbortSignal,
    after?: number,
    onReconnect?: (reason: string) => void,
  ): AsyncGenerator<EventAnswer> {
    const lastEventId = after === undefined ? undefined : String(after);
    const path = at(pair, 'events');
    for await (const message of readEvents(this.http, { path, signal, lastEventId, onReconnect })) {
      yield JSON.parse(message.data) as EventAnswer;
    }
  }

  #post<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
    return this.http.json(path, { ...options, method: 'POST', body });
  }
}

function at(pair: string, ...rest: string[]): string {
  return ['', 'v1', 'pairs', pair, ...rest].map(encodeURIComponent).join('/');
}
