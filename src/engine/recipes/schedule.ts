import { LuthierError, type Recipe } from '../../protocol/index.ts';
import { kindOf } from '../strategies/index.ts';
import { recipeSchema } from './recipe-schema.ts';

/** Steps of warmup that a recipe means: a share of all steps below 1, a number of steps otherwise. */
export const warmupSteps = ({ warmup_steps }: Pick<Recipe, 'warmup_steps'>, totalSteps: number): number =>
  warmup_steps < 1 ? Math.ceil(warmup_steps * totalSteps) : warmup_steps;

/** Schedules that begin with the warmup. */
const WARM: ReadonlySet<Recipe['lr_scheduler_type']> = new Set(['linear', 'cosine', 'constant_with_warmup']);

/** What to say of a warmup that the run ends within, or null. */
export function warmupWarning(
  recipe: Pick<Recipe, 'learning_rate' | 'lr_scheduler_type' | 'warmup_steps'>,
  totalSteps: number,
): string | null {
  const warmup = warmupSteps(recipe, totalSteps);
  if (!WARM.has(recipe.lr_scheduler_type) || warmup <= totalSteps) return null;
  const highest = Number(((recipe.learning_rate * totalSteps) / warmup).toPrecision(3));
  return `The warmup (warmup_steps ${warmup}) is longer than the run (${totalSteps} ${totalSteps === 1 ? 'step' : 'steps'}): the learning rate rises only to ${highest} (${recipe.learning_rate} · ${totalSteps}/${warmup}) and never reaches ${recipe.learning_rate}. Set warmup_steps to ${Math.max(1, Math.floor(totalSteps / 10))}, or to a share such as 0.06.`;
}

/** The one size that is made smaller for few rows: doors write it into recipes without anybody having chosen it. */
export const DEFAULT_BATCH = recipeSchema.shape.per_device_train_batch_size.parse(undefined);

/**
 * The recipe with a batch that the training rows fill: one of the default size is made as small as they are, whether the
 * recipe names it or not, and that is said.
 * @throws LuthierError `recipe-invalid` for another size
 */
export function fitBatch(recipe: Recipe, rows: number): { recipe: Recipe; note: string | null } {
  const batch = recipe.per_device_train_batch_size;
  if (batch <= rows) return { recipe, note: null };
  // A head that is solved takes all rows at once.
  if (rows > 0 && isSolved(recipe)) return { recipe: { ...recipe, per_device_train_batch_size: rows }, note: null };
  if (batch !== DEFAULT_BATCH || rows === 0) {
    throw new LuthierError(
      'recipe-invalid',
      `per_device_train_batch_size is ${batch}, but there ${rows === 1 ? 'is only 1 training row' : `are only ${rows} training rows`}.`,
      `Set per_device_train_batch_size to ${Math.max(1, rows)} or less.`,
    );
  }
  return {
    recipe: { ...recipe, per_device_train_batch_size: rows },
    note: `There ${rows === 1 ? 'is 1 training row' : `are ${rows} training rows`}, fewer than per_device_train_batch_size (${batch}), so each batch has ${rows}.`,
  };
}

/** Whether there are no optimiser's steps to be counted. */
const isSolved = ({ strategy }: Partial<Pick<Recipe, 'strategy'>>): boolean =>
  strategy !== undefined && (kindOf(strategy).isSolved?.(strategy) ?? false);

/** Optimiser steps of an epoch over so many rows, and of the whole run; a head that is solved is so in one. */
export function countSteps(
  recipe: Pick<
    Recipe,
    'per_device_train_batch_size' | 'gradient_accumulation_steps' | 'max_steps' | 'num_train_epochs'
  > &
    Partial<Pick<Recipe, 'strategy'>>,
  rows: number,
): { perEpoch: number; total: number } {
  if (isSolved(recipe)) return { perEpoch: 1, total: 1 };
  const microBatches = Math.ceil(rows / recipe.per_device_train_batch_size);
  const perEpoch = Math.ceil(microBatches / recipe.gradient_accumulation_steps);
  return { perEpoch, total: recipe.max_steps > 0 ? recipe.max_steps : Math.ceil(recipe.num_train_epochs * perEpoch) };
}

/**
 * Learning rate of the optimiser step with this 0-based number, as transformers' get_scheduler computes it
 * (optimization.py: linear, cosine with half a cycle, constant, constant_with_warmup), or slantedTriangular.
 */
export function learningRate(
  recipe: Pick<Recipe, 'learning_rate' | 'lr_scheduler_type' | 'warmup_steps' | 'cut_frac' | 'ratio'>,
  step: number,
  totalSteps: number,
): number {
  const { learning_rate, lr_scheduler_type: type } = recipe;
  if (type === 'constant') return learning_rate;
  if (type === 'slanted_triangular') return learning_rate * slantedTriangular(recipe, step, totalSteps);
  const warmup = warmupSteps(recipe, totalSteps);
  if (step < warmup) return (learning_rate * step) / Math.max(1, warmup);
  if (type === 'constant_with_warmup') return learning_rate;
  const progress = (step - warmup) / Math.max(1, totalSteps - warmup);
  const factor = type === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * progress)) : 1 - progress;
  return learning_rate * Math.max(0, factor);
}

/** Of the paper. */
const CUT_FRAC = 0.1;
const RATIO = 32;

/**
 * Share of the highest learning rate: a short rise and a long fall, both straight, from 1 / ratio and back to it
 * (Howard & Ruder 2018, equation 3). The paper ends the fall at cut · (1 / cut_frac - 1) steps after the cut, which is
 * the run's end where cut_frac is a whole number of steps; elsewhere it would fall below 0 before, and ends there here.
 */
function slantedTriangular(
  { cut_frac = CUT_FRAC, ratio = RATIO }: Pick<Recipe, 'cut_frac' | 'ratio'>,
  step: number,
  totalSteps: number,
): number {
  const cut = Math.floor(totalSteps * cut_frac);
  const p = step < cut ? step / cut : 1 - (step - cut) / Math.max(1, totalSteps - cut);
  return (1 + Math.max(0, p) * (ratio - 1)) / ratio;
}
