import { compareSchemas } from '@turnout/postgres/catalog/schema/compare-schemas';
import { readSchemaObjects } from '@turnout/postgres/catalog/schema-objects';
import { openSession } from '@turnout/postgres/session';
import { startCluster } from '@turnout/testkit/cluster';
import { expect, test } from 'vitest';
import { RICH_ROLES, RICH_SCHEMA, SQL_SYNTAX } from '../../test/rich-schema.js';

test('the same DDL run by hand on 13 and on 15 differs in nothing', async () => {
  const read = async (version: '13' | '15') => {
    await using cluster = await startCluster({ version });
    const endpoint = { url: await cluster.createDatabase('shop') };
    const session = await openSession({ endpoint, applicationName: 'test' });
    try {
      await session.query(RICH_ROLES);
      await session.query(RICH_SCHEMA);
      await session.query(SQL_SYNTAX);
      return await readSchemaObjects(session);
    } finally {
      await session.end();
    }
  };
  const [old, young] = await Promise.all([read('13'), read('15')]);
  expect(compareSchemas(old, young)).toEqual([]);
});
