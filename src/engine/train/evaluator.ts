import { type EvaluationReport, LuthierError, type Split } from '../../protocol/index.ts';
import type { TaskRow } from '../data/types.ts';
import { measure } from '../infer/inference.ts';
import type { FittingBatch } from '../runtime/fitting-batch.ts';
import type { TaskModel } from '../runtime/model.ts';
import { keptSettings } from '../tasks/settings.ts';
import { type AnyTask, IGNORED, type SamplePrompt, type TaskSettings } from '../tasks/task.ts';
import type { HeadFeatures } from './head-features.ts';
import { sampleAnswers, whyNoSamples } from './samples.ts';
import type { TrainerParts } from './trainer-parts.ts';
import type { Between, Trainer } from './types.ts';

const NO_LOSSES = new Float32Array();

interface EvaluatorOptions {
  parts: TrainerParts;
  model: TaskModel;
  features: HeadFeatures;
  /** Rows that are measured at once. */
  fitting: FittingBatch;
  /** Hears what is left out where the card is full. */
  outOfMemory: (how: string) => void;
}

/** What is measured of a model while it is trained: reports of the parts, sample answers, what is forgotten. */
export class Evaluator {
  readonly #options: EvaluatorOptions;
  /** What was chosen on the validation rows for the weights as they are; null where they have changed since. */
  #tuned: ReturnType<NonNullable<AnyTask['tune']>> | null = null;
  #prompts: SamplePrompt[] | undefined;

  constructor(options: EvaluatorOptions) {
    this.#options = options;
  }

  /** The weights are others now. */
  forget(): void {
    this.#tuned = null;
  }

  async report(split: 'validation' | 'test', between?: Between): Promise<EvaluationReport> {
    const { task, dataset, encoded } = this.#options.parts;
    const measured = await this.#measured(split, between);
    return task.evaluate({
      split,
      labels: dataset.labels,
      rows: dataset[split],
      items: encoded[split],
      ...measured,
      settings: await this.#settings(split === 'validation' ? measured.logits : undefined, between),
      tuned: split === 'validation' && task.tune !== undefined,
      trainRows: dataset.train,
    });
  }

  /** How the weights as they are answer, with what was chosen for them; `note` says what that was. */
  async settings(): Promise<{ settings: TaskSettings; note: string | undefined }> {
    return { settings: await this.#settings(), note: this.#tuned?.note };
  }

  /** The same rows each time, answered greedily; left out where the task does not write or there are none. */
  get samples(): Trainer['samples'] {
    const { parts, model, outOfMemory } = this.#options;
    const { task, tokenizer } = parts;
    const rows: readonly TaskRow[] = parts.dataset.validation;
    if (!task.samplePrompts || rows.length === 0) return undefined;
    return async (between) => {
      try {
        return await sampleAnswers({ model, tokenizer, rows, prompts: this.#samplePrompts() }, between);
      } catch (error) {
        if (!(error instanceof LuthierError) || error.code !== 'not-enough-memory' || !model.device) throw error;
        await model.vacate();
        outOfMemory('The sample answers of this evaluation are left out.');
        return [];
      }
    };
  }

  get general(): Trainer['general'] {
    const { parts, model, fitting } = this.#options;
    const { task, recipe, tokenizer, maxLength } = parts;
    const items = task.generalText?.(tokenizer, maxLength);
    if (!items) return undefined;
    return async (between) => {
      const batchSize = recipe.per_device_eval_batch_size;
      const { losses = NO_LOSSES } = await measure(task, model, items, { batchSize, fitting, between });
      // A token without a label has no loss, and counts for nothing.
      const tokens = items.reduce((n, { labels }) => n + labels.filter((label) => label !== IGNORED).length, 0);
      return { tokens, perplexity: Math.exp(losses.reduce((sum, loss) => sum + loss, 0) / tokens) };
    };
  }

  /** Says why a task that writes will show no answers, where that is so. */
  tellSamples(): void {
    const { task, dataset, note } = this.#options.parts;
    if (!task.samplePrompts) return;
    const why = whyNoSamples({ prompts: this.#samplePrompts(), rows: dataset.validation.length });
    if (why !== null) note('info', why);
  }

  #samplePrompts(): SamplePrompt[] {
    const { task, dataset, tokenizer, maxLength } = this.#options.parts;
    this.#prompts ??= task.samplePrompts?.(dataset.validation, tokenizer, maxLength) ?? [];
    return this.#prompts;
  }

  /** @param logits of the validation rows, where they are known */
  async #settings(logits?: Float32Array, between?: Between): Promise<TaskSettings> {
    const { task, recipe, encoded } = this.#options.parts;
    if (task.tune && !this.#tuned) {
      const given = logits ?? (await this.#measured('validation', between)).logits;
      this.#tuned = task.tune(encoded.validation, given);
    }
    return { ...keptSettings(recipe), ...this.#tuned?.settings };
  }

  async #measured(split: Split, between?: Between): ReturnType<typeof measure> {
    const { parts, model, features, fitting } = this.#options;
    if (model.headOnly) return { logits: await model.headLogits(await features.of(split, between)) };
    const batchSize = parts.recipe.per_device_eval_batch_size;
    return measure(parts.task, model, parts.encoded[split], { batchSize, fitting, between });
  }
}
