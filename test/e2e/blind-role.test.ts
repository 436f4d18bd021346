import type { Side } from '@turnout/core/sides';
import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { expect, test } from 'vitest';
import { coordinate } from './living.js';

/** D10: a role that may not see other sessions reads NULL for their states. That is unknown, never none. */
const TABLES = /* sql */ `create table public.item (id int primary key, v text);`;

/** Everything a role needs but pg_monitor; on 13 only a superuser could, who sees all. */
const GRANTS = /* sql */ `
  grant create on database "DATABASE" to modest;
  grant usage, create on schema public to modest;
  alter table public.item owner to modest;`;
/** What the installed objects belong to when the role itself had installed them. */
const TURNOUT_GRANTS = /* sql */ `
  grant usage, create on schema turnout to modest;
  grant all on all tables in schema turnout to modest;`;

async function onBoth(pair: TestPair, statements: string): Promise<void> {
  for (const side of ['blue', 'green'] as const) {
    await withClient(pair.url(side), async (client) => {
      const { rows } = await client.query<{ name: string }>('select current_database() as name');
      await client.query(statements.replace('DATABASE', rows[0]!.name));
    });
  }
}

test('D10: without pg_monitor preflight says so, and standbys that nobody can see close the gate', async () => {
  await using pair = await TestPair.create({
    servers: { blue: { version: '15' }, green: 'blue', control: {} },
    tables: TABLES,
    settings: { gates: { lag_max: '2s' } },
  });
  await pair.startStandby('blue', { name: 'replica' });
  await withClient(pair.cluster('blue').url(), (client) =>
    client.query(`create role modest login replication;
      grant pg_signal_backend to modest;
      grant set on parameter session_replication_role to modest`),
  );
  await onBoth(pair, GRANTS);
  const as = (side: Side) => ({ ...pair.settings[side], url: pair.url(side, 'modest') });
  const change = { blue: as('blue'), green: as('green') };
  await pair.run(['replicator', 'lag-monitor', 'checker']);
  {
    await using blind = await coordinate(pair, { change });
    const { body } = await blind.api.call('POST', '/preflight');
    const findings = body['findings'] as { id: string; severity: string; remedy: string }[];
    const monitoring = findings.filter(({ id }) => id === 'monitoring');
    expect(monitoring.map(({ severity }) => severity)).toContain('critical');
    expect(JSON.stringify(monitoring)).toContain('GRANT pg_monitor TO \\"modest\\"');
    const started = await blind.api.call('POST', '/start');
    expect(started.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(started.body)).toContain('TRN2022');
  }
  {
    await using seeing = await coordinate(pair);
    await seeing.api.makeReady();
  }
  await onBoth(pair, TURNOUT_GRANTS);
  await using blind = await coordinate(pair, { change });
  const { body } = await blind.api.call('GET', '/gates');
  const gates = body['gates'] as { id: string; open: boolean; observed: string | null }[];
  const standbys = gates.find(({ id }) => id === 'standbys');
  expect(standbys).toMatchObject({ open: false });
  expect(standbys?.observed).toContain('Role may not see other sessions and standbys');
  const asked = await blind.api.call('POST', '/switchovers', { to: 'green', reason: 'test' });
  expect(asked.body).toMatchObject({ code: 'TRN5002' });
  expect(asked.body['detail']).toContain('standbys');
});
