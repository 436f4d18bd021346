import { waitUntil } from '@turnout/core/waiting';

/** The longest answer is that of a cancel, which waits for what it came to. */
const ANSWER_MS_MAX = 60_000;

export interface ApiAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface ApiRequest {
  readonly body?: object | undefined;
  /** Role of the token, or null for none. */
  readonly role?: string | null | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The API of one coordinator, as a script would call it for one pair. */
export class PairApi {
  readonly base: string;
  readonly #pair: string;

  constructor(port: number, pair: string) {
    this.base = `http://127.0.0.1:${port}`;
    this.#pair = pair;
  }

  /** Calls a path of the pair: `''`, `/switchovers/last`. */
  call(method: string, path: string, body?: object): Promise<ApiAnswer> {
    return this.request(method, `/v1/pairs/${this.#pair}${path}`, { body });
  }

  /** Calls any path. */
  async request(method: string, path: string, request: ApiRequest = {}): Promise<ApiAnswer> {
    const { body, role = 'admin', headers = {} } = request;
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        ...(role === null ? {} : { authorization: `Bearer ${role}` }),
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      // A call that is never answered must fail the test, not stop it.
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const text = await response.text();
    const parsed = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    return { status: response.status, body: parsed };
  }

  /** Resolves when the process answers. */
  async ready(timeoutMs = 30_000): Promise<void> {
    await waitUntil(
      async () => ((await fetch(`${this.base}/livez`).catch(() => null))?.ok ? true : undefined),
      { timeoutMs, intervalMs: 20, onTimeout: () => new Error(`no API at ${this.base}`) },
    );
  }

  /** Reads `path` of the pair until `done` says so; a coordinator that is away is asked again. */
  async until(
    path: string,
    done: (body: Record<string, unknown>) => boolean,
    timeoutMs = 60_000,
  ): Promise<Record<string, unknown>> {
    let last: Record<string, unknown> = {};
    return waitUntil(
      async () => {
        const answer = await this.call('GET', path).catch(() => null);
        if (answer !== null) last = answer.body;
        return answer !== null && done(last) ? last : undefined;
      },
      {
        timeoutMs,
        intervalMs: 50,
        onTimeout: () => new Error(`${path} stays ${JSON.stringify(last).slice(0, 2_000)}`),
      },
    );
  }

  /** Resolves when the pair stands in one of `phases`. */
  untilPhase(...phases: readonly string[]): Promise<Record<string, unknown>> {
    return this.until('', ({ phase }) => phases.includes(String(phase)));
  }

  /** Requests a full check and answers how it ended. */
  async check(kind = 'full'): Promise<Record<string, unknown>> {
    const asked = await this.call('POST', '/checks', { kind });
    if (asked.status >= 300) throw new Error(`no check: ${JSON.stringify(asked.body)}`);
    const id = String(asked.body['id']);
    return this.until(`/checks/${id}`, ({ outcome }) => outcome !== 'running');
  }

  /** Copies, streams and verifies, until a switch may begin. */
  async makeReady(): Promise<void> {
    const asked = await this.call('POST', '/start');
    if (asked.status >= 300) throw new Error(`not started: ${JSON.stringify(asked.body)}`);
    await this.untilPhase('verifying', 'ready');
    const { outcome, ...rest } = await this.check();
    if (outcome !== 'equal') throw new Error(`check: ${String(outcome)} ${JSON.stringify(rest)}`);
    await this.untilPhase('ready');
  }

  /** Asks for a switch and answers how it ended. */
  async switchTo(to: string, reason = 'test'): Promise<Record<string, unknown>> {
    const asked = await this.call('POST', '/switchovers', { to, reason });
    if (asked.status >= 300) throw new Error(`no switch: ${JSON.stringify(asked.body)}`);
    const id = String(asked.body['id']);
    return this.until(`/switchovers/${id}`, ({ outcome }) => outcome !== 'running');
  }
}
