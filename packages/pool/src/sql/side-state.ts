/** What a side says of itself. Unnamed: a pooler in between need not support prepared statements. */
export function sideState(): { text: string; values: [] } {
  return {
    text: /* sql */ `select state, fence_epoch::text as fence_epoch from turnout.side`,
    values: [],
  };
}
