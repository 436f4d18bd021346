/**
 * Bytes received and not yet applied. Reading stops above the limit and goes on below half of it:
 * status updates continue meanwhile, so a slow target never costs the connection.
 */
export class MemoryMeter {
  readonly #limitBytes: number;
  #bytes = 0;
  #paused = false;
  #valve: { pauseReading(): void; resumeReading(): void } | null = null;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  connect(valve: { pauseReading(): void; resumeReading(): void }): void {
    this.#valve = valve;
    if (this.#paused) valve.pauseReading();
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#paused && this.#bytes > this.#limitBytes) {
      this.#paused = true;
      this.#valve?.pauseReading();
    }
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#paused && this.#bytes <= this.#limitBytes / 2) {
      this.#paused = false;
      this.#valve?.resumeReading();
    }
  }
}
