import { loadModule, parseSync } from 'libpg-query';
import { beforeAll, describe, expect, test } from 'vitest';
import * as checks from './checks.js';
import * as differences from './differences.js';
import * as idempotency from './idempotency.js';
import * as journal from './journal.js';
import * as lag from './lag.js';
import * as leases from './leases.js';
import * as links from './links.js';
import * as migrations from './migrations.js';
import * as notes from './notes.js';
import * as pairs from './pairs.js';
import * as ping from './ping.js';
import * as relay from './relay.js';
import * as requests from './requests.js';
import type { NamedStatement as Statement } from '@turnout/postgres/sql/statement';
import * as switchovers from './switchovers.js';
import * as tracking from './tracking.js';

const modules = {
  checks,
  differences,
  idempotency,
  journal,
  lag,
  leases,
  links,
  migrations,
  notes,
  pairs,
  ping,
  relay,
  requests,
  switchovers,
  tracking,
};

/** Builders only place their arguments; any object serves as any of them. */
const builders = Object.values(modules).flatMap((module) =>
  Object.entries(module).flatMap(([name, build]) =>
    typeof build === 'function'
      ? [[name, (build as (...args: unknown[]) => Statement)({}, {}, {}, {}, {}, {})] as const]
      : [],
  ),
);

beforeAll(() => loadModule());

describe('statements of the control store', () => {
  test.each(builders)(
    '%s parses and uses exactly the values it carries',
    (_name, { text, values }) => {
      expect(() => parseSync(text)).not.toThrow();
      const used = new Set([...text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
      expect([...used].toSorted((a, b) => a - b)).toEqual(values.map((_, index) => index + 1));
    },
  );

  test('every name is its own: a prepared statement is found by it', () => {
    const names = builders.map(([, { name }]) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
