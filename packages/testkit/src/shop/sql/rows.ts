/** How many rows the load makes; the sum at scale 1 is above 200,000. */
export interface ShopSize {
  readonly customers: number;
  readonly products: number;
  readonly orders: number;
  readonly coupons: number;
}

export function shopSize(scale: number): ShopSize {
  const of = (count: number): number => Math.max(100, Math.round(count * scale));
  return { customers: of(20_000), products: of(5_000), orders: of(40_000), coupons: of(1_000) };
}

/** Statements that make the rows on the server; each is one table. Values depend on the row only. */
export function shopRows({ customers, products, orders, coupons }: ShopSize): readonly string[] {
  const times = (count: number): string => /* sql */ `generate_series(1, ${count}) as n`;
  const past = /* sql */ `timestamptz '2024-03-01 00:00+00' + n * interval '17 minutes 3.000451 s'`;
  return [
    /* sql */ `insert into app.customers (email, name, profile, tags, credit, created_at)
      select 'customer' || n || '@example.org', 'Customer ' || n,
        jsonb_build_object('level', n % 5, 'news', n % 2 = 0),
        array['t' || n % 7, 'a,b', null], (n % 1000) / 8.0, ${past}
      from ${times(customers)}`,
    /* sql */ `insert into app.addresses (customer_id, line, city, country)
      select n, n || ' Main Street', 'Città ' || n % 50, case n % 3 when 0 then 'IT' else 'NZ' end
      from ${times(customers)}`,
    /* sql */ `insert into app.categories (parent_id, name)
      select nullif(n / 10, 0), 'Category ' || n from ${times(100)}`,
    /* sql */ `insert into app.products
        (sku, category_id, name, price, weight_kg, sizes, description, picture, attributes)
      select 'SKU-' || n, 1 + n % 100, 'Product ' || n, 1 + (n % 9999) / 100.0, n / 7.0,
        array[n % 40, n % 50], repeat(md5(n::text), 80),
        case when n % 4 = 0 then null else decode(md5((n + 1)::text), 'hex') end,
        jsonb_build_object('colour', n % 12, 'nested', jsonb_build_array(n, null, 'x'))
      from ${times(products)}`,
    /* sql */ `insert into app.stock
      select n, w, 1000 + n % 100 from ${times(products)}, generate_series(1, 3) as w`,
    /* sql */ `insert into app.coupons
      select 'C-' || n, n % 60, daterange('2024-01-01', '2024-01-01'::date + n % 700)
      from ${times(coupons)}`,
    /* sql */ `insert into app.reviews (product_id, customer_id, stars, body)
      select 1 + n % ${products}, n, 1 + n % 5, case when n % 3 = 0 then null else 'Good "' || n end
      from ${times(Math.round(customers / 2))}`,
    /* sql */ `insert into app.orders (customer_id, status, total, note, placed_at)
      select 1 + n % ${customers}, (enum_range(null::app.order_status))[1 + n % 4], n / 4.0,
        case when n % 5 = 0 then E'line\\nbreak\\t\\\\' end, ${past}
      from ${times(orders)}`,
    /* sql */ `insert into app.order_items (order_id, line, product_id, quantity, unit_price)
      select n, line, 1 + (n * line) % ${products}, 1 + n % 4, (n % 500) / 10.0
      from ${times(orders)}, generate_series(1, 2) as line`,
    /* sql */ `insert into app.payments (order_id, method, amount, receipt)
      select n, (enum_range(null::app.payment_method))[1 + n % 3], n / 4.0,
        decode(md5(n::text), 'hex')
      from ${times(Math.round(orders / 2))}`,
    /* sql */ `insert into app.sessions (customer_id, data)
      select n, jsonb_build_object('cart', n) from ${times(Math.round(customers / 4))}`,
    /* sql */ `insert into app.events (happened_at, kind, detail)
      select ${past}, 'view', jsonb_build_object('page', n) from ${times(customers)}`,
    /* sql */ `insert into app.audit_log (writer, seq, what, detail)
      select 0, n, 'loaded', case when n % 2 = 0 then jsonb_build_object('n', n) end
      from ${times(Math.round(customers / 4))}`,
  ];
}
