import { expect, test } from 'vitest';
import { findBreaches } from './layer-rules.js';
import { importsOf } from './source-imports.js';
import type { Member } from './workspace.js';

function member(name: string, uses: readonly string[], imports: readonly string[]): Member {
  return {
    name,
    folder: `packages/${name}`,
    dependencies: uses,
    references: uses.filter((each) => each.startsWith('@turnout/')).map((each) => each.slice(9)),
    sources: [{ path: `packages/${name}/src/a.ts`, imports }],
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

test('package.json and tsconfig.json that differ are a breach', () => {
  const drifted = { ...member('store', ['@turnout/core'], []), references: [] };
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
