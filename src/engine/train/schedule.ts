import type { Recipe } from '../../protocol/index.ts';

/** Steps of warmup that a recipe means: a share of all steps below 1, a number of steps otherwise. */
export const warmupSteps = ({ warmup_steps }: Pick<Recipe, 'warmup_steps'>, totalSteps: number): number =>
  warmup_steps < 1 ? Math.ceil(warmup_steps * totalSteps) : Math.min(warmup_steps, totalSteps);

/** Optimiser steps of an epoch over so many rows, and of the whole run. */
export function countSteps(
  recipe: Pick<
    Recipe,
    'per_device_train_batch_size' | 'gradient_accumulation_steps' | 'max_steps' | 'num_train_epochs'
  >,
  rows: number,
): { perEpoch: number; total: number } {
  const microBatches = Math.ceil(rows / recipe.per_device_train_batch_size);
  const perEpoch = Math.ceil(microBatches / recipe.gradient_accumulation_steps);
  return { perEpoch, total: recipe.max_steps > 0 ? recipe.max_steps : Math.ceil(recipe.num_train_epochs * perEpoch) };
}

/**
 * Learning rate of the optimiser step with this 0-based number, as transformers' get_scheduler computes it
 * (optimization.py: linear, cosine with half a cycle, constant, constant_with_warmup).
 */
export function learningRate(
  recipe: Pick<Recipe, 'learning_rate' | 'lr_scheduler_type' | 'warmup_steps'>,
  step: number,
  totalSteps: number,
): number {
  const { learning_rate, lr_scheduler_type: type } = recipe;
  if (type === 'constant') return learning_rate;
  const warmup = warmupSteps(recipe, totalSteps);
  if (step < warmup) return (learning_rate * step) / Math.max(1, warmup);
  if (type === 'constant_with_warmup') return learning_rate;
  const progress = (step - warmup) / Math.max(1, totalSteps - warmup);
  const factor = type === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * progress)) : 1 - progress;
  return learning_rate * Math.max(0, factor);
}
