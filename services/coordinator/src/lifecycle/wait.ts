/** What a pair waits for, who could end the wait, and how. Nothing is waited for in silence. */
export interface Wait {
  readonly for: string;
  readonly holder?: string | null | undefined;
  readonly remedy?: string | null | undefined;
}
