import { must } from '@turnout/core/assert';
import { fail } from '@turnout/contracts/errors';
import type { Change, Relation } from '@turnout/postgres/pgoutput/messages';
import { relationsOf, TURNOUT_SCHEMA } from '../stream/classify.js';
import type { Lane } from './batching.js';
import { planTable, type TablePlan, type TargetShape } from './plan/table-plan.js';
import { targetTable } from './sql/target-table.js';
import type { TargetSession } from './target-session.js';

/**
 * Table plans by relation. The stream sends a relation anew after every change of it, and each message
 * is a key of its own here: a plan is always that of the relation in force.
 */
export class TargetCatalog {
  readonly #target: TargetSession;
  readonly #plans = new WeakMap<Relation, TablePlan>();
  #triggers = false;

  constructor(target: TargetSession) {
    this.#target = target;
  }

  /**
   * Makes the plans that `changes` need.
   * @throws TRN3008 when a table or column is missing on the target
   */
  async prepare(changes: Iterable<Change>): Promise<void> {
    for (const change of changes) {
      for (const relation of relationsOf(change)) {
        if (this.#plans.has(relation) || relation.schema === TURNOUT_SCHEMA) continue;
        const plan = planTable(relation, await this.#read(relation));
        this.#plans.set(relation, plan);
        this.#triggers ||= plan.replicaTriggers;
      }
    }
  }

  /** True once a table was met whose triggers fire on the target: they see the order of all changes. */
  get lane(): Lane {
    return this.#triggers ? 'ordered' : 'batched';
  }

  readonly planOf = (relation: Relation): TablePlan =>
    must(this.#plans.get(relation), `a plan for ${relation.schema}.${relation.name}`);

  async #read({ schema, name }: Relation): Promise<TargetShape> {
    const [row] = await this.#target.query(targetTable({ schema, name }));
    const table = `${schema}.${name}`;
    if (!row?.shape) throw fail('relation_mismatch', { table, reason: 'missing on the target' });
    return JSON.parse(row.shape) as TargetShape;
  }
}
