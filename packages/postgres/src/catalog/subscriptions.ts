import type { Session } from '../session.js';

/** Names of enabled subscriptions of this database: their workers write in replica role. */
export async function readEnabledSubscriptions(session: Session): Promise<string[]> {
  const { rows } = await session.query<{
    name: string;
  }>(/* sql */ `select subname as name from pg_subscription
      where subenabled and subdbid = (select oid from pg_database where datname = current_database())
      order by subname`);
  return rows.map(({ name }) => name);
}
