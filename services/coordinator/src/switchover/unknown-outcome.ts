/** A commit whose answer did not come. Control flow: settled by claiming both sides, never guessed. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome';
  readonly commit: 'C1' | 'C2';
  constructor(commit: 'C1' | 'C2', cause?: unknown) {
    super(`outcome of ${commit} is not known`, cause === undefined ? {} : { cause });
    this.commit = commit;
  }
}
