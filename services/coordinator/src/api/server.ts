import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from '@turnout/service-kit/logger';
import type { StoredToken } from '@turnout/service-kit/tokens';
import { installAuth } from './auth.js';
import type { Runtimes } from '../runtime.js';
import { installChecks } from './checks.js';
import { installEvents } from './events.js';
import { installLeaks } from './leaks.js';
import { installEnding, installLifecycle } from './lifecycle.js';
import { installPairs } from './pairs.js';
import { installProblems } from './problems.js';
import { installProbes, type ProbeSources } from './probes.js';
import { installSettling, installSwitching, installSwitchovers } from './switchovers.js';

export const API_VERSION = '0.1.0';
const BODY_BYTES_MAX = 64 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;

export interface ApiParts {
  readonly runtimes: Runtimes;
  readonly tokens: readonly StoredToken[];
  readonly logger: Logger;
  readonly probes: ProbeSources;
}

const RESOURCES = [
  installPairs,
  installLifecycle,
  installEnding,
  installChecks,
  installSwitchovers,
  installSwitching,
  installSettling,
  installLeaks,
  installEvents,
];

/** The HTTP API, not yet listening; `npm run gen` builds it too, for its description. */
export async function buildApi({
  runtimes,
  tokens,
  logger,
  probes,
}: ApiParts): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => randomUUID(),
    forceCloseConnections: true,
    // A field nobody knows is a mistake, and dropping it would do something else than was asked for.
    ajv: { customOptions: { removeAdditional: false } },
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Turnout',
        version: API_VERSION,
        description: 'Moves a live PostgreSQL database from one cluster to another and back.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  // Whoever leaves out a body whose fields are all optional sends none of them.
  app.addHook('preValidation', async (request) => {
    request.body ??= {};
  });
  installProblems(app, logger);
  installAuth(app, tokens);
  await app.register(async (scope) => {
    for (const install of RESOURCES) install(scope, runtimes);
    installProbes(scope, runtimes, probes);
  });
  return app;
}

/** OpenAPI 3.1 of a built API. */
export async function describeApi(api: FastifyInstance): Promise<object> {
  await api.ready();
  return api.swagger();
}
