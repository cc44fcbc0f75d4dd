export type Wish = 'run' | 'pause' | 'stop' | 'interrupt' | 'cancel';

/** A wish to end beats one to pause, and of two the one that keeps less: who presses Cancel after Stop means it. */
const RANK: Record<Wish, number> = { run: 0, pause: 0, stop: 1, interrupt: 2, cancel: 3 };

/** Thrown out of an evaluation that a wish made pointless; never leaves the loop. */
export class Abandoned extends Error {}

/**
 * What people want of a run, from any number of clients. A step blocks the thread, so wishes arrive between steps,
 * when the loop calls `turn`; whoever asked is answered when the loop has done it.
 */
export class Control {
  #wish: Wish = 'run';
  #asked: { wish: Wish; resolve: (step: number) => void }[] = [];
  #changed: (() => void)[] = [];
  #finalStep: number | null = null;

  get wish(): Wish {
    return this.#wish;
  }

  /** Whether the run is to end. */
  get ending(): boolean {
    return RANK[this.#wish] > 0;
  }

  /** @returns the step that the wish was fulfilled after; a run that has ended answers with its last one */
  ask(wish: Wish): Promise<number> {
    if (this.#finalStep !== null) return Promise.resolve(this.#finalStep);
    if (RANK[wish] >= RANK[this.#wish]) this.#wish = wish;
    const answer = new Promise<number>((resolve) => this.#asked.push({ wish, resolve }));
    for (const wake of this.#changed.splice(0)) wake();
    return answer;
  }

  /** Resolves at the next wish. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  /** Resolves when the run is asked to end. */
  async ended(): Promise<void> {
    while (!this.ending) await this.changed();
  }

  /** Answers those who wished for what has now been done. */
  fulfil(step: number): void {
    const done = this.#asked.filter((a) => RANK[a.wish] <= RANK[this.#wish]);
    this.#asked = this.#asked.filter((a) => !done.includes(a));
    for (const { resolve } of done) resolve(step);
  }

  /** Answers everyone, now and later: the run has ended. */
  finish(step: number): void {
    this.#finalStep = step;
    for (const { resolve } of this.#asked.splice(0)) resolve(step);
  }

  /** Lets the event loop read what came in on the sockets: once to poll them, once for the queue that messages pass through. */
  async turn(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}
