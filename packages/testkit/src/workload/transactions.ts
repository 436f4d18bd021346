import type { ClientBase } from 'pg';
import type { ShopSize } from '../shop/shop.js';
import {
  cancelOrder,
  describe,
  moveKeys,
  placeOrder,
  renameCoupon,
  reprice,
  shipOrder,
  visit,
  type Statement,
} from './sql/business.js';

/** One transaction as a writer will send it; run again, it does the same. */
export interface Plan {
  readonly what: string;
  readonly statements: readonly Statement[];
  /** Called when the transaction was acknowledged. */
  settle(answers: readonly { readonly id?: string }[]): void;
}

const OPEN_ORDERS_MAX = 50;

/** Draws the transactions of one writer, on a part of the shop that no other writer touches. */
export class Planner {
  readonly #writer: number;
  readonly #writers: number;
  readonly #size: ShopSize;
  readonly #random: (limit: number) => number;
  readonly #orders: string[] = [];
  #coupon: string;
  #renames = 0;

  /** @param writer from 1 to `writers` */
  constructor(writer: number, writers: number, size: ShopSize, random: (limit: number) => number) {
    this.#writer = writer;
    this.#writers = writers;
    this.#size = size;
    this.#random = random;
    this.#coupon = `C-${writer}`;
  }

  next(): Plan {
    const dice = this.#random(100);
    if (this.#orders.length >= OPEN_ORDERS_MAX || (dice < 12 && this.#orders.length > 0)) {
      const order = this.#orders[0] ?? '';
      const forget = (): void => void this.#orders.shift();
      return { what: 'cancel', statements: cancelOrder(order), settle: forget };
    }
    if (dice < 45) return this.#place();
    if (dice < 65) return plan('reprice', reprice(this.#product(), 100 + this.#random(9_999)));
    if (dice < 68) return plan('describe', describe(this.#product(), this.#random(1_000_000)));
    if (dice < 85) return plan('visit', visit(this.#customer()));
    if (dice < 92) return plan('move', ...moveKeys(this.#customer(), this.#product()));
    const order = this.#orders.at(-1);
    return order === undefined ? this.#rename() : plan('ship', shipOrder(order));
  }

  #place(): Plan {
    const products = [this.#product(), this.#product()] as const;
    const statements = [placeOrder(this.#customer(), [products[0], products[1]])];
    const remember = (answers: readonly { readonly id?: string }[]): void => {
      const id = answers[0]?.id;
      if (id !== undefined) this.#orders.push(id);
    };
    return this.#random(8) === 0 ? this.#rename() : { what: 'place', statements, settle: remember };
  }

  #rename(): Plan {
    const to = `C-${this.#writer}-${this.#renames + 1}`;
    const settle = (): void => {
      this.#renames += 1;
      this.#coupon = to;
    };
    return { what: 'rename', statements: [renameCoupon(this.#coupon, to)], settle };
  }

  #product(): number {
    return this.#own(this.#size.products);
  }

  #customer(): number {
    return this.#own(this.#size.customers);
  }

  /** A number in `[1, count]` that leaves the rest of this writer when divided by their number. */
  #own(count: number): number {
    return this.#writer + this.#writers * this.#random(Math.floor(count / this.#writers));
  }
}

/** Sends the statements of a plan and gives the first row of each answer. */
export async function send(client: ClientBase, { statements }: Plan): Promise<{ id?: string }[]> {
  const answers: { id?: string }[] = [];
  for (const statement of statements) {
    const { rows } = await client.query<{ id?: string }>(statement);
    answers.push(rows[0] ?? {});
  }
  return answers;
}

function plan(what: string, ...statements: readonly Statement[]): Plan {
  return { what, statements, settle: () => undefined };
}
