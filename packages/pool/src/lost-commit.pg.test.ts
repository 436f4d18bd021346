import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OutcomeUnknownError } from './errors.js';
import { createPool } from './pool.js';

let cluster: Cluster;
let proxy: Server;
let direct: string;
let through: string;
let sawCommit = 0;

/** Passes everything on, but cuts the connection when the server has answered a COMMIT. */
function startCommitCutter(port: number): Promise<Server> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let cutting = false;
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.on('data', (chunk) => {
      if (chunk.toString('latin1').includes('commit\0')) {
        cutting = true;
        sawCommit += 1;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => (cutting ? client.destroy() : client.write(chunk)));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

beforeAll(async () => {
  cluster = await startCluster({ version: '15', name: 'pool' });
  direct = await cluster.createDatabase('blue');
  proxy = await startCommitCutter(Number(new URL(direct).port));
  through = `postgres://postgres@127.0.0.1:${(proxy.address() as AddressInfo).port}/blue`;
});

afterAll(async () => {
  await new Promise((resolve) => proxy.close(resolve));
  await cluster[Symbol.asyncDispose]();
});

test('a COMMIT whose answer is lost has an unknown outcome and is never run again', async () => {
  const session = new pg.Client(direct);
  await session.connect();
  await session.query('create table item (id int)');
  const pool = createPool({ blue: through, green: through, pair: 'shop' });
  let runs = 0;
  const work = pool.transaction(async (client) => {
    runs += 1;
    await client.query('insert into item values (1)');
  });
  await expect(work).rejects.toBeInstanceOf(OutcomeUnknownError);
  expect({ runs, sawCommit }).toEqual({ runs: 1, sawCommit: 1 });
  // It was committed: running it again would have doubled the row.
  const { rows } = await session.query('select count(*)::int as n from item');
  expect(rows[0].n).toBe(1);
  await pool.end();
  await session.end();
});
