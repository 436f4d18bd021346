import type { NamedStatement } from '@turnout/postgres/sql/statement';

export function readCursor(pair: string, topic: string): NamedStatement {
  return {
    name: 'store_relay_read',
    text: /* sql */ `
      select revision from turnout_control.relay_cursor where pair = $1 and topic = $2`,
    values: [pair, topic],
  };
}

/** Never moves back: a slower relay must not make a faster one publish again. */
export function moveCursor(pair: string, topic: string, revision: number): NamedStatement {
  return {
    name: 'store_relay_move',
    text: /* sql */ `
      insert into turnout_control.relay_cursor as c (pair, topic, revision) values ($1, $2, $3)
      on conflict (pair, topic) do update set revision = excluded.revision
       where c.revision < excluded.revision`,
    values: [pair, topic, revision],
  };
}
