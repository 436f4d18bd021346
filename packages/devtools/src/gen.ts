import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { embedSql } from './embed-sql.js';
import { withSections } from './generated-sections.js';
import { machinePage } from './machine-page.js';
import { openapi } from './openapi.js';
import { configSchema, errorsPage, metricsPage } from './reference-pages.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Written by hand, with parts between marks that are made. */
const PAGES = ['architecture', 'configuration', 'operations', 'protocol'];

/** Every committed file that is made by a program: path and maker. `--check` fails on drift. */
const GENERATED: Readonly<Record<string, (root: string) => string | Promise<string>>> = {
  'packages/postgres/src/generated/sql.ts': embedSql,
  'deploy/schema/openapi.json': openapi,
  'deploy/docs/machine.md': machinePage,
  'deploy/docs/errors.md': errorsPage,
  'deploy/docs/metrics.md': metricsPage,
  'deploy/schema/turnout.schema.json': configSchema,
  ...Object.fromEntries(
    PAGES.map((page) => {
      const path = `deploy/docs/${page}.md`;
      return [path, (from: string) => withSections(from, path)];
    }),
  ),
};

const checkOnly = process.argv.includes('--check');
const drifted: string[] = [];
for (const [path, make] of Object.entries(GENERATED)) {
  const file = join(root, path);
  const text = await make(root);
  const current = existsSync(file) ? readFileSync(file, 'utf8') : null;
  if (current === text) continue;
  drifted.push(path);
  if (checkOnly) continue;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
if (drifted.length > 0) {
  process.stderr.write(`${checkOnly ? 'out of date' : 'written'}: ${drifted.join(', ')}\n`);
  if (checkOnly) {
    process.stderr.write('run `npm run gen` and commit the result\n');
    process.exitCode = 1;
  }
}
