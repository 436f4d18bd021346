import { deferred } from '@turnout/core/waiting';
import { holdPoolers, settlePoolers } from './hold-poolers.js';
import {
  encodeMessage,
  MessageReader,
  type GuardianMessage,
  type GuardianPlan,
  type ParentMessage,
} from './messages.js';

/**
 * The process that holds poolers on behalf of a coordinator and outlives it. It is told everything
 * over its standard input; when that ends without `release`, the parent is dead.
 */
async function main(): Promise<void> {
  const planned = deferred<GuardianPlan>();
  const over = deferred<'released' | 'abandoned'>();
  const reader = new MessageReader<ParentMessage>();
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk: string) => {
    for (const message of reader.read(chunk)) {
      if (message.type === 'plan') planned.resolve(message.plan);
      else over.resolve('released');
    }
  });
  const abandon = (): void => {
    planned.reject(new Error('the pipe closed before there was a plan'));
    over.resolve('abandoned');
  };
  process.stdin.on('end', abandon).on('error', abandon);
  // A signal to the guardian is no reason to leave clients waiting.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, abandon);
  // The parent may be gone already; what it would have been told no longer matters.
  process.stdout.on('error', () => undefined);

  report({ type: 'ready' });
  const plan = await planned.promise;
  const deadline = setTimeout(abandon, plan.deadlineMs);
  const held = await holdPoolers(plan);
  report(held);
  if (held.type === 'paused' || (held.type === 'refused' && held.notResumed.length > 0)) {
    const end = (await over.promise) === 'released' ? 'released' : await settlePoolers(plan);
    report({ type: 'ended', end });
  } else {
    report({ type: 'ended', end: 'resumed' });
  }
  clearTimeout(deadline);
  process.stdin.destroy();
}

function report(message: GuardianMessage): void {
  process.stdout.write(encodeMessage(message));
}

await main().catch(() => {
  process.exitCode = 1;
});
