import { fail } from '@turnout/contracts/errors';
import { isAppError, type AppError } from '@turnout/core/app-error';
import { isConnectionLost, sqlState } from '@turnout/postgres/database-error';
import { asAppError } from '@turnout/postgres/refusal';
import type { FastifyError, FastifyInstance } from 'fastify';
import type { Logger } from '@turnout/service-kit/logger';

/** RFC 9457 body of an error; the text of a driver or of SQL never leaves the process. */
export function problemOf(error: AppError, instance: string): Record<string, unknown> {
  return {
    type: `urn:turnout:error:${error.code}`,
    title: error.entry.title,
    status: error.entry.http,
    detail: error.message,
    instance,
    code: error.code,
    observed: error.facts,
    remedy: error.entry.remedy,
    retry: error.entry.retry,
    exit: error.entry.exit,
  };
}

function errorOf(thrown: FastifyError | AppError): AppError {
  if (isAppError(thrown)) return thrown;
  if ('validation' in thrown && thrown.validation) {
    const field = thrown.validation[0]?.params['additionalProperty'];
    const named = typeof field === 'string' ? { field } : {};
    return fail('request_invalid', { reason: thrown.message, ...named });
  }
  if (thrown.statusCode !== undefined && thrown.statusCode < 500) {
    return fail('request_invalid', { reason: thrown.message, status: thrown.statusCode });
  }
  const ofServer = sqlState(thrown) !== null || isConnectionLost(thrown);
  return ofServer ? asAppError(thrown) : fail('unexpected', { error: thrown.name }, thrown);
}

/** Every failure of the API leaves through here. */
export function installProblems(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((thrown: FastifyError | AppError, request, reply) => {
    const error = errorOf(thrown);
    if (error.code === 'TRN7008')
      logger.error({ err: thrown, request: request.id }, 'request failed');
    return reply
      .code(error.entry.http)
      .type('application/problem+json')
      .send(problemOf(error, request.id));
  });
  app.setNotFoundHandler((request, reply) => {
    const error = fail('resource_unknown', { path: request.url.split('?')[0] ?? '' });
    return reply.code(404).type('application/problem+json').send(problemOf(error, request.id));
  });
}
