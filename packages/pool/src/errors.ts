/**
 * The answer to COMMIT was lost: the transaction may or may not have been committed. It is never
 * run again by the pool; the caller has to look at the data.
 */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  readonly code = 'TURNOUT_OUTCOME_UNKNOWN';
  constructor(cause: unknown) {
    super('the answer to COMMIT was lost: the outcome of the transaction is not known', { cause });
  }
}

/** No side was open for writes within `holdMax`. Nothing of the held work has been committed. */
export class HoldTimeoutError extends Error {
  override readonly name = 'HoldTimeoutError';
  readonly code = 'TURNOUT_HOLD_TIMEOUT';
  readonly holdMaxMs: number;
  constructor(pair: string, holdMaxMs: number, cause?: unknown) {
    super(
      `no side of pair ${pair} was open for writes within ${holdMaxMs} ms`,
      cause === undefined ? {} : { cause },
    );
    this.holdMaxMs = holdMaxMs;
  }
}

/** COMMIT answered `ROLLBACK`: a statement had failed and its error was not passed on by `fn`. */
export class TransactionRolledBackError extends Error {
  override readonly name = 'TransactionRolledBackError';
  readonly code = 'TURNOUT_ROLLED_BACK';
  constructor() {
    super('the transaction had failed: COMMIT rolled it back');
  }
}
