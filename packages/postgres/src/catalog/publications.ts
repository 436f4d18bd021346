import type { Session } from '../session.js';

export interface PublicationState {
  readonly viaRoot: boolean;
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
}

/** Members as named in the publication, or null when there is none of that name. */
export async function readPublication(
  session: Session,
  name: string,
): Promise<PublicationState | null> {
  const { rows } = await session.query<{ via_root: string; tables: string }>(
    /* sql */ `select p.pubviaroot as via_root,
        coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname))
          filter (where c.oid is not null), '[]') as tables
      from pg_publication p
        left join pg_publication_rel r on r.prpubid = p.oid
        left join pg_class c on c.oid = r.prrelid
        left join pg_namespace n on n.oid = c.relnamespace
      where p.pubname = $1
      group by p.oid, p.pubviaroot`,
    [name],
  );
  const row = rows[0];
  return row ? { viaRoot: row.via_root === 't', tables: JSON.parse(row.tables) } : null;
}

export interface Publishable {
  readonly schema: string;
  readonly name: string;
  readonly partitioned: boolean;
  /** A table among it and its partitions that has no replica identity; null when all have one. */
  readonly withoutIdentity: string | null;
}

/** Those of the tables named that exist. */
export async function readPublishable(
  session: Session,
  tables: readonly { readonly schema: string; readonly name: string }[],
): Promise<Publishable[]> {
  const { rows } = await session.query<Record<string, string | null>>(
    /* sql */ `select n.nspname as schema, c.relname as name, c.relkind = 'p' as partitioned,
        (select min(m.oid::regclass::text)
           from (select c.oid union select relid from pg_partition_tree(c.oid)) t
             join pg_class m on m.oid = t.oid
          where m.relreplident = 'n'
             or (m.relreplident = 'd' and not exists (
                  select from pg_index i where i.indrelid = m.oid and i.indisprimary))
        ) as without_identity
      from unnest($1::text[], $2::text[]) w(schema, name)
        join pg_namespace n on n.nspname = w.schema
        join pg_class c on c.relnamespace = n.oid and c.relname = w.name
      where c.relkind in ('r', 'p')`,
    [tables.map((table) => table.schema), tables.map((table) => table.name)],
  );
  return rows.map((row) => ({
    schema: row['schema'] ?? '',
    name: row['name'] ?? '',
    partitioned: row['partitioned'] === 't',
    withoutIdentity: row['without_identity'] ?? null,
  }));
}

/**
 * User tables that none of the publications carries, by itself or through a partitioned table above
 * it; null when there is none of them. Partitioned tables have no rows of their own and unlogged ones
 * cannot be published: neither is asked for.
 */
export async function readUnpublished(
  session: Session,
  publications: readonly string[],
): Promise<{ readonly schema: string; readonly name: string }[] | null> {
  const { rows } = await session.query<Record<string, string | null>>(
    /* sql */ `with ours as (select oid from pg_publication where pubname = any($1))
      select null as schema, null as name where not exists (select from ours)
      union all
      select n.nspname, c.relname
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and c.relpersistence = 'p' and exists (select from ours)
        and n.nspname not in ('information_schema', 'turnout') and n.nspname !~ '^pg_'
        and not exists (
          select from pg_publication_rel r join ours on ours.oid = r.prpubid
          where r.prrelid = c.oid or (c.relispartition
            and r.prrelid in (select relid from pg_partition_ancestors(c.oid) relid)))
      order by 1, 2`,
    [publications],
  );
  if (rows.some(({ name }) => name === null)) return null;
  return rows.map(({ schema, name }) => ({ schema: schema!, name: name! }));
}
