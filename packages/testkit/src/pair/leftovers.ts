import { waitUntil } from '@turnout/core/waiting';
import type { Client } from 'pg';
import { withClient } from '../cluster/client.js';

/** Backends of processes that were killed end when the server notices. */
const GONE = { timeoutMs: 10_000, intervalMs: 20 };

async function list(client: Client, text: string): Promise<string[]> {
  const { rows } = await client.query<{ trace: string }>(text);
  return rows.map(({ trace }) => trace);
}

/** Sessions of Turnout in a database, and slots in it that somebody reads. */
const ALIVE = /* sql */ `
  select 'session ' || application_name || ' (' || coalesce(state, backend_type) || ')' as trace
    from pg_stat_activity
    where datname = current_database() and application_name like 'turnout/%'
  union all
  select 'slot ' || slot_name || ' read by ' || active_pid from pg_replication_slots
    where database = current_database() and active`;

const TRACES = /* sql */ `
  select 'schema ' || nspname as trace from pg_namespace where nspname = 'turnout'
  union all select 'trigger on ' || tgrelid::regclass from pg_trigger where tgname like 'turnout%'
  union all select 'publication ' || pubname from pg_publication
  union all select 'slot ' || slot_name from pg_replication_slots
    where database = current_database()
  order by 1`;

/** Proves that nothing of Turnout is at work in the database of `url` any more. */
export async function proveIdle(url: string): Promise<void> {
  let alive: string[] = [];
  await withClient(url, (client) =>
    waitUntil(
      async () => {
        alive = await list(client, ALIVE);
        return alive.length === 0 ? true : undefined;
      },
      { ...GONE, onTimeout: () => new Error(`still there: ${alive.join(', ')}`) },
    ),
  );
}

/** Every object of Turnout in the database of `url`; empty when nothing was ever installed. */
export function tracesIn(url: string): Promise<string[]> {
  return withClient(url, (client) => list(client, TRACES));
}

/** Drops the logical slots of a database, without which it cannot be dropped itself. */
export async function dropSlots(url: string): Promise<void> {
  await withClient(url, (client) =>
    client.query(/* sql */ `select pg_drop_replication_slot(slot_name) from pg_replication_slots
      where database = current_database()`),
  );
}
