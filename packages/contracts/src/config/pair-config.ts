import { Type, type Static } from 'typebox';
import { ROUTE_CONFIG } from './route-config.js';
import { count, duration, path, size, url } from './values.js';

const closed = { additionalProperties: false };

const SIDE = Type.Object(
  {
    url: url('The side itself, past any pooler.'),
    password_file: Type.Optional(path('File that holds the password.')),
  },
  closed,
);

const patterns = (description: string, value: string[]) =>
  Type.Array(Type.String(), { description, default: value });

export const SCHEMA_TRANSFERS = ['pg_dump', 'existing'] as const;

/** `none` gives up "never two writable sides" when a standby is promoted. */
export const STANDBY_POLICIES = ['streaming', 'synchronous', 'none'] as const;
export type StandbyPolicy = (typeof STANDBY_POLICIES)[number];

export const PAIR_CONFIG = Type.Object(
  {
    blue: SIDE,
    green: SIDE,
    tables: Type.Object(
      {
        include: patterns('Tables to replicate, `schema.table` with `*`.', ['*.*']),
        exclude: patterns('Tables to leave out.', []),
      },
      closed,
    ),
    schema: Type.Object(
      {
        transfer: Type.Enum(SCHEMA_TRANSFERS, {
          description: 'Who creates the tables on green.',
          default: 'pg_dump',
        }),
      },
      closed,
    ),
    copy: Type.Object({ workers: count('Tables or parts copied at once.', 4) }, closed),
    apply: Type.Object(
      {
        group_rows_max: count('Rows of one target transaction at most.', 20_000),
        group_bytes_max: size('Bytes of one target transaction at most.', '8MB'),
        memory_bytes_max: size('Bytes held in memory at most.', '128MB'),
      },
      closed,
    ),
    gates: Type.Object(
      {
        lag_max: duration('Lag at which a switch may begin.', '1s'),
        verified_within: duration('Age of the last equal full check.', '24h'),
        writer_age_max: duration('Age of the oldest writing transaction.', '5s'),
      },
      closed,
    ),
    window: Type.Object(
      {
        max: duration('Read-only window at most; then it undoes itself.', '5s'),
        lock_timeout: duration('Wait for the turnstile, each time.', '500ms'),
        attempts_max: count('Tries to take the turnstile.', 5),
        standby_wait: duration('Wait for the standbys that count, each time.', '1s'),
      },
      closed,
    ),
    standbys: Type.Enum(STANDBY_POLICIES, {
      description: 'Which physical standbys must have a decision before it counts.',
      default: 'streaming',
    }),
    soak: Type.Object({ min: duration('Time on green before `complete`.', '48h') }, closed),
    routes: Type.Array(ROUTE_CONFIG, { description: 'What leads clients to a side.', default: [] }),
  },
  closed,
);

export type PairConfig = Static<typeof PAIR_CONFIG>;
