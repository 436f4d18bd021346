import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { startCluster } from './cluster.js';
import { descendants, isAlive } from './cluster/process-tree.js';
import { MAJOR_VERSIONS } from './cluster/binaries.js';

const EXACT = { '13': '13.11', '15': '15.4' } as const;

async function ask(url: string, question: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const answer = await client.query<string[]>({ text: question, rowMode: 'array' });
    return answer.rows.join();
  } finally {
    await client.end();
  }
}

test.each(MAJOR_VERSIONS)('PostgreSQL %s starts with logical decoding', async (version) => {
  await using cluster = await startCluster({ version, settings: { work_mem: '5MB' } });
  expect(cluster.version).toBe(EXACT[version]);
  expect(await ask(cluster.url(), 'show server_version')).toBe(EXACT[version]);
  expect(await ask(cluster.url(), 'show wal_level')).toBe('logical');
  expect(await ask(cluster.url(), 'show work_mem')).toBe('5MB');
});

test.each(MAJOR_VERSIONS)('what %s committed durably survives a crash', async (version) => {
  await using cluster = await startCluster({ version, settings: { fsync: 'on' } });
  const url = await cluster.createDatabase('shop');
  await ask(url, 'create table t as select 7 as n');
  const port = cluster.port;
  await cluster.crash();
  await expect(ask(url, 'select 1')).rejects.toThrow(/ECONNREFUSED/);
  await cluster.start();
  expect(cluster.port).toBe(port);
  expect(await ask(url, 'select n from t')).toBe('7');
  await cluster.restart();
  expect(await ask(url, 'select n from t')).toBe('7');
  const copy = await cluster.createDatabase('copy', { template: 'shop' });
  expect(await ask(copy, 'select n from t')).toBe('7');
  await cluster.dropDatabase('copy');
  await expect(ask(copy, 'select 1')).rejects.toThrow(/does not exist/);
});

test('a disposed cluster leaves neither processes nor files', async () => {
  const before = new Set(descendants(process.pid));
  const cluster = await startCluster({ version: '13' });
  const servers = descendants(process.pid).filter((pid) => !before.has(pid));
  expect(servers.length).toBeGreaterThan(3);
  await cluster[Symbol.asyncDispose]();
  expect(servers.filter(isAlive)).toEqual([]);
  expect(existsSync(cluster.directory)).toBe(false);
});

test('a missing version is named in one sentence', async () => {
  process.env['TURNOUT_PG_15'] = '/nowhere';
  try {
    const { findBinaries } = await import(
      './cluster/binaries.js?missing' as './cluster/binaries.js'
    );
    await expect(findBinaries('15')).rejects.toThrow(
      'PostgreSQL 15 is missing: there is no initdb in /nowhere',
    );
  } finally {
    delete process.env['TURNOUT_PG_15'];
  }
});
