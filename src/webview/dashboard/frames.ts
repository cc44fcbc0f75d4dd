/**
 * Work that waits for the next frame, once however often it is asked for, and no more in a frame than the budget:
 * what is left comes in the frames after it, in the order of asking.
 */
export class FrameQueue {
  readonly #waiting = new Map<object, () => void>();
  #scheduled = false;

  constructor(
    readonly budget_ms = 4,
    private readonly onFrame: (run: () => void) => void = (run) => requestAnimationFrame(run),
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** `key` says whose work it is: asked for again before it ran, it still runs once. */
  ask(key: object, work: () => void): void {
    this.#waiting.set(key, work);
    this.#schedule();
  }

  drop(key: object): void {
    this.#waiting.delete(key);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.onFrame(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const end = this.now() + this.budget_ms;
    try {
      // Of those that wait now: what this work asks for waits for the next frame.
      for (const key of [...this.#waiting.keys()]) {
        const work = this.#waiting.get(key);
        if (!work) continue;
        this.#waiting.delete(key);
        work();
        if (this.now() >= end) break;
      }
    } finally {
      if (this.#waiting.size > 0) this.#schedule();
    }
  }
}
