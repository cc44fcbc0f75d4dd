import type { CheckpointEvent, Recipe } from '../../protocol/index.ts';
import type { Trainer } from './types.ts';

/** A checkpoint is never older than this. */
const INTERVAL_MS = 5 * 60_000;

/** When a training's next whole checkpoint is due: by the recipe's save_steps, else each epoch, and after five minutes. */
export class CheckpointSchedule {
  readonly #trainer: Trainer;
  readonly #recipe: Recipe;
  readonly #now: () => number;
  #savedStep: number;
  #savedAt: number;

  /** @param now milliseconds */
  constructor(trainer: Trainer, recipe: Recipe, now: () => number) {
    this.#trainer = trainer;
    this.#recipe = recipe;
    this.#now = now;
    this.#savedStep = trainer.step;
    this.#savedAt = now();
  }

  /** Why a checkpoint of the trainer's step is due; null where none is. */
  due(): CheckpointEvent['reason'] | null {
    const { step, stepsPerEpoch, pretraining } = this.#trainer;
    const { save_steps } = this.#recipe;
    if (this.isSaved) return null;
    if (save_steps > 0 && step % save_steps === 0) return 'save_steps';
    const done = step - (pretraining?.steps ?? 0);
    if (save_steps === 0 && done >= 0 && done % stepsPerEpoch === 0) return 'epoch';
    return this.#now() - this.#savedAt >= INTERVAL_MS ? 'interval' : null;
  }

  /** Whether the trainer's step has a whole checkpoint. */
  get isSaved(): boolean {
    return this.#trainer.step === this.#savedStep;
  }

  /** The trainer's step has one now. */
  saved(): void {
    this.#savedStep = this.#trainer.step;
    this.restart();
  }

  /** Time in which nothing was done does not count. */
  restart(): void {
    this.#savedAt = this.#now();
  }
}
