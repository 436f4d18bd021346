import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ERRORS } from '@turnout/contracts/errors';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const docs = join(root, 'deploy/docs');
const PAGES = [
  join(root, 'README.md'),
  join(root, 'CHANGELOG.md'),
  ...readdirSync(docs).map((name) => join(docs, name)),
];

/** Sources as they lie in the repository, built ones left out. */
const SOURCES = ['packages', 'services', 'sql', 'deploy', 'test'].flatMap((folder) =>
  filesIn(folder),
);

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.name === 'node_modules' || entry.name === 'dist') return [];
    return entry.isDirectory() ? [`${path}/`, ...filesIn(path)] : [path];
  });
}

/** A path as pages name it: a file, a folder with or without its slash, or one with a `*`. */
function exists(path: string): boolean {
  const parts = path.replace(/\/$/, '').split('*');
  const pattern = new RegExp(
    `^${parts.map((each) => each.replace(/[.\\]/g, '\\$&')).join('[^/]*')}/?$`,
  );
  return SOURCES.some((source) => pattern.test(source));
}

const LINK = /\]\(([^)\s]+)\)/g;
const PATH = /`((?:packages|services|sql|deploy|test)\/[^`\s]+)`/g;
const CITED = /\b(PROTOCOL|LINKS) (\d+)(?:\.(\d+))?/g;

/** The anchor of a heading as the forges make it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

function anchorsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
  const named = [...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id]) => id!);
  return [...headings, ...named];
}

function brokenLinks(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(LINK)].flatMap(([, link]) => {
    if (/^(https?|mailto):/.test(link!)) return [];
    const [path, anchor] = link!.split('#');
    const file = path === '' ? page : join(dirname(page), path!);
    if (!existsSync(file)) return [link!];
    return anchor === undefined || anchorsOf(file).includes(anchor) ? [] : [link!];
  });
}

test.each(PAGES.map((page) => [relative(root, page), page]))(
  '%s leads nowhere wrong',
  (_, page) => {
    expect(brokenLinks(page)).toEqual([]);
    const text = readFileSync(page, 'utf8');
    const paths = [...text.matchAll(PATH)].map(([, path]) => path!);
    expect(paths.filter((path) => !exists(path))).toEqual([]);
    const codes: string[] = Object.values(ERRORS).map(({ code }) => code);
    const named = [...text.matchAll(/TRN\d{4}/g)].map(([code]) => code);
    expect(named.filter((code) => !codes.includes(code))).toEqual([]);
  },
);

test('a rule that the code cites is there', () => {
  const rules = { PROTOCOL: rulesOf('protocol.md'), LINKS: rulesOf('links.md') };
  const code = SOURCES.filter((path) => /^(packages|services|sql)\/.*\.(ts|sql)$/.test(path));
  const cited = code.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(CITED)].map(([text, page, part, rule]) => ({
      text: `${file}: ${text}`,
      there: rules[page as keyof typeof rules].has(rule === undefined ? part! : `${part}.${rule}`),
    })),
  );
  expect(cited.length).toBeGreaterThan(0);
  expect(cited.filter(({ there }) => !there).map(({ text }) => text)).toEqual([]);
});

/** Numbers of the parts of a page, `8`, and of the rules in each, `8.6`. */
function rulesOf(page: string): Set<string> {
  const rules = new Set<string>();
  let part = '';
  for (const line of readFileSync(join(docs, page), 'utf8').split('\n')) {
    part = /^## (\d+)\. /.exec(line)?.[1] ?? part;
    if (part !== '') rules.add(part);
    const rule = /^(\d+)\. /.exec(line)?.[1];
    if (rule !== undefined) rules.add(`${part}.${rule}`);
  }
  return rules;
}
