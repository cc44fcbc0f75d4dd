import type { RecipeInput, Strategy } from './recipe.ts';
import { TASKS, type TaskName, taskOf } from './tasks.ts';

/** A strategy as it is offered, with every key that a door writes into a recipe (src/engine/strategies). */
export interface StrategySuggestion {
  title: string;
  detail: string;
  strategy: Strategy;
  isRecommended: boolean;
  /** Why it is, where the number of rows decides it: to be put behind a colon. */
  reason?: string;
  /** Where it is not that of pretrained weights. */
  learning_rate?: number;
}

/**
 * Optimiser steps that a classifier needs at least, however few its rows are: in the epochs of larger data it would hardly
 * have begun to learn (Zhang et al. 2021, arXiv:2006.05987; measured: bench/NOTES.md, “Few rows”).
 */
const LEAST_STEPS = 256;
/** Epochs at most for that: a handful of rows teaches nothing more after so many. */
const MOST_EPOCHS = 40;

/**
 * Rows from which a classifier's predictions may be in 8 bits: then a tenth of them is enough to judge it by when the model
 * is written. It was measured to cost no accuracy (bench/NOTES.md, “Predictions in 8 bits”).
 */
const LEAST_ROWS_FOR_8BIT = 1000;

/**
 * Learning rate, epochs and batch for so many rows, as the editor and the terminal's questions offer them: few rows
 * are seen often enough to be learnt, many do not take a day. Rates are BERT's usual one (Devlin et al. 2019,
 * appendix A.3); four times that for a starter, whose layers are half as wide and which learns too little from some
 * hundred rows otherwise (seen on examples/); a strategy's own where it has
 * one, and more epochs: what such a strategy trains starts from nothing, or is little. A model that writes knows its
 * language already: it passes over the rows once or twice, and adapters learn at half their rate, as in the recipes of
 * examples/; its rows are long, so that fewer make a batch.
 */
export function suggestedTraining(
  rows: number,
  { learning_rate: ownRate, strategy }: Pick<StrategySuggestion, 'learning_rate' | 'strategy'>,
  model: string,
  task: TaskName,
): Required<Pick<RecipeInput, 'learning_rate' | 'num_train_epochs' | 'per_device_train_batch_size'>> &
  Pick<RecipeInput, 'predict_in_8bit'> {
  const isStarter = model.startsWith('starters/');
  const rate = isStarter && rows < 20_000 ? 2e-4 : 5e-5;
  // A batch may not be larger than the training part; a tenth is held out.
  const batch = rows < 8 ? Math.max(1, Math.floor(rows / 2)) : rows < 80 ? 4 : rows < 300 ? 8 : 16;
  if (taskOf(task).writes) {
    return {
      // Adapters at half the rate that they have in a classifier.
      learning_rate: ownRate === undefined ? rate : strategy.type === 'lora' ? ownRate / 2 : ownRate,
      num_train_epochs: rows < 100 ? 4 : rows < 20_000 ? 2 : 1,
      per_device_train_batch_size: Math.min(8, batch),
    };
  }
  const enough = Math.min(MOST_EPOCHS, Math.ceil(LEAST_STEPS / Math.ceil((0.9 * rows) / batch)));
  const epochs = Math.max(enough, rows < 2000 ? 5 : rows < 20_000 ? 3 : 1);
  return {
    learning_rate: ownRate ?? rate,
    num_train_epochs: ownRate === undefined ? epochs : Math.max(5, epochs),
    per_device_train_batch_size: batch,
    ...(task === TASKS[0].name && rows >= LEAST_ROWS_FOR_8BIT && { predict_in_8bit: true }),
  };
}
