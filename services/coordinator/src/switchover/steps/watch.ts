import { sendMarker } from '../round-trip.js';
import { ask } from '../side-row.js';
import { readLinkOpen } from '../sql/drain-sql.js';
import type { StepAction } from './step.js';

const CANARY_TIMEOUT_MS = 15_000;

export const watch: StepAction = {
  /** A marker behind C2 in the stream of `to`: when it arrives the new link has handled C2. */
  async act(run) {
    const { control } = run.opened();
    const canaryMs = await sendMarker(
      { side: run.to, kind: 'roundtrip', written: control[run.to], seen: control[run.from] },
      CANARY_TIMEOUT_MS,
    );
    const [link] = await ask(control[run.from], readLinkOpen(run.newLink));
    return { canary_ms: Math.round(canaryMs), new_link_open: link?.['open'] === 't' };
  },
};
