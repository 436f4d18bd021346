import type { Phase } from '@turnout/machine/phases';
import { clean } from './clean.js';
import { waitForLink } from './link-wait.js';
import type { Stage } from './stage.js';
import { catchUp, examine, finishCopy } from './start.js';

/** What is done for a pair in each phase, besides what is kept true in all of them. */
export const STAGES: Readonly<Partial<Record<Phase, Stage>>> = {
  preflight: examine,
  copying: finishCopy,
  catching_up: catchUp,
  verifying: (leading) =>
    waitForLink(leading, {
      for: 'a full check that finds every row equal',
      remedy: `turnout verify ${leading.row.pair} --wait`,
    }),
  ready: (leading) => waitForLink(leading, null),
  on_green: (leading) => waitForLink(leading, null),
  aborting: clean,
  completing: clean,
};
