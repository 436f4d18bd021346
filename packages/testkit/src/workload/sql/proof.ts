/** How often a transaction is found in the two tables that each transaction writes a row into. */
export interface PresentRow {
  readonly writer: number;
  readonly seq: number;
  readonly in_ledger: number;
  readonly in_audit_log: number;
}

export function present(): string {
  return /* sql */ `
    with l as (select writer, seq, count(*) as n from app.ledger group by 1, 2),
      a as (select writer, seq, count(*) as n from app.audit_log where writer > 0 group by 1, 2)
    select writer, seq::float8 as seq, coalesce(l.n, 0)::int as in_ledger,
      coalesce(a.n, 0)::int as in_audit_log
    from l full join a using (writer, seq)`;
}

/** The part of each transaction that the proof reads. */
export function record(writer: number, seq: number, what: string) {
  return {
    text: /* sql */ `
      with l as (insert into app.ledger (writer, seq) values ($1, $2)),
        a as (insert into app.audit_log (writer, seq, what) values ($1, $2, $3))
      insert into app.counter (writer, value) values ($1, 1)
      on conflict (writer) do update set value = counter.value + 1`,
    values: [writer, seq, what],
  };
}
