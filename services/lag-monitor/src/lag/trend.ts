/** Samples older than this say nothing about now. */
const SPAN_MS = 30_000;
const SAMPLES_MAX = 120;
/** Below this span a slope is noise. */
const SPAN_MS_MIN = 3_000;

/** How a number of bytes moves: the slope over the last half minute. */
export class Trend {
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  add(atMs: number, bytes: number): void {
    this.#samples = [...this.#samples, { atMs, bytes }]
      .filter((sample) => atMs - sample.atMs <= SPAN_MS)
      .slice(-SAMPLES_MAX);
  }

  /** Bytes a second; negative while it shrinks; null until known. */
  get bytesPerSecond(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.atMs - first.atMs < SPAN_MS_MIN) return null;
    return ((last.bytes - first.bytes) * 1_000) / (last.atMs - first.atMs);
  }

  /** Milliseconds until `bytes` are gone at this pace; null when it does not shrink. */
  etaMs(bytes: number): number | null {
    if (bytes === 0) return 0;
    const slope = this.bytesPerSecond;
    return slope === null || slope >= 0 ? null : Math.round((bytes / -slope) * 1_000);
  }
}
