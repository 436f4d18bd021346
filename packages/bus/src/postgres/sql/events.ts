import type { NamedStatement } from '@turnout/postgres/sql/statement';

export function publishEvents(topic: string, events: string): NamedStatement {
  return {
    name: 'bus_events_publish',
    text: /* sql */ `select turnout_control.publish($1, $2::jsonb)`,
    values: [topic, events],
  };
}

/** News that nobody read for an hour is not news. */
export function dropOldEvents(): NamedStatement {
  return {
    name: 'bus_events_drop',
    text: /* sql */ `
      delete from turnout_control.bus_event where at < clock_timestamp() - interval '1 hour'`,
    values: [],
  };
}

/** A new group starts behind what is there. */
export function insertCursor(topic: string, group: string): NamedStatement {
  return {
    name: 'bus_cursor_insert',
    text: /* sql */ `
      insert into turnout_control.bus_cursor (topic, group_id, position)
      select $1, $2, coalesce(max(position), 0) from turnout_control.bus_event where topic = $1
      on conflict do nothing`,
    values: [topic, group],
  };
}

/** No row when another member of the group is at work. */
export function lockCursor(topic: string, group: string): NamedStatement {
  return {
    name: 'bus_cursor_lock',
    text: /* sql */ `
      select position from turnout_control.bus_cursor
       where topic = $1 and group_id = $2
         for update skip locked`,
    values: [topic, group],
  };
}

export function readEvents(topic: string, position: string, limit: number): NamedStatement {
  return {
    name: 'bus_events_read',
    text: /* sql */ `
      select position, event from turnout_control.bus_event
       where topic = $1 and position > $2
       order by position
       limit $3`,
    values: [topic, position, limit],
  };
}

export function moveCursor(topic: string, group: string, position: string): NamedStatement {
  return {
    name: 'bus_cursor_move',
    text: /* sql */ `
      update turnout_control.bus_cursor
         set position = $3, moved_at = clock_timestamp()
       where topic = $1 and group_id = $2`,
    values: [topic, group, position],
  };
}
