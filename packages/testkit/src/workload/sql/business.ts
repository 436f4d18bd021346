/** Statements of the writers' transactions. Each works on rows that belong to one writer only. */

export interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** Order, two items, payment and stock in one statement; gives the id of the order. */
export function placeOrder(customer: number, products: readonly [number, number]): Statement {
  const text = /* sql */ `
    with o as (
      insert into app.orders (customer_id, total, note) values ($1, 3 * 12.5, 'café ☕')
      returning id
    ), i as (
      insert into app.order_items (order_id, line, product_id, quantity, unit_price)
      select id, line, product, line, 12.5
      from o, unnest($2::bigint[]) with ordinality as p (product, line)
    ), p as (
      insert into app.payments (order_id, method, amount, receipt)
      select id, 'card', 37.5, decode(md5(id::text), 'hex') from o
    ), s as (
      update app.stock set quantity = quantity - 1
      where product_id = any ($2::bigint[]) and warehouse = 1
    )
    select id::text from o`;
  return { text, values: [customer, products] };
}

export function shipOrder(order: string): Statement {
  const text = /* sql */ `
    with p as (update app.payments set paid_at = clock_timestamp() where order_id = $1)
    update app.orders set status = 'shipped', note = null where id = $1`;
  return { text, values: [order] };
}

/** Three statements: a foreign key is checked at the end of each. */
export function cancelOrder(order: string): readonly Statement[] {
  return [
    { text: /* sql */ `delete from app.order_items where order_id = $1`, values: [order] },
    { text: /* sql */ `delete from app.payments where order_id = $1`, values: [order] },
    { text: /* sql */ `delete from app.orders where id = $1`, values: [order] },
  ];
}

/** Leaves the large description untouched. */
export function reprice(product: number, cents: number): Statement {
  const text = /* sql */ `
    update app.products set price = $2::numeric / 100, sizes = sizes[1:1] || $3::int,
      attributes = attributes || jsonb_build_object('price', $2::int),
      updated_at = clock_timestamp()
    where id = $1`;
  return { text, values: [product, cents, cents % 50] };
}

export function describe(product: number, seed: number): Statement {
  const text = /* sql */ `
    update app.products set description = repeat(md5($2::text), 90), name = 'Product ' || $2
    where id = $1`;
  return { text, values: [product, String(seed)] };
}

export function visit(customer: number): Statement {
  const text = /* sql */ `
    with e as (
      insert into app.events (kind, detail) values ('visit', jsonb_build_object('by', $1::bigint))
    ), s as (
      insert into app.sessions (customer_id, data) values ($1, '{"cart": []}')
    )
    update app.customers set profile = profile || '{"seen": true}', credit = credit + 0.01
    where id = $1`;
  return { text, values: [customer] };
}

/** Key updates (of a composite key too), and deletes. */
export function moveKeys(customer: number, product: number): readonly Statement[] {
  return [
    {
      text: /* sql */ `
        update app.sessions set token = gen_random_uuid(), last_seen = clock_timestamp()
        where token = (select token from app.sessions where customer_id = $1 limit 1)`,
      values: [customer],
    },
    {
      text: /* sql */ `
        update app.stock set warehouse = 7 - warehouse
        where product_id = $1 and warehouse in (3, 4)`,
      values: [product],
    },
    {
      text: /* sql */ `
        delete from app.sessions where customer_id = $1
          and token <> (select min(token::text)::uuid from app.sessions where customer_id = $1)`,
      values: [customer],
    },
  ];
}

export function renameCoupon(from: string, to: string): Statement {
  const text = /* sql */ `update app.coupons set code = $2, uses = uses + 1 where code = $1`;
  return { text, values: [from, to] };
}
