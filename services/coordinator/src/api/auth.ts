import { createHash, timingSafeEqual } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import { TOKEN_ROLES, type StoredToken, type TokenRole } from '@turnout/service-kit/tokens';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the token that signed the request; journalled with what it did. */
    actor: string;
  }
  interface FastifyContextConfig {
    /** Weakest role that may call the route; none means no token is needed. */
    role?: TokenRole;
  }
}

function find(tokens: readonly StoredToken[], presented: string): StoredToken | null {
  const digest = createHash('sha256').update(presented).digest();
  const matches = tokens.filter((token) => {
    const stored = Buffer.from(token.sha256, 'hex');
    return stored.length === digest.length && timingSafeEqual(stored, digest);
  });
  return matches[0] ?? null;
}

function bearer(request: FastifyRequest): string | null {
  const match = /^Bearer (.+)$/.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}

/** Checks token and role before a handler runs. @throws TRN7001, TRN7002 */
export function installAuth(app: FastifyInstance, tokens: readonly StoredToken[]): void {
  app.decorateRequest('actor', 'anonymous');
  app.addHook('onRequest', async (request) => {
    const { role } = request.routeOptions.config;
    if (role === undefined) return;
    const presented = bearer(request);
    const token = presented === null ? null : find(tokens, presented);
    if (token === null)
      throw fail('token_invalid', { token: presented === null ? 'missing' : 'not known' });
    if (TOKEN_ROLES.indexOf(token.role) < TOKEN_ROLES.indexOf(role)) {
      throw fail('role_insufficient', { role: token.role, needed: role });
    }
    request.actor = token.name;
  });
}
