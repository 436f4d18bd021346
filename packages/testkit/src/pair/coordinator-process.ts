import type { ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import type { Logger } from '@turnout/service-kit/logger';
import { runServices } from '@turnout/service-kit/service';
import { createCoordinator } from '@turnout/coordinator/service';
import { failpoints, type FailpointOrder } from './failpoints.js';
import { openContext } from './services.js';

/** Entry of a child process: a coordinator that may be told where to die. */
export interface CoordinatorJob extends FailpointOrder {
  readonly config: ResolvedConfig;
  readonly instanceId?: string | undefined;
  /** Step or commit behind which it kills itself, as its log tells of it. */
  readonly killAfter?: string | null | undefined;
}

process.once('message', (job: CoordinatorJob) => void run(job));
// Its parent is the test: without it there is nothing to coordinate.
process.once('disconnect', () => process.exit(0));

async function run({ config, instanceId, killAfter, ...order }: CoordinatorJob): Promise<void> {
  const failpoint = failpoints(order);
  await failpoint('start');
  const id = instanceId ?? `coordinator-${process.pid}`;
  const { context } = await openContext(config, id);
  if (killAfter != null) makeDeadly(context.logger, killAfter);
  await runServices([createCoordinator(Object.assign(context, { failpoint }))], {
    signal: new AbortController().signal,
    logger: context.logger,
  });
}

/** A logger as failpoint: the engine tells each step as it ends, so the death is exact. */
function makeDeadly(logger: Logger, killAfter: string): void {
  const info = logger.info.bind(logger);
  const deadly = (facts: object, message?: string): void => {
    const { step, commit } = facts as { step?: string; commit?: string };
    if (step === killAfter || commit === killAfter) process.kill(process.pid, 'SIGKILL');
    info(facts, message);
  };
  Object.assign(logger, { info: deadly });
}
