/**
 * The settled state of a side. It asks with a lock: while the fence is open, or a COMMIT of it waits
 * for a standby, a plain SELECT would still show the state before.
 */
export function settledSideState(): { text: string; values: [] } {
  return { text: /* sql */ `select state from turnout.side for share`, values: [] };
}
