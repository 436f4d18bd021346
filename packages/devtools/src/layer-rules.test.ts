import { expect, test } from 'vitest';
import { findBreaches } from './layer-rules.js';
import { importsOf } from './source-imports.js';
import type { Member } from './workspace.js';

function member(name: string, uses: readonly string[], imports: readonly string[]): Member {
  return {
    name,
    folder: `packages/${name}`,
    dependencies: uses,
    exports: ['./a'],
    references: uses.filter((each) => each.startsWith('@turnout/')).map((each) => each.slice(9)),
    sources: [{ path: `packages/${name}/src/a.ts`, imports }],
    tests: [],
  };
}

const breaches = (each: Member): string[] => findBreaches([each], [each.name]);

test('importing downward by file is allowed', () => {
  expect(
    breaches(
      member('store', ['@turnout/postgres'], ['@turnout/postgres/pool', 'node:fs', './b.js']),
    ),
  ).toEqual([]);
});

test.each([
  ['upward', member('core', ['@turnout/store'], ['@turnout/store/store']), 'not below it'],
  [
    'a service another service',
    member('checker', ['@turnout/replicator'], ['@turnout/replicator/service']),
    'not below it',
  ],
  ['a library that has a home', member('store', ['pg'], ['pg']), 'belongs to postgres'],
  ['what package.json does not name', member('store', [], ['yaml']), 'does not name'],
  ['a barrel', member('store', ['@turnout/core'], ['@turnout/core']), 'name the file'],
  ['Node in a pure package', member('core', [], ['node:fs']), 'runs anywhere'],
])('%s is a breach', (_, each, words) => {
  expect(breaches(each).join('\n')).toContain(words);
});

test('a surface that is a pattern is a breach', () => {
  const open = { ...member('store', [], []), exports: ['./*'] };
  expect(breaches(open)).toEqual([
    'packages/store/package.json: exports a pattern; name each surface',
  ]);
});

test('package.json and tsconfig.json that differ are a breach', () => {
  const drifted = {
    ...member('store', ['@turnout/core'], ['@turnout/core/lsn']),
    references: [],
  };
  expect(breaches(drifted)).toEqual([
    'packages/store/tsconfig.json: lacks a reference to core, which package.json names',
  ]);
});

test('every form of import is seen, and comments are not', () => {
  const text = [
    `import a from 'one';`,
    `import type {\n  B,\n} from "two";`,
    `export { c } from 'three';`,
    `import 'four';`,
    `const d = await import('five');`,
    `// import e from 'six';`,
    `/* import f from 'seven'; */`,
  ].join('\n');
  expect(importsOf(text).toSorted()).toEqual(['five', 'four', 'one', 'three', 'two']);
});

function sources(uses: Readonly<Record<string, readonly string[]>>): Member {
  const files = Object.entries(uses).map(([path, imports]) => ({
    path: `packages/store/src/${path}`,
    imports,
  }));
  return { ...member('store', [], []), sources: files };
}

test.each([
  [
    'two folders',
    { 'a/one.ts': ['../b/two.js'], 'b/two.ts': ['./other.js'], 'b/other.ts': ['../a/one.js'] },
    'a b',
  ],
  [
    'three folders',
    { 'a/x.ts': ['../b/x.js'], 'b/x.ts': ['../c/x.js'], 'c/x.ts': ['../a/y.js'] },
    'a b c',
  ],
  [
    'folders that meet in a file beside them',
    { 'a/x.ts': ['../b/x.js'], 'b/x.ts': ['../hub.js'], 'hub.ts': ['./a/x.js'] },
    'a b',
  ],
  [
    'folders within a folder',
    { 'a/in/x.ts': ['../out/x.js'], 'a/out/x.ts': ['../in/y.js'] },
    'a/in a/out',
  ],
])('a circle of %s is a breach', (_, uses, folders) => {
  const names = folders.split(' ').map((each) => `packages/store/src/${each}`);
  expect(breaches(sources(uses))).toEqual([
    `circle of folders, each of which uses the next: ${names.join(' ')}`,
  ]);
});

test('using downward, a room of its own, and a circle of files in one folder are none', () => {
  const uses = {
    'a/x.ts': ['../b/x.js', './in/x.js', './y.js'],
    'a/in/x.ts': ['../y.js'],
    'a/y.ts': ['./x.js'],
    'service.ts': ['./a/x.js', './context.js'],
    'b/x.ts': ['../context.js'],
  };
  expect(breaches(sources(uses))).toEqual([]);
});

test('a dependency that nobody imports is a breach, one that only a test imports is none', () => {
  const idle = member('store', ['@turnout/core', 'yaml'], ['@turnout/core/lsn']);
  expect(breaches(idle)).toEqual([
    'packages/store/package.json: names yaml, which no source or test uses',
  ]);
  const tests = [{ path: 'packages/store/src/a.test.ts', imports: ['yaml'] }];
  expect(breaches({ ...idle, tests })).toEqual([]);
});
