import { readServer, type Server } from '@turnout/postgres/catalog/server';
import { readInstalled } from '@turnout/postgres/cluster/install';
import { eachSide, type ProblemOfSide, type Requirement } from './requirement.js';

/** The two slots a side may carry at once: its link and the checker's. */
const SLOTS_NEEDED = 2;
const VERSION_MIN = 130_000;

/** What one capacity lacks, with the setting that raises it; both take a restart. */
function shortOf(setting: string, max: number, used: number): ProblemOfSide[] {
  const free = max - used;
  if (free >= SLOTS_NEEDED) return [];
  return [
    {
      object: setting,
      what: `${free} of ${max} free, ${SLOTS_NEEDED} needed`,
      remedy: `ALTER SYSTEM SET ${setting} = ${used + SLOTS_NEEDED}; then restart the server`,
    },
  ];
}

function identityOf({ systemIdentifier, databaseOid }: Server): string {
  return `${systemIdentifier}/${databaseOid}`;
}

export const SERVER_REQUIREMENTS: readonly Requirement[] = [
  {
    id: 'distinct_sides',
    error: 'sides_identical',
    severity: 'critical',
    ok: 'blue and green are different databases',
    async wrong({ sessions }) {
      const blue = await readServer(sessions.blue);
      const green = await readServer(sessions.green);
      if (identityOf(blue) !== identityOf(green)) return [];
      const what = 'both URLs lead to one database';
      return [{ side: null, object: blue.database, what, remedy: null }];
    },
  },
  {
    id: 'server_version',
    error: 'server_version_unsupported',
    severity: 'critical',
    ok: 'both servers are PostgreSQL 13 or newer',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const { version, versionText } = await readServer(session);
        if (version >= VERSION_MIN) return [];
        return [{ object: null, what: `PostgreSQL ${versionText}`, remedy: null }];
      }),
  },
  {
    id: 'wal_level',
    error: 'wal_level_insufficient',
    severity: 'critical',
    ok: 'wal_level is logical on both sides',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const { walLevel } = await readServer(session);
        if (walLevel === 'logical') return [];
        const remedy = 'ALTER SYSTEM SET wal_level = logical; then restart the server';
        return [{ object: 'wal_level', what: `is ${walLevel}`, remedy }];
      }),
  },
  {
    id: 'slots',
    error: 'slots_exhausted',
    severity: 'critical',
    ok: 'slots and walsenders are free on both sides',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        // A pair that is installed holds its slots already.
        if ((await readInstalled(session)) !== null) return [];
        const server = await readServer(session);
        return [
          ...shortOf('max_replication_slots', server.slotsMax, server.slotsUsed),
          ...shortOf('max_wal_senders', server.walSendersMax, server.walSendersUsed),
        ];
      }),
  },
  {
    id: 'standby_policy',
    error: 'standbys_ignored',
    severity: 'warning',
    ok: 'a decision counts when standbys have it',
    async wrong({ pair }) {
      if (pair.standbys !== 'none') return [];
      const what =
        'is none: a standby promoted in mid-switch may be a second writable side, and nothing prevents it';
      return [{ side: null, object: `pairs.${pair.name}.standbys`, what, remedy: null }];
    },
  },
  {
    id: 'one_pair',
    error: 'database_of_another_pair',
    severity: 'critical',
    ok: 'neither database belongs to another pair',
    wrong: (subject) =>
      eachSide(subject, async (session, side) => {
        const found = await readInstalled(session);
        if (!found || (found.pair === subject.pair.name && found.side === side)) return [];
        return [
          {
            object: 'schema turnout',
            what: `belongs to pair ${found.pair} as ${found.side}`,
            remedy: `turnout abort ${found.pair} (or turnout complete ${found.pair})`,
          },
        ];
      }),
  },
];
