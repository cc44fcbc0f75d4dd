import type { SolvedHead } from '../../protocol/index.ts';
import { inBatches } from '../infer/inference.ts';
import type { FittingBatch } from '../runtime/fitting-batch.ts';
import type { LabelledItem } from '../tasks/task.ts';
import type { ChosenHead } from './choose-head.ts';
import { type SolvedHeadOptions, solvedHead } from './solved-head.ts';

interface SolvedAnswersOptions extends Omit<SolvedHeadOptions, 'features' | 'recipe'> {
  recipe: SolvedHeadOptions['recipe'] & { per_device_eval_batch_size: number };
  fitting: FittingBatch;
  /** Brings the weights into the engine's memory before they are solved on. */
  collect: () => Promise<void>;
}

/** A classifier that is solved instead of trained, for the encoder as it is. */
export class SolvedAnswers {
  readonly #options: SolvedAnswersOptions;
  #areSolved = false;
  #last: SolvedHead | undefined;

  constructor(options: SolvedAnswersOptions) {
    this.#options = options;
  }

  /** How it was last solved, a new object each time. */
  get last(): SolvedHead | undefined {
    return this.#last;
  }

  /** The encoder is another one now. */
  forget(): void {
    this.#areSolved = false;
  }

  /** Where pairs teach the encoder: its classifier is solved for it as it is, unless that was done. */
  async bringUp(between?: (done: number, total: number) => Promise<void>): Promise<void> {
    if (this.#areSolved) return;
    const { model, items, recipe, fitting, collect } = this.#options;
    const features = await inBatches({
      ...{ texts: items, batchSize: recipe.per_device_eval_batch_size, width: model.architecture.hiddenSize },
      ...{ run: (texts: LabelledItem[]) => model.features(texts), fitting, between },
    });
    await collect();
    await this.solve(features, async () => between?.(items.length, items.length));
    this.#areSolved = true;
  }

  /** @param features what the head is given for each training row */
  async solve(features: Float32Array, between: () => Promise<void>): Promise<ChosenHead> {
    const { model, task, recipe, labels, items, own, note } = this.#options;
    const began = performance.now();
    const solved = await solvedHead({ model, task, recipe, labels, items, own, features, note }, between);
    const seconds = (performance.now() - began) / 1000;
    model.device?.replaced('weights');
    const { C, choices, folds, rows, iterations, converged, loss } = solved;
    this.#last = {
      ...{ C, choices, folds, validated_rows: rows, rows: own, features: model.architecture.hiddenSize },
      ...(items.length > own && { label_rows: items.length - own }),
      ...{ iterations, converged, loss, seconds },
    };
    return solved;
  }
}
