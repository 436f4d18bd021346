import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configFileSchema } from './config-schema.js';
import { explainConfig } from './explain-config.js';
import { loadConfig } from './load-config.js';
import { resolveConfig } from './resolve-config.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnout-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const PAIRS = `
pairs:
  shop:
    blue:  { url: postgres://turnout@blue:5432/shop, password_file: ./blue.secret }
    green: { url: "postgres://turnout:hunter2@green:5432/shop" }
`;

function file(text: string): string {
  const path = join(folder, 'turnout.yaml');
  writeFileSync(path, text);
  writeFileSync(join(folder, 'blue.secret'), 'swordfish\n');
  return path;
}

const minimal = (extra = ''): string =>
  file(`control: { url: "\${env:CONTROL}" }\n${PAIRS}${extra}`);
const env = { CONTROL: 'postgres://c:secret@localhost/control' };

describe('loading', () => {
  test('flags win over environment, environment over the file, the file over defaults', () => {
    const path = minimal('    window: { max: 4s, attempts_max: 3, lock_timeout: 100ms }\n');
    const { config, origins } = loadConfig({
      file: path,
      env: {
        ...env,
        TURNOUT_PAIRS__SHOP__WINDOW__MAX: '3s',
        TURNOUT_PAIRS__SHOP__WINDOW__ATTEMPTS_MAX: '7',
        TURNOUT_TOKEN: 'x',
      },
      flags: { 'pairs.shop.window.max': '2s' },
    });
    expect(config.pairs['shop']?.window).toEqual({
      max: '2s',
      attempts_max: 7,
      standby_wait: '1s',
      lock_timeout: '100ms',
    });
    expect(origins.get('pairs.shop.window.max')).toBe('flag');
    expect(origins.get('pairs.shop.window.attempts_max')).toBe(
      'env TURNOUT_PAIRS__SHOP__WINDOW__ATTEMPTS_MAX',
    );
    expect(origins.get('pairs.shop.window.lock_timeout')).toBe(`file ${path}`);
    expect(origins.get('pairs.shop.soak.min')).toBe('default');
  });

  test.each([
    ['    windw: { max: 1s }\n', 'TRN1002', 'pairs.shop.window'],
    ['    window: { maks: 1s }\n', 'TRN1002', 'pairs.shop.window.max'],
    ['    routes: [{ haproxi: {} }]\n', 'TRN1002', 'pairs.shop.routes.0.haproxy'],
    ['zzzzzzzz: 1\n', 'TRN1002', null],
  ])('an unknown key %j is refused and what was meant is suggested', (text, code, meant) => {
    const path = minimal(text);
    expect(() => loadConfig({ file: path, env })).toThrow(
      expect.objectContaining({ code, facts: expect.objectContaining({ did_you_mean: meant }) }),
    );
  });

  test.each([
    ['    window: { max: soon }\n', 'TRN1003'],
    ['    copy: { workers: 0 }\n', 'TRN1003'],
    ['    routes: [{}]\n', 'TRN1003'],
    ['  Bad-Name: {}\n', 'TRN1007'],
    ['  - [\n', 'TRN1001'],
  ])('a value such as %j is refused', (text, code) => {
    const path = minimal(text);
    expect(() => loadConfig({ file: path, env })).toThrow(expect.objectContaining({ code }));
  });

  test('a missing variable, file or value is named and no secret is', () => {
    expect(() => loadConfig({ file: minimal(), env: {} })).toThrow(
      expect.objectContaining({
        code: 'TRN1004',
        facts: { variable: 'CONTROL', key: 'control.url' },
      }),
    );
    expect(() => loadConfig({ file: join(folder, 'none.yaml'), env })).toThrow(/TRN1001/);
    expect(() => loadConfig({ env: {} })).toThrow(/TRN1003.*key=control/);
  });
});

describe('resolving', () => {
  test('units are read, secrets are held apart from what is printed', () => {
    const loaded = loadConfig({ file: minimal(), env });
    const resolved = resolveConfig(loaded.config);
    const shop = resolved.pairs['shop']!;
    expect(shop.window).toEqual({
      maxMs: 5_000,
      lockTimeoutMs: 500,
      attemptsMax: 5,
      standbyWaitMs: 1_000,
    });
    expect(shop.apply.groupBytesMax).toBe(8 * 1024 * 1024);
    expect(shop.blue.password?.reveal()).toBe('swordfish');
    expect(shop.green.password?.reveal()).toBe('hunter2');
    expect(resolved.api).toEqual({ host: '127.0.0.1', port: 7400, tokensFile: null });
    expect(resolved.metrics).toBeNull();
    expect(JSON.stringify(resolved)).not.toMatch(/swordfish|hunter2|secret@/);
    expect(JSON.stringify(explainConfig(loaded))).not.toMatch(/swordfish|hunter2|secret@/);
  });

  test('blue and green on the same database are refused, however it is written', () => {
    const path = file(
      `control: { url: "postgres://localhost/c" }
pairs: { shop: { blue: { url: "postgres://a@localhost/x" }, green: { url: "postgres://b@127.0.0.1:5432/x" } } }`,
    );
    const { config } = loadConfig({ file: path, env: {} });
    expect(() => resolveConfig(config)).toThrow(expect.objectContaining({ code: 'TRN1006' }));
  });

  test('an unreadable password file is TRN1005', () => {
    const { config } = loadConfig({ file: minimal(), env });
    rmSync(join(folder, 'blue.secret'));
    expect(() => resolveConfig(config)).toThrow(expect.objectContaining({ code: 'TRN1005' }));
  });
});

test('the schema of the file asks only for what has no default', () => {
  const schema = configFileSchema() as { required: string[]; properties: Record<string, unknown> };
  expect(schema.required).toEqual(['control']);
  expect(JSON.stringify(schema)).toContain('"required":["blue","green"]');
});
