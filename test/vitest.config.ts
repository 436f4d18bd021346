import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Tests run against sources: one module instance per file, no stale build in between. */
const alias = [
  {
    find: /^@turnout\/(replicator|lag-monitor|checker|coordinator)\/(.+)$/,
    replacement: `${root}services/$1/src/$2.ts`,
  },
  { find: /^@turnout\/([^/]+)\/(.+)$/, replacement: `${root}packages/$1/src/$2.ts` },
];

const sources = (suffix: string) => [
  `packages/*/src/**/*.${suffix}.ts`,
  `services/*/src/**/*.${suffix}.ts`,
];

/** A project for tests that need the component named by `suffix`; groups run one after another. */
const real = (suffix: string, maxWorkers: number, groupOrder: number) => ({
  extends: true as const,
  test: {
    name: suffix,
    include: sources(`${suffix}.test`),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers,
    sequence: { groupOrder },
  },
});

/** The suffix says what a test needs; each project may be run alone (`--project pg`). */
export default defineConfig({
  root,
  resolve: { alias },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: sources('test'),
          exclude: ['**/*.{pg,bus,pooler}.test.ts', '**/node_modules/**'],
        },
      },
      real('pg', 2, 1),
      real('pooler', 1, 2),
      real('bus', 1, 3),
      {
        extends: true,
        test: {
          name: 'e2e',
          // A shared machine halts for seconds, and these count in seconds. What fails twice is a fault;
          // what was repeated is printed.
          retry: 1,
          include: ['test/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
