import type { Change, Delete, Relation, Row, Update } from '@turnout/postgres/pgoutput/messages';
import { isMarker, TURNOUT_SCHEMA } from '../stream/classify.js';
import type { TablePlan } from './plan/table-plan.js';
import { deleteRow, deleteRows } from './sql/delete.js';
import { insertRow, insertRows } from './sql/insert.js';
import { writeMarker } from './sql/marker.js';
import { rekeyRow } from './sql/rekey.js';
import { isUnchanged, keyText } from './sql/row-match.js';
import type { BuiltStatement } from './sql/statement.js';
import { truncateTables } from './sql/truncate.js';
import { updateRow, updateRows, updateShape } from './sql/update.js';

/** `batched`: runs of one shape become one statement. `ordered`: every change on its own, in order. */
export const LANES = ['batched', 'ordered'] as const;
export type Lane = (typeof LANES)[number];

/** More rows in one statement gain nothing and make its arrays large. */
const RUN_ROWS_MAX = 1_000;

export interface TargetedStatement extends BuiltStatement {
  readonly table: string;
}

/** Consecutive changes of one table that one statement can make. */
interface Run {
  readonly plan: TablePlan;
  readonly kind: 'insert' | 'update' | 'delete';
  readonly shape: string;
  readonly rows: Row[];
  readonly keys: Set<string>;
}

/**
 * Turns changes into statements. Tables are independent here (foreign keys are off and the commit
 * is atomic), so only the order within a table is kept, unless triggers fire on the target.
 */
export class Batching {
  readonly #planOf: (relation: Relation) => TablePlan;
  readonly #lane: Lane;
  readonly #runs = new Map<string, Run>();
  #statements: TargetedStatement[] = [];

  constructor(planOf: (relation: Relation) => TablePlan, lane: Lane) {
    this.#planOf = planOf;
    this.#lane = lane;
  }

  add(change: Change): void {
    if (change.kind === 'truncate') return this.#truncate(change.relations, change.restartIdentity);
    if (change.relation.schema === TURNOUT_SCHEMA) {
      const built = isMarker(change.relation) ? writeMarker(change) : null;
      if (built) this.#statements.push({ ...built, table: 'turnout.marker' });
      return;
    }
    const plan = this.#planOf(change.relation);
    if (change.kind === 'insert') {
      if (this.#lane === 'ordered' || plan.columns.length === 0) {
        this.#single(plan, insertRow(plan, change.row));
      } else {
        this.#join(plan, 'insert', '', change.row, null);
      }
    } else if (change.kind === 'update') this.#update(plan, change);
    else this.#delete(plan, change);
  }

  /** All statements so far, in order; the next ones start anew. */
  take(): TargetedStatement[] {
    for (const table of this.#runs.keys()) this.#close(table);
    const statements = this.#statements;
    this.#statements = [];
    return statements;
  }

  #update(plan: TablePlan, { row, old }: Update): void {
    // Under identity full the old row always comes; only another key makes it more than a lookup.
    const keyStays =
      old === null ||
      (old.form === 'full' &&
        plan.key.length > 0 &&
        keyText(plan, old.row) === keyText(plan, row) &&
        !plan.key.some((column) => isUnchanged(row, column)));
    if (this.#lane === 'batched' && plan.batchUpdates && keyStays && !plan.rekeyAlways) {
      return this.#join(plan, 'update', updateShape(plan, row), row, keyText(plan, row));
    }
    const rekey =
      plan.rekeyAlways || (!keyStays && plan.key.some(({ identityAlways }) => identityAlways));
    const named = keyStays && plan.key.length > 0 ? null : (old?.row ?? null);
    this.#single(plan, rekey ? rekeyRow(plan, row, named) : updateRow(plan, row, named));
  }

  #delete(plan: TablePlan, { old }: Delete): void {
    if (this.#lane === 'batched' && plan.batchUpdates) {
      return this.#join(plan, 'delete', '', old.row, keyText(plan, old.row));
    }
    this.#single(plan, deleteRow(plan, old.row));
  }

  #join(plan: TablePlan, kind: Run['kind'], shape: string, row: Row, key: string | null): void {
    let run = this.#runs.get(plan.table);
    const fits =
      run?.plan === plan &&
      run.kind === kind &&
      run.shape === shape &&
      run.rows.length < RUN_ROWS_MAX &&
      (key === null || !run.keys.has(key));
    if (!run || !fits) {
      this.#close(plan.table);
      run = { plan, kind, shape, rows: [], keys: new Set() };
      this.#runs.set(plan.table, run);
    }
    run.rows.push(row);
    if (key !== null) run.keys.add(key);
  }

  #single(plan: TablePlan, built: BuiltStatement): void {
    this.#close(plan.table);
    this.#statements.push({ ...built, table: plan.table });
  }

  #truncate(relations: readonly Relation[], restartIdentity: boolean): void {
    for (const table of this.#runs.keys()) this.#close(table);
    const plans = relations
      .filter(({ schema }) => schema !== TURNOUT_SCHEMA)
      .map((relation) => this.#planOf(relation));
    const first = plans[0];
    if (!first) return;
    this.#statements.push({ ...truncateTables(plans, restartIdentity), table: first.table });
  }

  #close(table: string): void {
    const run = this.#runs.get(table);
    if (!run) return;
    this.#runs.delete(table);
    this.#statements.push(...statementsOf(run).map((built) => ({ ...built, table })));
  }
}

function statementsOf({ plan, kind, rows }: Run): BuiltStatement[] {
  if (kind === 'insert') {
    return rows.length > 1 ? [insertRows(plan, rows)] : rows.map((row) => insertRow(plan, row));
  }
  if (kind === 'delete') {
    return rows.length > 1 ? [deleteRows(plan, rows)] : rows.map((row) => deleteRow(plan, row));
  }
  const batched = rows.length > 1 ? updateRows(plan, rows) : null;
  return batched ? [batched] : rows.map((row) => updateRow(plan, row, null));
}
