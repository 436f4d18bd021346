import { randomUUID } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import { messageOf } from '@turnout/core/app-error';
import type { Secret } from '@turnout/core/secret';
import { problemError } from './problem.js';

export interface ClientOptions {
  /** Root of the API, such as `http://127.0.0.1:7400`. */
  readonly baseUrl: string;
  readonly token?: Secret | undefined;
  /** Limit of one request; long work answers at once and is asked for again. */
  readonly timeoutMs?: number | undefined;
  readonly fetch?: typeof fetch | undefined;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE' | undefined;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Limit of this request instead of the client's own. */
  readonly timeoutMs?: number | undefined;
  /** Makes a repeated call the same call; a fresh one unless given. */
  readonly idempotencyKey?: string | undefined;
}

const TIMEOUT_MS = 15_000;

/** Requests to one API: token, time limit, problems as errors of the catalogue. */
export class HttpClient {
  readonly #options: ClientOptions;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? fetch;
  }

  /** @throws the error of the problem document, or TRN7007 when nothing answers in time */
  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const limit = AbortSignal.timeout(options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS);
    const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
    const response = await this.open(path, { ...options, signal });
    return (await this.#body(response)) as T;
  }

  /** The raw answer, its body not read; rejects like {@link json}. The caller bounds it by `signal`. */
  async open(path: string, options: RequestOptions): Promise<Response> {
    const url = this.#url(path, options.query);
    let response: Response;
    try {
      response = await this.#fetch(url, this.#init(options));
    } catch (thrown) {
      const cancelled =
        options.signal?.aborted === true && options.signal.reason?.name === 'AbortError';
      if (cancelled) throw thrown;
      const cause = thrown instanceof Error && thrown.cause ? thrown.cause : thrown;
      throw fail(
        'api_unreachable',
        { url: this.#options.baseUrl, cause: causeText(cause) },
        thrown,
      );
    }
    if (response.status >= 400) throw problemError(response.status, await this.#body(response));
    return response;
  }

  #url(path: string, query: RequestOptions['query']): string {
    const url = new URL(path, this.#options.baseUrl);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.href;
  }

  #init({ method = 'GET', body, headers, signal, idempotencyKey }: RequestOptions): RequestInit {
    const { token } = this.#options;
    return {
      method,
      redirect: 'error',
      headers: {
        accept: 'application/json',
        ...(token ? { authorization: `Bearer ${token.reveal()}` } : {}),
        ...(method === 'GET' ? {} : { 'idempotency-key': idempotencyKey ?? randomUUID() }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    };
  }

  async #body(response: Response): Promise<unknown> {
    const text = await response.text().catch((thrown: unknown) => {
      throw fail(
        'api_unreachable',
        { url: this.#options.baseUrl, cause: messageOf(thrown) },
        thrown,
      );
    });
    if (text === '') return null;
    try {
      return JSON.parse(text) as unknown;
    } catch (thrown) {
      if (response.status >= 400) return { detail: text.slice(0, 200) };
      throw fail(
        'api_unreachable',
        { url: this.#options.baseUrl, cause: 'the answer is not JSON' },
        thrown,
      );
    }
  }
}

function causeText(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code || messageOf(cause);
}
