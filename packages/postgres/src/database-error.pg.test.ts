import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyIn } from './copy.js';
import { serverFacts, tableOf } from './database-error.js';
import { openSession, type Session } from './session.js';

/** Whatever may be said of an error, this is never in it. */
const CELL = 'geheim4711';

describe.each(['13', '15'] as const)('errors of a %s server', (version) => {
  let cluster: Cluster;
  let session: Session;

  beforeAll(async () => {
    cluster = await startCluster({ version });
    session = await openSession({
      endpoint: { url: cluster.url() },
      applicationName: 'turnout/1/test/shop',
    });
    await session.query(`
      create domain public.short as text check (length(value) < 5);
      create table public.item (id text primary key, n int, v text not null check (v <> '${CELL}'),
        d public.short, parent text references public.item);
      insert into public.item (id, v) values ('${CELL}', 'x');
      create table public.part (id int, v text) partition by range (id);
      create table public.only_few (v varchar(3), day date);
      create function public.raises(state text) returns void language plpgsql as
        $$ begin raise exception 'the value is ${CELL}' using errcode = state; end $$;
      create function public.raising() returns trigger language plpgsql as
        $$ begin perform public.raises(tg_argv[0]); return new; end $$;
      create table public.trapped (v text);
      create trigger trap before insert on public.trapped
        for each row execute function public.raising('23514')`);
  });
  afterAll(async () => {
    await session.end();
    await cluster[Symbol.asyncDispose]();
  });

  const thrownBy = async (text: string, values: string[] = []): Promise<unknown> => {
    try {
      await session.query(text, values);
    } catch (thrown) {
      return thrown;
    }
    throw new Error(`nothing was raised by ${text}`);
  };

  test.each([
    [`insert into public.item (id, v) values ($1, 'y')`, '23505', /unique constraint "item_pkey"/],
    [
      `insert into public.item (id, v) values ('a', $1)`,
      '23514',
      /check constraint "item_v_check"/,
    ],
    [
      `insert into public.item (id, v, d) values ('a', 'b', '${CELL}')`,
      '23514',
      /domain public.short/,
    ],
    [
      `insert into public.item (id, v, parent) values ('a', 'b', 'c' || $1)`,
      '23503',
      /foreign key/,
    ],
    [`insert into public.item (id, n, v) values ($1, 1, null)`, '23502', /column "v"/],
    [`insert into public.part values (1, $1)`, '23514', /no partition of relation "part"/],
    [`select gone from public.item where id = $1`, '42703', /column "gone" does not exist/],
    [`select * from public.gone where id = $1`, '42P01', /relation "public.gone" does not exist/],
  ])('%s is said with its message, without the value', async (text, sqlstate, message) => {
    const facts = serverFacts(await thrownBy(text, text.includes('$1') ? [CELL] : []));
    expect(facts.sqlstate).toBe(sqlstate);
    expect(facts.message).toMatch(message);
    expect(JSON.stringify(facts)).not.toContain(CELL);
  });

  test.each([
    [`insert into public.only_few (v) values ($1)`, '22001'],
    [`insert into public.only_few (day) values ($1)`, '22007'],
    [`select $1::text::int`, '22P02'],
    [`select 1 '${CELL}'`, '42601'],
    [`select public.raises('P0001')`, 'P0001'],
    [`select public.raises('TRN99')`, 'TRN99'],
    // A function may say anything under any state.
    [`select public.raises('42P01')`, '42P01'],
    [`insert into public.trapped values ($1)`, '23514'],
  ])('%s is said by its state alone', async (text, sqlstate) => {
    const facts = serverFacts(await thrownBy(text, text.includes('$1') ? [CELL] : []));
    expect(facts).toMatchObject({ sqlstate, message: null });
    expect(JSON.stringify(facts)).not.toContain(CELL);
  });

  test('a COPY names the constraint, and a trigger inside of it stays unsaid', async () => {
    const copying = async (table: string, row: string): Promise<unknown> => {
      const into = copyIn(session, `copy ${table} from stdin`);
      const ended = new Promise((resolve) => into.on('error', resolve).on('finish', resolve));
      into.end(row);
      return ended;
    };
    const refused = serverFacts(await copying('public.item (id, v)', `${CELL}\tz\n`));
    expect(refused.message).toMatch(/unique constraint "item_pkey"/);
    expect(tableOf(refused)).toBe('public.item');
    const trapped = serverFacts(await copying('public.trapped', `${CELL}\n`));
    expect(trapped).toMatchObject({ sqlstate: '23514', message: null });
    expect(JSON.stringify([refused, trapped])).not.toContain(CELL);
  });
});

test('what is not of the server has no facts', () => {
  expect(serverFacts(new Error(CELL))).toMatchObject({ sqlstate: null, message: null });
});
