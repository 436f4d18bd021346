import { readFileSync } from 'node:fs';
import { ERRORS } from '@turnout/contracts/errors';
import { expect, test } from 'vitest';
import { runCommandLine } from './program.js';
import { runbookPage } from './runbook.js';
import type { Terminal } from './terminal.js';
import { VERBS } from './verbs.js';

const read = (name: string): string =>
  readFileSync(new URL(`../../../deploy/docs/${name}`, import.meta.url), 'utf8');
const RUNBOOK = read('runbook.md');
const CODES = Object.values(ERRORS).map(({ code }) => code);
const anchors = [...RUNBOOK.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id]) => id);

/** Commands of a page: lines of shell blocks, and what stands in backticks as a whole command. */
function commandsOf(page: string): string[] {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, text = '']) =>
    text.split('\n'),
  );
  const inline = [...page.matchAll(/`(turnout [^`]*)`/g)].map(([, text = '']) => text);
  return [...blocks, ...inline].filter((line) => line.startsWith('turnout '));
}

/** Words as a shell cuts them; double quotes are all that these pages use. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '').slice(1);

const starts = (text: string, name: string): boolean =>
  text === name || text.startsWith(`${name} `);

/** The longest name that `text` begins with: `switchover cancel`, not `switchover`. */
const verbOf = (text: string): string | undefined =>
  VERBS.map(({ name }) => name)
    .filter((name) => starts(text, name))
    .toSorted((a, b) => b.length - a.length)[0];

test.each([...new Set([...commandsOf(RUNBOOK), ...commandsOf(read('operations.md'))])])(
  '%s is a command as the CLI knows it',
  async (line) => {
    const ran: string[] = [];
    const said: string[] = [];
    const verbs = VERBS.map((verb) => ({
      ...verb,
      run: () => Promise.resolve(ran.push(verb.name) && 0),
    }));
    const terminal: Terminal = {
      env: {},
      isTTY: false,
      stderrIsTTY: false,
      columns: 80,
      colour: false,
      signal: new AbortController().signal,
      out: () => undefined,
      say: (text) => void said.push(text),
      draw: () => undefined,
    };
    const exit = await runCommandLine(wordsOf(line), terminal, verbs);
    expect({ exit, said }).toEqual({ exit: 0, said: [] });
    expect(ran).toEqual([verbOf(wordsOf(line).join(' '))]);
  },
);

test('every link within the runbook leads somewhere, and each page says how it ends', () => {
  const links = [...RUNBOOK.matchAll(/\]\(#([^)]+)\)/g)].map(([, id]) => id);
  expect(links.filter((id) => !anchors.includes(id))).toEqual([]);
  const pages = RUNBOOK.split(/^## /m).slice(1);
  for (const page of pages) {
    for (const part of ['**You see**', '**It means.**', '**Do', '**Over when**']) {
      expect([page.split('\n')[0], page.includes(part)]).toEqual([page.split('\n')[0], true]);
    }
  }
});

test('a code has a page exactly if the CLI leads to one, and is quoted with its true title', () => {
  for (const code of CODES) {
    expect([code, anchors.includes(code.toLowerCase())]).toEqual([
      code,
      runbookPage(code) !== null,
    ]);
  }
  for (const [, code = '', title = ''] of RUNBOOK.matchAll(/`(TRN\d{4}) ([A-Z][^`…]*)`/g)) {
    const entry = Object.values(ERRORS).find((each) => each.code === code);
    expect([code, title]).toEqual([code, entry?.title]);
  }
});

test('whatever ends with exit code 9 has a page', () => {
  const needed = Object.values(ERRORS).filter(({ exit }) => exit === 9);
  expect(needed.filter(({ code }) => runbookPage(code) === null)).toEqual([]);
});

test('whatever a remedy of the catalogue tells people to type is a verb', () => {
  const named = Object.values(ERRORS).flatMap(({ code, remedy }) =>
    [...remedy.matchAll(/`turnout ([^`]*)`/g)].map(([, text = '']) => ({ code, text })),
  );
  const unknown = named.filter(({ text }) => verbOf(text) === undefined && text !== 'help');
  expect(unknown).toEqual([]);
});
