import { Listr } from 'listr2';
import { formatMs } from '@turnout/core/quantities';
import { CancelledSignal } from '@turnout/core/waiting';
import type { DemoRun } from './demo-run.js';
import type { DemoStep } from './steps.js';

/** Shows the steps as they happen. */
export type Reporter = (steps: readonly DemoStep[], run: DemoRun) => Promise<void>;

/** One line when a step ends, the status line now and then; for logs and pipes. */
export function plainReporter(write: (text: string) => void): Reporter {
  return async (steps, run) => {
    const everyMs = 10_000;
    let shownMs = performance.now();
    run.live = (line) => {
      if (performance.now() - shownMs < everyMs) return;
      shownMs = performance.now();
      write(`        ${line}`);
    };
    for (const { title, act } of steps) {
      requireGoing(run);
      const startedMs = performance.now();
      const words = await act(run);
      write(`${took(startedMs)}  ${title}: ${words}`);
    }
  };
}

/** A list of steps with a live line under the one that runs. */
export const listReporter: Reporter = async (steps, run) => {
  const list = new Listr(
    steps.map(({ title, act, prints = false }) => ({
      title,
      task: async (_, task) => {
        requireGoing(run);
        const startedMs = performance.now();
        run.live = (line) => {
          if (!prints) task.output = line;
        };
        const [words = '', ...below] = (await act(run)).split('\n');
        task.title = `${title}: ${words}  (${took(startedMs).trim()})`;
        if (prints) task.output = below.join('\n');
      },
      rendererOptions: { persistentOutput: prints, outputBar: prints ? Infinity : 1 },
    })),
    // Interruption is ours to handle: what was started must be removed first.
    {
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: true, showErrorMessage: false },
    },
  );
  await list.run();
};

/** Not every step can be cut short; the next one does not begin. */
function requireGoing({ signal }: DemoRun): void {
  if (signal.aborted) throw new CancelledSignal('demo');
}

function took(sinceMs: number): string {
  return formatMs(performance.now() - sinceMs).padStart(7);
}
