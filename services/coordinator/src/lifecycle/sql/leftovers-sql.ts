import type { Statement } from '@turnout/postgres/sql/statement';

/** Whether the schema is there, and names of slots and publications of the pair. */
export function leftovers(names: readonly string[]): Statement {
  return {
    text: /* sql */ `
      select to_regclass('turnout.side') is not null as installed,
        (select coalesce(json_agg(n.name), '[]') from (
          select 'slot ' || slot_name as name from pg_replication_slots
          where slot_name = any (string_to_array($1, ' ')) and database = current_database()
          union all
          select 'publication ' || pubname from pg_publication
          where pubname = any (string_to_array($1, ' '))
        ) n) as names`,
    values: [names.join(' ')],
  };
}

/** Whose the objects are; asked only when they are there. */
export const installedPair: Statement = {
  text: /* sql */ `select pair from turnout.side`,
  values: [],
};
