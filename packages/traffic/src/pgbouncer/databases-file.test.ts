import { expect, test } from 'vitest';
import { parseTarget, readTarget, rewriteTarget } from './databases-file.js';

const FILE = `; managed by hand, shop = host=comment
[databases]
other = host=10.0.0.1 port=5432
shop = host=10.0.0.2 port=5432 dbname=shop user='the app' password='it''s' pool_size=20
"shop" = host=never port=1
* = host=10.0.0.9
[users]
shop = pool_mode=session
`;
const green = { host: '10.0.0.3', port: 5433, dbname: 'shop_new' };

test('only the line of the database changes, and of it only where it points', () => {
  const changed = rewriteTarget(FILE, 'shop', green)!;
  const before = FILE.split('\n');
  const after = changed.split('\n');
  expect(after.filter((line, index) => line !== before[index])).toEqual([
    "shop = host=10.0.0.3 port=5433 dbname=shop_new user='the app' password='it''s' pool_size=20",
  ]);
  expect(readTarget(changed, 'shop')).toEqual(green);
});

test('rewriting twice is the same as once', () => {
  const once = rewriteTarget(FILE, 'shop', green)!;
  expect(rewriteTarget(once, 'shop', green)).toBe(once);
});

test('a database that is not listed, or whose line cannot be read, is not guessed at', () => {
  expect(rewriteTarget(FILE, 'shops', green)).toBeNull();
  expect(rewriteTarget('[databases]\nshop = host=a broken', 'shop', green)).toBeNull();
  expect(rewriteTarget('shop = host=a', 'shop', green)).toBeNull();
});

test('a line without dbname means the database of its own name', () => {
  expect(readTarget('[databases]\nshop = host=a port=1', 'shop')).toEqual({
    host: 'a',
    port: 1,
    dbname: 'shop',
  });
});

test('configured hosts override what the side URL says', () => {
  expect(parseTarget('host=10.1.1.1 port=6000', green)).toEqual({
    host: '10.1.1.1',
    port: 6000,
    dbname: 'shop_new',
  });
  expect(parseTarget('nonsense', green)).toBeNull();
});
