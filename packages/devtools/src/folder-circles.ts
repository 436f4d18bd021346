import { posix } from 'node:path';
import type { Member, SourceFile } from './workspace.js';

/** Who uses whom among the entries of one folder: its files and its folders, by their paths. */
type Uses = Map<string, Set<string>>;

/**
 * Circles between folders that lie side by side: `api` uses `sides`, which uses `api`; or longer,
 * also by way of a file beside them. Each is answered as the folders that take part, in order.
 * A folder and its own subfolder are one room and may use each other.
 */
export function folderCircles({ sources }: Pick<Member, 'sources'>): string[][] {
  return [...usesByFolder(sources).values()]
    .flatMap(circles)
    .map((entries) => entries.filter((entry) => !entry.endsWith('.ts')))
    .filter((folders) => folders.length > 1);
}

/** An import belongs to the innermost folder that holds both files. */
function usesByFolder(sources: readonly SourceFile[]): Map<string, Uses> {
  const byFolder = new Map<string, Uses>();
  for (const { path, imports } of sources) {
    for (const module of imports) {
      if (!module.startsWith('.')) continue;
      const used = posix.join(posix.dirname(path), module.replace(/\.js$/, '.ts'));
      const [folder, from, to] = split(path, used);
      if (from === to) continue;
      const uses = byFolder.get(folder) ?? new Map<string, Set<string>>();
      byFolder.set(folder, uses);
      uses.set(from, (uses.get(from) ?? new Set()).add(to));
      if (!uses.has(to)) uses.set(to, new Set());
    }
  }
  return byFolder;
}

/** The common folder of two files, and the entry of it through which each is reached. */
function split(one: string, other: string): [folder: string, one: string, other: string] {
  const [a, b] = [one.split('/'), other.split('/')];
  const at = a.findIndex((part, index) => part !== b[index]);
  const depth = at < 0 ? a.length : at + 1;
  return [
    a.slice(0, depth - 1).join('/'),
    a.slice(0, depth).join('/'),
    b.slice(0, depth).join('/'),
  ];
}

/** Entries that reach each other, each group sorted. */
function circles(uses: Uses): string[][] {
  const groups: string[][] = [];
  const placed = new Set<string>();
  const reach = new Map([...uses.keys()].map((entry) => [entry, reachable(entry, uses)]));
  for (const entry of [...uses.keys()].toSorted()) {
    if (placed.has(entry)) continue;
    const group = [...uses.keys()].filter(
      (other) => reach.get(entry)?.has(other) && reach.get(other)?.has(entry),
    );
    for (const each of group) placed.add(each);
    if (group.length > 1) groups.push(group.toSorted());
  }
  return groups;
}

function reachable(from: string, uses: Uses): Set<string> {
  const found = new Set<string>();
  const pending = [from];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const used of uses.get(next) ?? []) {
      if (!found.has(used)) pending.push(used);
      found.add(used);
    }
  }
  return found;
}
