import { meanOf, type Recipe } from '../../protocol/index.ts';
import type { Trainer } from './types.ts';

/** Steps whose mean stands for the coming ones. */
const RECENT = 50;
/** An evaluated row costs about a third of a trained one: no backward pass. */
const FORWARD_SHARE = 1 / 3;

/** How long a run still takes, from the mean of its recent steps and of its evaluations. */
export class Forecast {
  readonly #trainer: Trainer;
  readonly #rowsPerStep: number;
  readonly #stepsPerEvaluation: number;
  #steps: number[] = [];
  #seen = 0;
  #evaluations: number[] = [];

  constructor(trainer: Trainer, recipe: Recipe) {
    this.#trainer = trainer;
    this.#rowsPerStep = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
    this.#stepsPerEvaluation = recipe.eval_steps || trainer.stepsPerEpoch;
  }

  step(ms: number): void {
    this.#seen++;
    // The first one also compiles the graph and touches all memory for the first time.
    if (this.#seen === 1) return;
    this.#steps.push(ms);
    if (this.#steps.length > RECENT) this.#steps.shift();
  }

  evaluation(ms: number): void {
    this.#evaluations.push(ms);
  }

  /**
   * Seconds from after `step` to the end; null while nothing is known, and after the last step: what follows it is measured
   * and written rather than trained, which whoever shows this says.
   */
  secondsLeft(step: number): number | null {
    if (this.#steps.length === 0 || step >= this.#trainer.totalSteps) return null;
    const stepMs = meanOf(this.#steps);
    const evaluations = this.#evaluationsLeft(step);
    const evaluationMs =
      this.#evaluations.length > 0
        ? meanOf(this.#evaluations)
        : (this.#trainer.numValidationRows / this.#rowsPerStep) * stepMs * FORWARD_SHARE;
    return ((this.#trainer.totalSteps - step) * stepMs + evaluations * evaluationMs) / 1000;
  }

  /** Those after `step` itself, if it is one, and after each later one. */
  #evaluationsLeft(step: number): number {
    const { totalSteps, numValidationRows, pretraining } = this.#trainer;
    if (numValidationRows === 0) return 0;
    const before = pretraining?.steps ?? 0;
    const [total, done] = [totalSteps - before, Math.max(1, step - before)];
    const every = this.#stepsPerEvaluation;
    const last = total % every === 0 ? 0 : 1;
    return Math.floor(total / every) - Math.ceil(done / every) + 1 + last;
  }
}
