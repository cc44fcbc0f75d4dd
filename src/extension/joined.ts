/** Work that is done once at a time. Calls while it is done are joined to one more after it. */
export class Joined {
  readonly #work: () => Promise<void>;
  readonly #isOver: () => boolean;
  #running: Promise<void> | null = null;
  #again = false;

  /** @param isOver whether what was asked for meanwhile is not done any more */
  constructor(work: () => Promise<void>, isOver: () => boolean = () => false) {
    this.#work = work;
    this.#isOver = isOver;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Resolves once a work that began after the call is done. @throws whatever the work throws */
  async run(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return await this.#running;
    }
    this.#running = this.#all();
    try {
      await this.#running;
    } finally {
      this.#running = null;
    }
  }

  async #all(): Promise<void> {
    do {
      this.#again = false;
      await this.#work();
    } while (this.#again && !this.#isOver());
  }
}
