import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fail } from '@turnout/contracts/errors';
import { parse } from 'yaml';
import { childNode, CONFIG_NODE, isTree, type SchemaNode, type Tree } from './schema-node.js';

const REFERENCE = /\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g;

type Env = Readonly<Record<string, string | undefined>>;

/** Replaces `${env:NAME}` in every text. @throws TRN1004 */
function expand(value: unknown, env: Env, key: string): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (_, name: string) => {
      const found = env[name];
      if (found === undefined) throw fail('config_variable_unset', { variable: name, key });
      return found;
    });
  }
  if (Array.isArray(value)) return value.map((each) => expand(each, env, key));
  if (!isTree(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, each]) => [name, expand(each, env, key === '' ? name : `${key}.${name}`)]),
  );
}

/** Paths in a file are relative to that file, wherever the process was started. */
function anchorPaths(value: unknown, node: SchemaNode | undefined, folder: string): unknown {
  if (typeof value === 'string') {
    return node?.['x-kind'] === 'path' ? resolve(folder, value) : value;
  }
  if (Array.isArray(value)) return value.map((each) => anchorPaths(each, node?.items, folder));
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      anchorPaths(each, node && childNode(node, key), folder),
    ]),
  );
}

function readTree(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (thrown) {
    throw fail('config_unreadable', { file, reason: reasonOf(thrown) }, thrown);
  }
}

/** Only the kind of failure: the text of a YAML error quotes the line, which may hold a secret. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error && 'linePos' in thrown) {
    const [start] = (thrown.linePos ?? []) as { line: number }[];
    return `not valid YAML at line ${start?.line ?? 'unknown'}`;
  }
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unreadable';
}

/** What the file says. @throws TRN1001, TRN1004 */
export function readConfigFile(file: string, env: Env): Tree {
  const tree = readTree(file);
  if (tree !== null && !isTree(tree))
    throw fail('config_unreadable', { file, reason: 'not a mapping' });
  const expanded = expand(tree ?? {}, env, '');
  return anchorPaths(expanded, CONFIG_NODE, dirname(resolve(file))) as Tree;
}
