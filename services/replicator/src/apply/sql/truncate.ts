import type { TablePlan } from '../plan/table-plan.js';
import type { BuiltStatement } from './statement.js';

/**
 * Truncates the same set of tables in one statement. Never CASCADE: the source already named every
 * table it emptied, and more than those would be lost silently.
 */
export function truncateTables(
  plans: readonly TablePlan[],
  restartIdentity: boolean,
): BuiltStatement {
  const tables = plans.map(({ only }) => only).join(', ');
  return {
    text: /* sql */ `truncate table ${tables}${restartIdentity ? ' restart identity' : ''}`,
    values: [],
  };
}
