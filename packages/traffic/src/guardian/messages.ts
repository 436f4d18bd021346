import type { PoolerInstance } from '../route.js';

/** What the guardian is to do. It comes over the pipe: arguments and environment can be seen. */
export interface GuardianPlan {
  readonly poolers: readonly PoolerInstance[];
  readonly fromUrl: string;
  readonly fromPassword: string | null;
  /** Limit of every PAUSE. */
  readonly pauseTimeoutMs: number;
  /** Milliseconds from the start after which the guardian acts as if its parent had died. */
  readonly deadlineMs: number;
  /** How long it tries to learn the state of `from` before it leaves the poolers to a successor. */
  readonly settleTimeoutMs: number;
}

export type ParentMessage =
  | { readonly type: 'plan'; readonly plan: GuardianPlan }
  /** The hold is over and the poolers are in the parent's hands: exit without touching them. */
  | { readonly type: 'release' };

export type GuardianMessage =
  /** The program is loaded and waits for its plan. */
  | { readonly type: 'ready' }
  | { readonly type: 'paused' }
  /** Nothing is held any more, except where `not_resumed` names an instance. */
  | {
      readonly type: 'refused';
      readonly instance: string;
      readonly reason: string;
      readonly notResumed: readonly string[];
    }
  | { readonly type: 'ended'; readonly end: GuardianEnd };

/** `resumed`: `from` was open. `left`: it was closed, or could not be asked in time. */
export type GuardianEnd = 'released' | 'resumed' | 'left';

export function encodeMessage(message: ParentMessage | GuardianMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Cuts a stream of text into messages; a last line without an end is not one. */
export class MessageReader<T> {
  #rest = '';

  read(chunk: string): T[] {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
  }
}
