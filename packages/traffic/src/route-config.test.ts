import { expect, test } from 'vitest';
import { createRoute, createRoutes, targetOfUrl } from './route-config.js';

const context = {
  pair: 'shop',
  sideUrls: {
    blue: 'postgres://turnout:secret@blue.internal:5432/shop',
    green: 'postgres://turnout:secret@green.internal/shop',
  },
  redisUrl: 'redis://user:secret@localhost:6379',
};

test('where a side URL leads, with what PostgreSQL takes for what is left out', () => {
  expect(targetOfUrl('postgres://app@[::1]/shop')).toEqual({
    host: '::1',
    port: 5432,
    dbname: 'shop',
  });
  expect(targetOfUrl('postgres://app@db:6000')).toMatchObject({ port: 6000, dbname: 'app' });
});

test('every kind of the configuration makes its route, and none prints a secret', () => {
  const routes = createRoutes(
    [
      {
        pgbouncer: {
          admin: ['postgres://pgbouncer:secret@127.0.0.1:6432/pgbouncer'],
          file: '/etc/pgbouncer/databases.ini',
          database: 'shop',
          hosts: { green: 'host=10.0.0.3' },
        },
      },
      { redis: {} },
      { haproxy: { socket: '/run/admin.sock', backend: 'shop', blue: 'b', green: 'g' } },
      { webhook: { url: 'https://u:secret@ops/route', probe_url: 'https://ops/current' } },
      { exec: { command: ['./switch.sh'], probe: ['./where.sh'] } },
    ],
    context,
  );
  expect(routes).toMatchObject({ count: 5, poolerCount: 1 });
  expect(routes.describe().join()).not.toContain('secret');
  const route = createRoute({ redis: {} }, context);
  expect(route.instances).toEqual(['redis localhost:6379']);
  const pooler = createRoute(
    { pgbouncer: { admin: 'postgres://p:secret@[::1]:1/x', file: '/f', database: 'd' } },
    context,
  );
  expect(pooler.instances).toEqual(['pgbouncer [::1]:1']);
});

test('an entry without a known kind, hosts that cannot be read, a missing Redis are refused', () => {
  expect(() => createRoute({}, context)).toThrow(/TRN1003/);
  expect(() => createRoute({ redis: {} }, { ...context, redisUrl: undefined })).toThrow(/TRN1003/);
  const pgbouncer = { admin: 'postgres://a@b/c', file: '/f', database: 'd' };
  const hosts = { blue: 'nonsense' };
  expect(() => createRoute({ pgbouncer: { ...pgbouncer, hosts } }, context)).toThrow(/TRN1003/);
});
