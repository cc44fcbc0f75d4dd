import { lstatSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../files/errno.ts';
import { LuthierError } from '../../protocol/index.ts';

/** How often a run that trains looks whether its folder is still there. */
const LOOK_MS = 1_000;
/** Deleting a folder takes a while, and what it holds goes first. */
const DELETING_MS = 2_000;

/**
 * A run's folder as the one that it was at the start, whatever its name: a run whose folder was deleted or moved has
 * nowhere to write, and must not make the folder again.
 */
export class Place {
  readonly #folder: string;
  readonly #dev: number;
  readonly #ino: number;
  /** When the folder was last looked for, on the process's clock. */
  #lookedAt = 0;

  private constructor(folder: string, dev: number, ino: number) {
    this.#folder = folder;
    this.#dev = dev;
    this.#ino = ino;
  }

  static async of(folder: string): Promise<Place> {
    const { dev, ino } = await lstat(folder);
    return new Place(folder, dev, ino);
  }

  /** @throws LuthierError `run-not-found` */
  require(): void {
    const gone = this.#gone();
    if (gone !== null) throw gone;
  }

  /** The same once a second. */
  requireNowAndThen(): void {
    if (performance.now() - this.#lookedAt > LOOK_MS) this.require();
  }

  /**
   * Work that writes into the folder. What fails for want of the folder says so; where a file was missed, the folder may
   * be about to go.
   * @throws LuthierError `run-not-found`; whatever the work throws
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const isMissed = [error, (error as Error | undefined)?.cause].some((of) => errnoOf(of) === 'ENOENT');
      const end = performance.now() + (isMissed ? DELETING_MS : 0);
      while (this.#gone() === null && performance.now() < end) await sleep(50);
      throw this.#gone() ?? error;
    }
  }

  #gone(): LuthierError | null {
    this.#lookedAt = performance.now();
    const found = lstatSync(this.#folder, { throwIfNoEntry: false });
    if (found?.dev === this.#dev && found.ino === this.#ino) return null;
    return new LuthierError(
      'run-not-found',
      `The run's folder ${this.#folder} was deleted or moved during training, so the run has ended.`,
      'If you moved it, resume the run from its last checkpoint in its new place.',
    );
  }
}
