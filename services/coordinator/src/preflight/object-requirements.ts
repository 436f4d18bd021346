import { readEventTriggers } from '@turnout/postgres/catalog/event-triggers';
import { readPreparedTransactions } from '@turnout/postgres/catalog/locks';
import { readSequences } from '@turnout/postgres/catalog/sequences';
import { readEnabledSubscriptions } from '@turnout/postgres/catalog/subscriptions';
import { readTables, type Table } from '@turnout/postgres/catalog/tables';
import { quoteIdent, quoteLiteral, quoteTable } from '@turnout/postgres/identifiers';
import { sequencesNearEnd, type SequenceNearEnd } from '../side/sequences.js';
import { eachSide, type ProblemOfSide, type Requirement } from './requirement.js';

/** Rows of a partitioned table are in its leaves; unlogged ones are never in the stream. */
function lacksIdentity({ kind, unlogged, identity, primaryKey }: Table): boolean {
  if (kind === 'partitioned' || unlogged) return false;
  return identity === 'nothing' || (identity === 'default' && primaryKey === null);
}

function nearEnd({ name, left, descending, ownedBy }: SequenceNearEnd): ProblemOfSide {
  const column = ownedBy === null ? null : /^(.*)\.("(?:[^"]|"")*"|[^.]*)$/.exec(ownedBy);
  const widen = `ALTER SEQUENCE ${name} AS bigint ${descending ? 'NO MINVALUE' : 'NO MAXVALUE'};`;
  return {
    object: name,
    what: `has ${left} values left`,
    remedy: column
      ? `ALTER TABLE ${column[1]} ALTER COLUMN ${column[2]} TYPE bigint; ${widen}`
      : widen,
  };
}

export const OBJECT_REQUIREMENTS: readonly Requirement[] = [
  {
    id: 'replica_identity',
    error: 'replica_identity_missing',
    severity: 'critical',
    ok: 'every table has a replica identity',
    wrong: (subject) =>
      eachSide(subject, async (session) =>
        (await readTables(session, subject.pair.tables)).filter(lacksIdentity).map((table) => ({
          object: quoteTable(table),
          what: 'has no primary key and no other replica identity',
          remedy: `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY FULL; (or add a primary key)`,
        })),
      ),
  },
  {
    id: 'event_triggers',
    error: 'event_trigger_always',
    severity: 'critical',
    ok: 'no event trigger fires for replicas',
    wrong: (subject) =>
      eachSide(subject, async (session) =>
        (await readEventTriggers(session))
          .filter(({ enabled }) => enabled === 'always' || enabled === 'replica')
          .map(({ name, enabled }) => ({
            object: `event trigger ${quoteIdent(name)}`,
            what: `is enabled ${enabled} and would fire on the DDL of a switch`,
            remedy: `ALTER EVENT TRIGGER ${quoteIdent(name)} ENABLE;`,
          })),
      ),
  },
  {
    id: 'triggers',
    error: 'trigger_always',
    severity: 'warning',
    ok: 'no trigger of a table fires for replicated rows',
    wrong: (subject) =>
      eachSide(subject, async (session) =>
        (await readTables(session, subject.pair.tables)).flatMap((table) =>
          table.triggersAlways.map((name) => ({
            object: `trigger ${quoteIdent(name)} on ${quoteTable(table)}`,
            what: 'fires for replicated rows too, so its effects happen twice',
            remedy: `ALTER TABLE ${quoteTable(table)} ENABLE TRIGGER ${quoteIdent(name)};`,
          })),
        ),
      ),
  },
  {
    id: 'subscriptions',
    error: 'subscription_on_source',
    severity: 'critical',
    ok: 'no subscription writes into either side',
    wrong: (subject) =>
      eachSide(subject, async (session) =>
        (await readEnabledSubscriptions(session)).map((name) => ({
          object: `subscription ${quoteIdent(name)}`,
          what: 'is enabled, and what it writes passes the guard',
          remedy: `ALTER SUBSCRIPTION ${quoteIdent(name)} DISABLE;`,
        })),
      ),
  },
  {
    id: 'prepared_transactions',
    error: 'prepared_transactions_pending',
    severity: 'warning',
    ok: 'no prepared transaction is pending',
    wrong: (subject) =>
      eachSide(subject, async (session) =>
        (await readPreparedTransactions(session)).map(({ gid, owner, preparedAt }) => ({
          object: `transaction ${gid}`,
          what: `prepared by ${owner} at ${preparedAt}`,
          remedy: `COMMIT PREPARED ${quoteLiteral(gid)}; (or ROLLBACK PREPARED)`,
        })),
      ),
  },
  {
    id: 'sequences',
    error: 'sequence_near_end',
    severity: 'warning',
    ok: 'no sequence is about to run out',
    wrong: (subject) =>
      eachSide(subject, async (session) =>
        sequencesNearEnd(await readSequences(session)).map(nearEnd),
      ),
  },
];
