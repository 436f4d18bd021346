import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { waitUntil } from '@turnout/core/waiting';
import type { Side } from '@turnout/core/sides';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serve, startTurnout, type Run, type ServedProgram } from './turnout.js';

/**
 * Whoever only does what is advised comes through: what stands first among the next steps is run word
 * by word by the program and not refused, and the remedy of an error ends it.
 */
let pair: TestPair;
let served: ServedProgram;

beforeAll(async () => {
  pair = await TestPair.create({
    tables: `create table public.item (id int primary key, name text);
      create table public.note (id int primary key, item int not null)`,
  });
  await ask('blue', `insert into public.item select n, 'cell ' || n from generate_series(1, 50) n`);
  served = pair.use('program', await serve(pair.configFile));
}, 60_000);

afterAll(() => pair?.[Symbol.asyncDispose](), 60_000);

async function ask<Row extends object>(side: Side, text: string): Promise<Row[]> {
  return withClient(pair.url(side), async (client) => (await client.query<Row>(text)).rows);
}

interface Step {
  readonly command: string;
  readonly why: string;
}

interface Answer {
  readonly next_steps: readonly Step[];
  readonly [field: string]: unknown;
}

interface Status extends Answer {
  readonly phase: string;
  readonly waiting: { for: string; remedy: string | null } | null;
  readonly links: readonly { direction: string; observed: string | null }[];
  readonly gates: readonly { id: string; open: boolean; observed: string | null }[];
}

async function json(...words: string[]): Promise<Run & { answer: Answer }> {
  const run = await served.run(...words, '--output', 'json');
  // The journal is one object a line.
  const text = words[0] === 'events' ? run.out.split('\n')[0] : run.out;
  return { ...run, answer: JSON.parse(text || '{}') as Answer };
}

async function status(): Promise<Status> {
  return (await json('status', pair.name)).answer as Status;
}

function untilStatus(done: (status: Status) => boolean): Promise<Status> {
  let last: Status | undefined;
  return waitUntil(
    async () => {
      last = await status();
      return done(last) ? last : undefined;
    },
    {
      timeoutMs: 60_000,
      intervalMs: 100,
      onTimeout: () => new Error(`it stays ${JSON.stringify(last)}`),
    },
  );
}

/** Runs what is advised, word by word; what only looks is ended when it has shown something. */
async function follow({ command }: Step): Promise<Answer> {
  const [program, ...words] = command.split(' ');
  expect(program).toBe('turnout');
  if (words.includes('--watch')) {
    const env = { TURNOUT_CONFIG: pair.configFile, TURNOUT_TOKEN: 'admin' };
    const watching = startTurnout(words, env);
    await watching.says(new RegExp(pair.name));
    watching.interrupt();
    expect((await watching.done).exit).toBe(130);
    return { next_steps: [] };
  }
  const { exit, said, answer } = await json(...words);
  expect(exit, `${command}: ${said}`).toBe(0);
  return answer;
}

async function followFirst(done: (status: Status) => boolean = () => true): Promise<string> {
  const { next_steps: steps } = await untilStatus(
    (each) => done(each) && each.next_steps.length > 0,
  );
  await follow(steps[0]!);
  return steps[0]!.command;
}

const gatesOpen = ({ gates }: Status): boolean =>
  gates.length > 0 && gates.every(({ open }) => open);

test('D21: from draft to ready every first step that is advised is taken', async () => {
  expect(await followFirst()).toBe(`turnout preflight ${pair.name}`);
  const { answer } = await json('preflight', pair.name);
  expect(answer.next_steps[0]!.command).toBe(`turnout start ${pair.name} --wait`);
  await follow(answer.next_steps[0]!);
  expect(await followFirst(({ phase }) => phase === 'verifying')).toBe(
    `turnout verify ${pair.name} --wait`,
  );
  await untilStatus(({ phase }) => phase === 'ready');
});

test('D21: a pair that has begun is not told to start, and not to plan towards the open side', async () => {
  const { answer } = await json('preflight', pair.name);
  for (const { command } of answer.next_steps) expect(command).not.toMatch(/ start /);
  const refused = await served.run('plan', pair.name, '--to', 'blue');
  expect([refused.exit, refused.said]).toEqual([5, expect.stringMatching(/^TRN5025 /)]);
});

test('D21: while it rests, to go on is what is advised', async () => {
  expect(await json('pause', pair.name)).toMatchObject({ exit: 0 });
  const { answer } = await json('plan', pair.name, '--to', 'green');
  expect(answer.next_steps[0]!.command).toBe(`turnout status ${pair.name}`);
  expect(await followFirst()).toBe(`turnout resume ${pair.name}`);
});

/** A row that green does not have, so that the next change of it cannot be applied. */
async function repairGreen(...statements: string[]): Promise<void> {
  await withClient(pair.url('green'), async (client) => {
    await client.query('begin read write');
    await client.query('select turnout.repair()');
    for (const statement of statements) await client.query(statement);
    await client.query('commit');
  });
}

/** The gates are of the last three seconds: the one of the link says so a moment later. */
const stoppedAtLink = ({ links, gates }: Status): boolean =>
  links[0]?.observed === 'failed' && gates.find(({ id }) => id === 'link')?.open === false;

test('D25: a link that stopped says at what and what to do, and that ends it', async () => {
  await untilStatus(gatesOpen);
  await repairGreen('delete from public.item where id = 7');
  await ask('blue', `update public.item set name = 'rewritten42' where id = 7`);
  const stopped = await untilStatus(stoppedAtLink);
  const words = JSON.stringify([
    stopped.waiting,
    stopped.links,
    stopped.gates.find(({ id }) => id === 'link'),
  ]);
  expect(stopped.waiting?.for).toMatch(/TRN3006 .*public\.item/);
  expect(stopped.waiting?.remedy).toMatch(/turnout\.repair\(\).*turnout link retry/);
  expect(stopped.gates.find(({ id }) => id === 'link')?.observed).toMatch(/TRN3006 .*public\.item/);
  expect(words).not.toMatch(/TRN3012|cell 7|rewritten42/);
  // The remedy, to its end.
  await repairGreen(`insert into public.item values (7, 'cell 7')`);
  expect(await followFirst()).toBe(`turnout link retry ${pair.name} --direction forward`);
  await untilStatus(({ links }) => links[0]?.observed === 'streaming');
  expect((await json('verify', pair.name, '--wait')).answer).toMatchObject({ outcome: 'equal' });
});

test('D25: a change that green refuses names constraint and SQLSTATE, and has a way out', async () => {
  await untilStatus(gatesOpen);
  await repairGreen('alter table public.note add constraint small check (item < 100)');
  await ask('blue', 'insert into public.note values (1, 777)');
  const stopped = await untilStatus(stoppedAtLink);
  expect(stopped.waiting?.for).toMatch(/TRN3007 .*public\.note.*23514.*constraint "?small/);
  expect(stopped.waiting?.for).not.toContain('777');
  await repairGreen('alter table public.note drop constraint small');
  expect(await followFirst()).toBe(`turnout link retry ${pair.name} --direction forward`);
  await untilStatus(({ links }) => links[0]?.observed === 'streaming');
});

test('D25: a gate that a session keeps closed names it', async () => {
  await untilStatus(gatesOpen);
  await withClient(pair.url('blue'), async (client) => {
    await client.query(`set application_name = 'nightly'`);
    await client.query('begin');
    await client.query(`update public.item set name = 'x' where id = 8`);
    const { gates } = await untilStatus(({ gates: now }) =>
      now.some(({ id, open }) => id === 'writers' && !open),
    );
    expect(gates.find(({ id }) => id === 'writers')?.observed).toMatch(/ s, pid \d+ \(nightly\)$/);
    const refused = await served.run('switchover', pair.name, '--to', 'green', '--wait');
    expect([refused.exit, refused.said]).toEqual([3, expect.stringMatching(/TRN5002[^]*nightly/)]);
    await client.query('rollback');
  });
});

test('D21: there and back and there again, by what is advised alone', async () => {
  expect(await followFirst(gatesOpen)).toBe(`turnout plan ${pair.name} --to green`);
  const { answer: plan } = await json('plan', pair.name, '--to', 'green');
  const switched = await follow(plan.next_steps[0]!);
  expect(switched).toMatchObject({ to: 'green', outcome: 'committed' });
  await follow(switched.next_steps[0]!);
  expect(await followFirst((now) => now.phase === 'on_green' && gatesOpen(now))).toBe(
    `turnout rollback ${pair.name} --wait`,
  );
  expect(await followFirst((now) => now.phase === 'ready' && gatesOpen(now))).toBe(
    `turnout plan ${pair.name} --to green`,
  );
  const { answer: again } = await json('plan', pair.name, '--to', 'green');
  await follow(again.next_steps[0]!);
  expect(await json('complete', pair.name, '--confirm', pair.name)).toMatchObject({ exit: 0 });
  expect(await followFirst(({ phase }) => phase === 'completed')).toBe(
    `turnout events ${pair.name}`,
  );
  const { answer: shown } = await json('switchover', 'show', pair.name);
  await follow(shown.next_steps[0]!);
});
