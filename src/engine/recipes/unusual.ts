import type { Recipe } from '../../protocol/index.ts';
import { warmupWarning } from './schedule.ts';

/** Above it no recipe for fine-tuning goes; adapters and lone classifiers take 0.001 to 0.01. */
const HIGHEST_LEARNING_RATE = 0.1;
/** Small models of a handful of rows take a few hundred. */
const MOST_EPOCHS = 1000;
/** The highest at which Bavarian et al. (2022) found that a model learns to go on as well as without. */
const HIGHEST_FIM_RATE = 0.9;

/** A key whose value a recipe may have, and hardly means. */
export interface Unusual {
  key: 'learning_rate' | 'num_train_epochs' | 'warmup_steps' | 'fim_rate';
  message: string;
}

/** What in a recipe is likely a slip, by its own words; `totalSteps` where more than max_steps tells them. */
export function unusualValues(recipe: Recipe, totalSteps: number = recipe.max_steps): Unusual[] {
  const { learning_rate, num_train_epochs, max_steps } = recipe;
  const found: Unusual[] = [];
  if (learning_rate > HIGHEST_LEARNING_RATE) {
    const message = `learning_rate is ${learning_rate}; at such a rate the weights are soon too large and the model learns nothing. Usual rates are 0.00001 to 0.001.`;
    found.push({ key: 'learning_rate', message });
  }
  if (num_train_epochs > MOST_EPOCHS && max_steps <= 0) {
    const message = `num_train_epochs is ${num_train_epochs}: all training rows are read ${num_train_epochs} times. Usual values are 1 to 20.`;
    found.push({ key: 'num_train_epochs', message });
  }
  const { fim_rate = 0 } = recipe;
  if (fim_rate > HIGHEST_FIM_RATE) {
    const message = `fim_rate is ${fim_rate}: hardly a text is learned in its own order, in which validation rows are measured, so the weights that are kept may be those of an early step that cannot fill gaps yet. Usual values are 0.5 to ${HIGHEST_FIM_RATE}.`;
    found.push({ key: 'fim_rate', message });
  }
  const warmup = totalSteps > 0 ? warmupWarning(recipe, totalSteps) : null;
  if (warmup) found.push({ key: 'warmup_steps', message: warmup });
  return found;
}
