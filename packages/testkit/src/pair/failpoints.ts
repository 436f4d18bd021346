/** What a process is to do at a named point of its work; each happens once. */
export interface FailpointOrder {
  /** Ends itself by signal 9. */
  readonly killAt?: string | null | undefined;
  /** Halts itself by SIGSTOP: its sessions stay open and silent, until it is told to go on. */
  readonly pauseAt?: string | null | undefined;
}

export type ChildNews =
  | { readonly kind: 'reached'; readonly failpoint: string }
  | { readonly kind: 'ordered' };
export type ParentNews =
  | { readonly kind: 'resume' }
  /** Replaces what the process was told before. */
  | { readonly kind: 'order'; readonly order: FailpointOrder };

/**
 * `failpoint` for the context of a service in a child process. Every point is told to the parent
 * before it acts, and nothing goes on behind a point at which the process dies or halts.
 */
export function failpoints(first: FailpointOrder): (name: string) => Promise<void> {
  let order = first;
  process.on('message', (news: ParentNews) => {
    if (news.kind !== 'order') return;
    order = news.order;
    void tell({ kind: 'ordered' });
  });
  return async (name) => {
    await tell({ kind: 'reached', failpoint: name });
    const { killAt, pauseAt } = order;
    if (name === killAt) {
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => undefined);
    }
    if (name === pauseAt) {
      order = { killAt };
      // Registered first: the signal may take effect at any moment after it was sent.
      const resumed = untilResumed();
      process.kill(process.pid, 'SIGSTOP');
      await resumed;
    }
  };
}

function tell(news: ChildNews): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) return resolve();
    process.send?.(news, undefined, {}, () => resolve());
  });
}

function untilResumed(): Promise<void> {
  return new Promise((resolve) => {
    const onMessage = (news: ParentNews): void => {
      if (news.kind !== 'resume') return;
      process.off('message', onMessage);
      resolve();
    };
    process.on('message', onMessage);
  });
}
