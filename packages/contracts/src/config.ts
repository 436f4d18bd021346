import { Type, type Static } from 'typebox';
import { PAIR_CONFIG } from './config/pair-config.js';
import { path, text, url } from './config/values.js';

const CONTROL = Type.Object(
  {
    url: url('Where the control store is: any PostgreSQL from 13 on, a database of its own.'),
    password_file: Type.Optional(path('File that holds the password.')),
  },
  { additionalProperties: false },
);

const API = Type.Object(
  {
    listen: text('Address and port of the API.', { default: '127.0.0.1:7400' }),
    tokens_file: Type.Optional(path('File of hashed tokens with roles viewer, operator, admin.')),
  },
  { additionalProperties: false },
);

const METRICS = Type.Object(
  { listen: Type.Optional(text('Address of /metrics, /livez and /readyz, without a token.')) },
  { additionalProperties: false },
);

export const BUS_KINDS = ['postgres', 'memory', 'kafka'] as const;
export type BusKind = (typeof BUS_KINDS)[number];

const BUS = Type.Object(
  {
    kind: Type.Enum(BUS_KINDS, { description: 'What carries the news.', default: 'postgres' }),
    brokers: Type.Optional(Type.Array(Type.String(), { description: 'host:port of each broker.' })),
    topic_prefix: text('First part of every topic.', { default: 'turnout' }),
  },
  { additionalProperties: false },
);

const REDIS = Type.Object(
  { url: Type.Optional(url('Redis of the redis route.')) },
  { additionalProperties: false },
);

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const LOG = Type.Object(
  {
    level: Type.Enum(LOG_LEVELS, { description: 'Least level that is written.', default: 'info' }),
  },
  { additionalProperties: false },
);

/** `turnout.yaml`. Keys are those of the file; durations and sizes are still texts here. */
export const CONFIG_SCHEMA = Type.Object(
  {
    control: CONTROL,
    api: API,
    metrics: METRICS,
    bus: BUS,
    redis: REDIS,
    log: LOG,
    pairs: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,30}$' }), PAIR_CONFIG, {
      description: 'The pairs by name.',
      default: {},
    }),
  },
  { additionalProperties: false, title: 'Turnout configuration' },
);

/** The configuration with every default filled in. */
export type TurnoutConfig = Static<typeof CONFIG_SCHEMA>;
