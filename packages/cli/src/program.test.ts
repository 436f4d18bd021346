import { expect, test } from 'vitest';
import { runCommandLine } from './program.js';
import type { Terminal } from './terminal.js';
import type { Verb } from './verb.js';
import { explain } from './verbs/explain.js';
import { linkRetry } from './verbs/link-retry.js';
import { plan } from './verbs/plan.js';
import { status } from './verbs/status.js';
import { switchover, switchoverShow } from './verbs/switchover.js';

const VERBS: readonly Verb[] = [status, plan, switchover, switchoverShow, explain];

async function run(
  line: string,
  verbs = VERBS,
): Promise<{ exit: number; out: string; said: string }> {
  const out: string[] = [];
  const said: string[] = [];
  const terminal: Terminal = {
    env: { TURNOUT_CONFIG: '/nonexistent/turnout.yaml' },
    isTTY: false,
    stderrIsTTY: false,
    columns: 80,
    colour: false,
    signal: new AbortController().signal,
    out: (text) => void out.push(text),
    say: (text) => void said.push(text),
    draw: (text) => void said.push(text),
  };
  const exit = await runCommandLine(line.split(' '), terminal, verbs);
  return { exit, out: out.join('\n'), said: said.join('\n') };
}

test('an unknown verb is refused with a suggestion, and nothing goes to stdout', async () => {
  const { exit, out, said } = await run('statsu shop');
  expect(exit).toBe(2);
  expect(out).toBe('');
  expect(said).toContain('TRN1008');
  expect(said).toContain('Did you mean status?');
});

test('a wrong pair name, side or output form is refused before anything is asked', async () => {
  expect((await run('status Shop!')).said).toContain('TRN1007');
  expect((await run('plan shop --to purple')).said).toContain('expected: green or blue');
  expect((await run('switchover shop')).exit).toBe(2);
  expect((await run('status shop --output xml')).exit).toBe(2);
  expect((await run('switchover shop --to green --confirm other')).said).toContain('--confirm');
});

test('an API that cannot be reached exits with 8 and says what to do', async () => {
  const { exit, said } = await run('--api http://127.0.0.1:1 status shop');
  expect(exit).toBe(8);
  expect(said).toContain('TRN7007');
  expect(said).toContain('To do:');
});

test('an option of every verb may stand before or behind it, and between its words', async () => {
  for (const line of [
    '--api http://127.0.0.1:1 switchover show shop',
    'switchover --api http://127.0.0.1:1 show shop',
    'switchover show shop --api http://127.0.0.1:1',
    'link --api http://127.0.0.1:1 retry shop',
  ]) {
    expect((await run(line, [...VERBS, linkRetry])).said).toContain('http://127.0.0.1:1');
  }
});

test('help and version are data, with exit code 0', async () => {
  const help = await run('--help');
  expect(help.exit).toBe(0);
  expect(help.out).toContain('switchover');
  expect((await run('--version')).out).toBe('0.1.0');
});

test('a group verb and a verb that carries a group are told apart', async () => {
  const heard: string[] = [];
  const verb = (name: string): Verb => ({
    name,
    operands: '<pair>',
    summary: '',
    run: (_, [pair]) => Promise.resolve(heard.push(`${name} ${pair}`)),
  });
  await run('move shop', [verb('move'), verb('move show')]);
  await run('move show shop', [verb('move'), verb('move show')]);
  expect(heard).toEqual(['move shop', 'move show shop']);
});

test('an error code explains itself', async () => {
  const { exit, out } = await run('explain trn5002 --output json');
  expect(exit).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ code: 'TRN5002', exit: 3 });
});
