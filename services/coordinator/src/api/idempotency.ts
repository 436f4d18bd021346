import { createHash } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import type { Store } from '@turnout/store/store';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
}

/**
 * Answers a repeated request with what the first one was answered. A request that failed may be
 * repeated with the same key: nothing was done for it.
 * @throws TRN7003 for another request under the same key, TRN7004 while the first still runs
 */
export async function once(
  store: Store,
  request: FastifyRequest,
  reply: FastifyReply,
  work: () => Promise<Answer>,
): Promise<FastifyReply> {
  const key = request.headers['idempotency-key'];
  const send = ({ status, headers, body }: Answer): FastifyReply =>
    reply
      .code(status)
      .headers(headers ?? {})
      .send(body);
  if (typeof key !== 'string' || key === '') return send(await work());
  const text = `${request.method} ${request.url} ${JSON.stringify(request.body ?? null)}`;
  const fingerprint = createHash('sha256').update(text).digest('hex');
  const begun = await store.idempotency.begin(key, fingerprint);
  if (begun.state === 'mismatch') throw fail('idempotency_key_reused', { key });
  if (begun.state === 'running') throw fail('idempotent_request_running', { key });
  if (begun.state === 'done') return send(begun.response as unknown as Answer);
  try {
    const answer = await work();
    await store.idempotency.complete(key, answer);
    return send(answer);
  } catch (thrown) {
    await store.idempotency.abandon(key);
    throw thrown;
  }
}

/** `If-Match: "<revision>"`; undefined when the caller does not care. @throws TRN7005 */
export function expectedRevision(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match'];
  if (header === undefined) return undefined;
  const match = /^"?(\d+)"?$/.exec(header);
  if (!match) throw fail('request_invalid', { header: 'if-match' });
  return Number(match[1]);
}
