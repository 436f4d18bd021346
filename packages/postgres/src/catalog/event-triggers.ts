import type { Session } from '../session.js';

export interface EventTrigger {
  readonly name: string;
  readonly event: string;
  /** `always` and `replica` fire in our sessions too and may raise inside the fence. */
  readonly enabled: 'origin' | 'always' | 'replica' | 'disabled';
  readonly function: string;
}

const MODES = { O: 'origin', A: 'always', R: 'replica', D: 'disabled' } as const;

export async function readEventTriggers(session: Session): Promise<EventTrigger[]> {
  const { rows } = await session.query<
    Record<string, string>
  >(/* sql */ `select evtname as name, evtevent as event, evtenabled as enabled,
        evtfoid::regproc::text as function
      from pg_event_trigger order by evtname`);
  return rows.map((row) => ({
    name: row['name']!,
    event: row['event']!,
    enabled: MODES[row['enabled'] as keyof typeof MODES],
    function: row['function']!,
  }));
}
