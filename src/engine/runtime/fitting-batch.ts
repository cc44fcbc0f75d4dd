import { LuthierError } from '../../protocol/index.ts';
import type { TaskModel } from './model.ts';

/** How many texts a model computes at once: what was asked for, until that does not fit into its executor's own memory. */
export class FittingBatch {
  #size: number;
  readonly #model: Pick<TaskModel, 'device' | 'vacate'>;
  readonly #multiple: number;
  readonly #tell: (size: number, before: number) => void;

  /**
   * @param multiple texts that belong together
   * @param tell hears of a smaller size
   */
  constructor(
    size: number,
    model: Pick<TaskModel, 'device' | 'vacate'>,
    tell: (size: number, before: number) => void,
    multiple = 1,
  ) {
    this.#size = size;
    this.#model = model;
    this.#tell = tell;
    this.#multiple = multiple;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes up the size that an earlier process came to. */
  recall(size: number): void {
    this.#size = Math.min(this.#size, size);
  }

  /**
   * After a failed attempt with so many texts: about half of them from now on. All that the model took there is given
   * back first, since the library keeps the larger batch's buffers for others of their size.
   * @throws the error itself where it is another, where there is no such memory, or where fewer texts would not help
   */
  async shrink(error: unknown, texts: number): Promise<void> {
    const { device } = this.#model;
    if (!(error instanceof LuthierError) || error.code !== 'not-enough-memory' || !device?.isThere) throw error;
    const smaller = Math.ceil(texts / 2 / this.#multiple) * this.#multiple;
    if (smaller >= texts) throw error;
    await this.#model.vacate();
    this.#size = smaller;
    this.#tell(smaller, texts);
  }
}
