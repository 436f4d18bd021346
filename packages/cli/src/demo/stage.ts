import { Listr } from 'listr2';
import { formatMs } from '@turnout/core/quantities';
import { CancelledSignal } from '@turnout/core/waiting';
import type { Scene } from './scene.js';
import type { DemoStep } from './steps.js';

/** Shows the steps as they happen. */
export type Stage = (steps: readonly DemoStep[], scene: Scene) => Promise<void>;

/** One line when a step ends, the status line now and then; for logs and pipes. */
export function plainStage(write: (text: string) => void): Stage {
  return async (steps, scene) => {
    const everyMs = 10_000;
    let shownMs = performance.now();
    scene.live = (line) => {
      if (performance.now() - shownMs < everyMs) return;
      shownMs = performance.now();
      write(`        ${line}`);
    };
    for (const { title, run } of steps) {
      requireGoing(scene);
      const startedMs = performance.now();
      const words = await run(scene);
      write(`${took(startedMs)}  ${title}: ${words}`);
    }
  };
}

/** A list of steps with a live line under the one that runs. */
export const listStage: Stage = async (steps, scene) => {
  const list = new Listr(
    steps.map(({ title, run, prints = false }) => ({
      title,
      task: async (_, task) => {
        requireGoing(scene);
        const startedMs = performance.now();
        scene.live = (line) => {
          if (!prints) task.output = line;
        };
        const [words = '', ...below] = (await run(scene)).split('\n');
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
function requireGoing({ signal }: Scene): void {
  if (signal.aborted) throw new CancelledSignal('demo');
}

function took(sinceMs: number): string {
  return formatMs(performance.now() - sinceMs).padStart(7);
}
