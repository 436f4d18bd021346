import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClusters, stopClusters, type Clusters } from '../../test/pair-fixture.js';
import { inState, ReplicatedPair } from '../../test/replicated-pair.js';

/** What logs DDL in many a production database; on a closed side the guard refuses its insert. */
const AUDITED = /* sql */ `
  create table public.item (id int primary key, v text);
  create table public.audit (id bigserial primary key, tag text);
  create function public.log_ddl() returns event_trigger language plpgsql as
    $$ begin insert into public.audit (tag) values (tg_tag); end $$;
  create function public.refuse_ddl() returns event_trigger language plpgsql as
    $$ begin raise exception 'no DDL by %', current_user; end $$;`;

let clusters: Clusters;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));

test.each(['log_ddl', 'refuse_ddl'])(
  'DDL of links neither fires nor meets the event trigger %s of either side',
  async (trigger) => {
    await using replicated = await ReplicatedPair.create(clusters, AUDITED);
    const { pair } = replicated;
    for (const session of [pair.blue, pair.green]) {
      for (const event of ['ddl_command_start', 'ddl_command_end', 'sql_drop']) {
        await session.query(
          `create event trigger ${trigger}_${event} on ${event} execute function public.${trigger}()`,
        );
      }
      await session.query(`set session_replication_role = replica; delete from public.audit;
        set session_replication_role = origin`);
    }
    await replicated.withReplicator('one', async () => {
      await replicated.desire('forward', 'copying');
      await replicated.untilObserved('forward', inState('copied'));
      await replicated.desire('forward', 'streaming');
      await replicated.untilObserved('forward', inState('streaming'));
      await replicated.desire('reverse', 'streaming');
      await replicated.untilObserved('reverse', inState('watching'));
      await pair.blue.query(/* sql */ `insert into public.item values (1, 'x')`);
      await pair.roundTrip('forward');
      await pair.roundTrip('reverse');
    });
    expect(await pair.dump('green', 'public.item')).toEqual(['(1,x)']);
    for (const side of ['blue', 'green'] as const) {
      expect(await pair.dump(side, 'public.audit')).toEqual([]);
    }
  },
);
