import { folderCircles } from './folder-circles.js';
import { ALONGSIDE, LAYERS, PURE, RESOLVED_BY_NAME, RESTRICTED } from './layer-table.js';
import { packageOf } from './source-imports.js';
import type { Member } from './workspace.js';

const SCOPE = '@turnout/';

function layerOf(name: string): number {
  return LAYERS.findIndex((layer) => layer.includes(name));
}

/** May `user` use `used`? Down the layers only; services and siblings never know each other. */
function mayUse(user: string, used: string): boolean {
  return layerOf(used) < layerOf(user) || (ALONGSIDE[user] ?? []).includes(used);
}

/** Every breach as one line that names the file and what to do. Empty when all is well. */
export function findBreaches(members: readonly Member[], built: readonly string[]): string[] {
  return members.flatMap((member) => [
    ...placement(member, built),
    ...declared(member),
    ...used(member),
    ...folderCircles(member).map(
      (folders) => `circle of folders, each of which uses the next: ${folders.join(' ')}`,
    ),
    ...unusedDependencies(member).map(
      (each) => `${member.folder}/package.json: names ${each}, which no source or test uses`,
    ),
  ]);
}

/** What package.json names and nobody imports, tests included. */
function unusedDependencies({ name, dependencies, sources, tests }: Member): string[] {
  const imported = new Set([...sources, ...tests].flatMap(({ imports }) => imports.map(packageOf)));
  return dependencies.filter((each) => !imported.has(each) && !RESOLVED_BY_NAME[name]?.test(each));
}

function placement({ name, folder, exports }: Member, built: readonly string[]): string[] {
  const lines: string[] = [];
  if (exports.some((each) => each.includes('*')))
    lines.push(`${folder}/package.json: exports a pattern; name each surface`);
  if (layerOf(name) < 0) lines.push(`${folder}: stands in no layer; add it to layer-table.ts`);
  if (!built.includes(name)) lines.push(`${folder}: is not built; refer to it in tsconfig.json`);
  return lines;
}

/** What package.json and tsconfig.json say: allowed, and the same in both. */
function declared({ name, folder, dependencies, references }: Member): string[] {
  const internal = dependencies
    .filter((each) => each.startsWith(SCOPE))
    .map((each) => each.slice(SCOPE.length));
  const lines: string[] = [];
  for (const other of new Set([...internal, ...references])) {
    if (!mayUse(name, other))
      lines.push(`${folder}: may not depend on ${other}, which is not below it`);
    if (!internal.includes(other))
      lines.push(`${folder}/package.json: lacks ${SCOPE}${other}, which tsconfig.json refers to`);
    if (!references.includes(other))
      lines.push(
        `${folder}/tsconfig.json: lacks a reference to ${other}, which package.json names`,
      );
  }
  for (const { library, homes } of RESTRICTED) {
    const found = dependencies.find((each) => library.test(each));
    if (found !== undefined && !homes.includes(name)) {
      lines.push(`${folder}/package.json: ${found} belongs to ${homes.join(', ')}`);
    }
  }
  return lines;
}

/** What the sources really import. */
function used(member: Member): string[] {
  const lines: string[] = [];
  for (const { path, imports } of member.sources) {
    for (const module of imports) {
      const problem = importProblem(member, module);
      if (problem !== null) lines.push(`${path}: imports ${module}, ${problem}`);
    }
  }
  return lines;
}

function importProblem({ name, dependencies }: Member, module: string): string | null {
  if (module.startsWith('.')) return module.endsWith('.js') ? null : 'which lacks its .js';
  const used = packageOf(module);
  if (used.startsWith('node:')) return PURE.includes(name) ? `but ${name} runs anywhere` : null;
  const home = RESTRICTED.find(({ library }) => library.test(used));
  if (home !== undefined && !home.homes.includes(name))
    return `which belongs to ${home.homes.join(', ')}`;
  if (used.startsWith(SCOPE)) {
    const other = used.slice(SCOPE.length);
    if (other === name) return 'itself; use a relative path';
    if (module === used) return 'a whole package; name the file';
    if (!mayUse(name, other)) return 'which is not below it';
  }
  return dependencies.includes(used) ? null : 'which its package.json does not name';
}
