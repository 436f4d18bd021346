import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { importsOf } from './source-imports.js';

export interface SourceFile {
  /** Path below the root. */
  readonly path: string;
  readonly imports: readonly string[];
}

/** One member of the workspace as its files declare it and as its sources use it. */
export interface Member {
  readonly name: string;
  readonly folder: string;
  readonly dependencies: readonly string[];
  /** What others may import, as package.json names it. */
  readonly exports: readonly string[];
  /** Names of the members that tsconfig.json refers to. */
  readonly references: readonly string[];
  readonly sources: readonly SourceFile[];
  /** Tests and what only they use: not shipped, free to use what they like. */
  readonly tests: readonly SourceFile[];
}

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly exports?: Record<string, unknown>;
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

const IS_TEST = /\.test\.ts$|(^|\/)testing\//;

/** TypeScript files below `folder`, with what they import. */
function readSources(root: string, folder: string): SourceFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/(^|\/)(dist|node_modules)\//.test(file))
    .toSorted()
    .map((file) => {
      const path = join(folder, file);
      return { path: relative(root, path), imports: importsOf(readFileSync(path, 'utf8')) };
    });
}

function readMember(root: string, folder: string): Member {
  const manifest = readJson(join(folder, 'package.json')) as Manifest;
  const config = readJson(join(folder, 'tsconfig.json')) as { references?: { path: string }[] };
  const sources = readSources(root, join(folder, 'src'));
  return {
    name: basename(folder),
    folder: relative(root, folder),
    exports: Object.keys(manifest.exports ?? {}),
    dependencies: Object.keys({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.peerDependencies,
    }),
    references: (config.references ?? []).map(({ path }) => basename(resolve(folder, path))),
    sources: sources.filter(({ path }) => !IS_TEST.test(path)),
    tests: [
      ...sources.filter(({ path }) => IS_TEST.test(path)),
      ...readSources(root, join(folder, 'test')),
    ],
  };
}

export function readWorkspace(root: string): Member[] {
  return ['packages', 'services'].flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter(
        (entry) => entry.isDirectory() && existsSync(join(root, group, entry.name, 'package.json')),
      )
      .map((entry) => readMember(root, join(root, group, entry.name)))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  );
}

/** Folders named by the tsconfig.json of the root; what is not there is never built. */
export function rootReferences(root: string): string[] {
  const config = readJson(join(root, 'tsconfig.json')) as { references: { path: string }[] };
  return config.references.map(({ path }) => (dirname(path) === '.' ? path : basename(path)));
}
