import { isAppError } from '@turnout/core/app-error';
import { redactUrl } from '@turnout/core/secret';
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: string;
  readonly service: string;
  /** Standard error unless given: standard output belongs to data. */
  readonly destination?: DestinationStream | undefined;
}

const SECRET_KEYS = ['password', 'token', 'authorization', 'secret', 'url'];

/**
 * Only what the catalogue or the server's code says. `detail` and `where` of a server error quote
 * cell values, and so may the message of a failed cast.
 */
function errorFields(thrown: unknown): Record<string, unknown> {
  if (isAppError(thrown)) {
    const { code, message, facts, cause, stack } = thrown;
    return { code, message, facts, stack, ...(cause ? { cause: errorFields(cause) } : {}) };
  }
  if (!(thrown instanceof Error)) return { message: typeof thrown };
  const code = 'code' in thrown ? String(thrown.code) : undefined;
  const isServers = 'severity' in thrown;
  return {
    name: thrown.name,
    code,
    message: isServers ? `server error ${code ?? 'unknown'}` : redactUrl(thrown.message),
    ...(isServers ? {} : { stack: redactUrl(thrown.stack ?? '') }),
  };
}

/** JSON lines with redaction of secrets. */
export function createLogger({ level, service, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFields, error: errorFields },
      redact: {
        paths: [...SECRET_KEYS, ...SECRET_KEYS.map((key) => `*.${key}`)],
        censor: '[secret]',
      },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
