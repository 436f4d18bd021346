import { inspect } from 'node:util';
import { Secret } from '@turnout/core/secret';
import pg from 'pg';
import { expect, test } from 'vitest';
import { clientConfig, startupOptions } from './session.js';

const PASSWORD = `p:@/ %25+'"\\ü`;

test.each(['postgres://turnout@db.example:5433/shop', 'postgres:///shop?host=/run/postgresql'])(
  'the password beside %s reaches the client whole and stays out of prints of the endpoint',
  (url) => {
    const endpoint = { url, password: new Secret(PASSWORD) };
    const client = new pg.Client(
      clientConfig({ endpoint, applicationName: 'turnout/1/test/shop' }),
    );
    expect(client.password).toBe(PASSWORD);
    expect(client.database).toBe('shop');
    expect(inspect(endpoint)).not.toContain(PASSWORD);
  },
);

test('a password in the URL still counts when there is none beside it', () => {
  const endpoint = { url: 'postgres://turnout:in%20url@db.example/shop' };
  const client = new pg.Client(clientConfig({ endpoint, applicationName: 'turnout/1/test/shop' }));
  expect(client.password).toBe('in url');
});

test('spaces and backslashes of a setting are one value', () => {
  expect(startupOptions({ search_path: 'a b\\c' })).toBe('-c search_path=a\\ b\\\\c');
});
