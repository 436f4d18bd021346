import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSession, type Endpoint, type Session } from './session.js';
import { createSlot, dropSlot, freeSlot, readSlot } from './slots.js';
import { openStream } from './stream/open-stream.js';

const SLOT = 'turnout_shop_forward';

describe.each(['13', '15'] as const)('a slot on %s', (version) => {
  let cluster: Cluster;
  let endpoint: Endpoint;
  let session: Session;

  beforeAll(async () => {
    cluster = await startCluster({ version, settings: { max_replication_slots: '2' } });
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  beforeEach(async () => {
    endpoint = { url: await cluster.createDatabase('shop') };
    session = await openSession({ endpoint, applicationName: 'turnout/1/test/shop' });
    await session.query('create table public.items (id int primary key)');
    await session.query('insert into public.items values (1)');
  });

  afterEach(async () => {
    await freeSlot(session, SLOT);
    await dropSlot(session, SLOT);
    const { rows } = await session.query('select slot_name from pg_replication_slots');
    if (rows.length > 0) throw new Error('a slot was left behind');
    await session.end();
    await cluster.dropDatabase('shop');
  });

  const request = {
    name: SLOT,
    exportSnapshot: true,
    lockTimeoutMs: 2_000,
    applicationName: 'turnout/1/replicator/shop',
  };

  test('its snapshot shows what was before it, until it is released', async () => {
    const slot = await createSlot({ endpoint, ...request });
    await session.query('insert into public.items values (2)');
    const copier = await openSession({ endpoint, applicationName: 'turnout/1/copy/shop' });
    const importing = `begin isolation level repeatable read;
      set transaction snapshot '${slot.snapshotName}'`;
    await copier.query(importing);
    const { rows } = await copier.query('select id from public.items');
    expect(rows).toEqual([{ id: '1' }]);
    await copier.query('rollback');

    await slot.release();
    await expect(copier.query(importing)).rejects.toThrow(/snapshot/);
    await copier.end();
    expect(await readSlot(session, SLOT)).toMatchObject({
      active: false,
      plugin: 'pgoutput',
      confirmedFlushLsn: slot.consistentLsn,
      walStatus: 'reserved',
    });
  });

  test('without a snapshot there is none to hold', async () => {
    const slot = await createSlot({ endpoint, ...request, exportSnapshot: false });
    expect(slot.snapshotName).toBeNull();
    await slot.release();
  });

  test('an old transaction makes creation give up, and nothing is left that pins WAL', async () => {
    const old = await openSession({ endpoint, applicationName: 'shop application' });
    await old.query('begin; insert into public.items values (3)');
    await expect(createSlot({ endpoint, ...request, lockTimeoutMs: 100 })).rejects.toMatchObject({
      code: 'TRN3014',
    });
    expect(await readSlot(session, SLOT)).toBeNull();
    const { rows } = await session.query(
      `select pid from pg_stat_activity where application_name = 'turnout/1/replicator/shop'`,
    );
    expect(rows).toEqual([]);
    await old.query('rollback');
    await old.end();
    const slot = await createSlot({ endpoint, ...request });
    await slot.release();
  });

  test('a name that is taken is refused and its slot stays', async () => {
    const slot = await createSlot({ endpoint, ...request });
    await slot.release();
    await expect(createSlot({ endpoint, ...request })).rejects.toMatchObject({ code: 'TRN3005' });
    expect(await readSlot(session, SLOT)).not.toBeNull();
  });

  test('when no slot is free it says so', async () => {
    for (const name of ['one', 'two']) {
      await session.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [name]);
    }
    await expect(createSlot({ endpoint, ...request })).rejects.toMatchObject({
      code: 'TRN2011',
      facts: { slot: SLOT, sqlstate: '53400', message: 'all replication slots are in use' },
    });
    for (const name of ['one', 'two']) await dropSlot(session, name);
  });

  test('what the server says is named when the catalogue has no name for it', async () => {
    const name = 'Not a Slot';
    await expect(createSlot({ endpoint, ...request, name })).rejects.toMatchObject({
      code: 'TRN3016',
      facts: { slot: name, sqlstate: '42602', message: expect.stringContaining(name) },
    });
  });

  test('a holder of ours is ended, and dropping twice is no error', async () => {
    await session.query(`create publication ${SLOT}`);
    const slot = await createSlot({ endpoint, ...request });
    await slot.release();
    const stream = await openStream({
      endpoint,
      slot: SLOT,
      publication: SLOT,
      startLsn: slot.consistentLsn,
      applicationName: 'turnout/1/replicator/shop',
      onMessage: () => undefined,
      onKeepalive: () => undefined,
    });
    const ended = stream.ended.catch((thrown: unknown) => thrown);
    expect(await readSlot(session, SLOT)).toMatchObject({ active: true });
    await freeSlot(session, SLOT);
    expect(await ended).toMatchObject({ code: 'TRN3001' });
    await dropSlot(session, SLOT);
    await dropSlot(session, SLOT);
    expect(await readSlot(session, SLOT)).toBeNull();
  });

  test('a holder that is not ours is named and left alone', async () => {
    await session.query(`create publication ${SLOT}`);
    const slot = await createSlot({ endpoint, ...request });
    await slot.release();
    const stream = await openStream({
      endpoint,
      slot: SLOT,
      publication: SLOT,
      startLsn: slot.consistentLsn,
      applicationName: 'somebody else',
      onMessage: () => undefined,
      onKeepalive: () => undefined,
    });
    await expect(freeSlot(session, SLOT)).rejects.toMatchObject({
      code: 'TRN3001',
      facts: { held_by: 'somebody else' },
    });
    await stream.close();
  });
});
