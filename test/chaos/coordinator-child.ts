import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '@turnout/core/waiting';
import type { ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import { TOKEN } from './living-pair.js';

const PROGRAM = fileURLToPath(
  new URL('../dist/test/chaos/coordinator-process.js', import.meta.url),
);

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A coordinator in a process of its own, which may be told where to die. */
export class CoordinatorChild implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #base: string;
  readonly died: Promise<void>;

  private constructor(child: ChildProcess, base: string) {
    this.#child = child;
    this.#base = base;
    this.died = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  static async start(config: ResolvedConfig, killAfter: string | null): Promise<CoordinatorChild> {
    const child = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.send({ config, killAfter });
    const base = `http://${config.api.host}:${config.api.port}`;
    const coordinator = new CoordinatorChild(child, base);
    await waitUntil(
      async () => {
        const answer = await fetch(`${base}/livez`).catch(() => null);
        return answer?.ok ? true : undefined;
      },
      { timeoutMs: 30_000, intervalMs: 50, onTimeout: () => new Error('no coordinator') },
    );
    return coordinator;
  }

  async call(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.#base}/v1/pairs/shop${path}`, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    const parsed = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    return { status: response.status, body: parsed };
  }

  /** Polls `path` until `done` says so. */
  async until(
    path: string,
    done: (body: Record<string, unknown>) => boolean,
    timeoutMs = 60_000,
  ): Promise<Record<string, unknown>> {
    let last: Record<string, unknown> = {};
    return waitUntil(
      async () => {
        last = (await this.call('GET', path)).body;
        return done(last) ? last : undefined;
      },
      {
        timeoutMs,
        intervalMs: 100,
        onTimeout: () => new Error(`${path} stays ${JSON.stringify(last).slice(0, 2_000)}`),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.died;
  }
}
