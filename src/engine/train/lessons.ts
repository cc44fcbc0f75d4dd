import { counted, type Recipe } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import { countSteps } from '../recipes/schedule.ts';
import { kindOf } from '../strategies/index.ts';
import type { PairKeys } from '../strategies/kind.ts';
import { cosineSimilarityLoss } from '../tasks/contrastive-loss.ts';
import type { AnyTask, LabelledItem, Loss } from '../tasks/task.ts';
import { contrastiveStepCount, contrastiveSteps, refuseMany } from './contrastive-steps.ts';

/** What the steps of a training learn from: rows one by one, or compared with each other. */
export interface Lessons {
  /** Where they are compared, those of a step follow each other. */
  items: readonly LabelledItem[];
  /** All that they are made of: the training rows' items, and behind them those of the labels' names. */
  rows: readonly LabelledItem[];
  /** The recipe by whose keys steps are made of them: pairs have their own. */
  recipe: Recipe;
  loss: Loss;
  /** The items of an epoch in their order, which depends on seed and epoch alone. */
  order(epoch: number): Uint32Array;
  /** Those of a step are compared by their embeddings, and the classifier is solved when it is asked. */
  isPaired: boolean;
  /** What a person should know before the start. */
  note: string | null;
}

/**
 * @param own items of the training rows
 * @param named those that are made of the labels' names (label-rows.ts)
 */
export function lessonsOf(
  task: AnyTask,
  recipe: Recipe,
  own: readonly LabelledItem[],
  labels: readonly string[],
  named: readonly LabelledItem[],
): Lessons {
  const keys = kindOf(recipe.strategy).pairs?.(recipe.strategy);
  if (keys) return pairLessons(keys, recipe, own, named);
  const rows = named.length === 0 ? own : [...own, ...named];
  return {
    items: rows,
    rows,
    recipe,
    loss: task.loss({ recipe, labels, items: rows }),
    order: (epoch) => new Random(recipe.seed, epoch).shuffle(Uint32Array.from({ length: rows.length }, (_, i) => i)),
    isPaired: false,
    note: null,
  };
}

/**
 * Steps that a recipe takes on so many items of training rows, and so many of the labels' names beside them: those of the
 * lessons that would be made of them.
 */
export function stepsOnItems(recipe: Recipe, own: number, named: number): number {
  const pairs = kindOf(recipe.strategy).pairs?.(recipe.strategy);
  if (pairs) return contrastiveStepCount(own + named, pairs);
  // As fitBatch has it, which refuses what this only foresees.
  const batch = Math.max(1, Math.min(recipe.per_device_train_batch_size, own));
  return countSteps({ ...recipe, per_device_train_batch_size: batch }, own + named).total;
}

function pairLessons(
  keys: PairKeys,
  recipe: Recipe,
  own: readonly LabelledItem[],
  named: readonly LabelledItem[],
): Lessons {
  refuseMany(own.length);
  const rows = [...own, ...named];
  const dealt = contrastiveSteps(
    rows.map(({ labels }) => labels[0]!),
    keys,
    recipe.seed,
  );
  const { size } = dealt;
  const names = named.length === 0 ? '' : ` and ${counted(named.length, 'row')} of the labels’ names`;
  return {
    items: Array.from(dealt.rows, (row) => rows[row]!),
    rows,
    recipe: pairRecipe(keys, recipe, size),
    loss: cosineSimilarityLoss(),
    order: () => Uint32Array.from(dealt.rows, (_, i) => i),
    isPaired: true,
    note: `few-shot: the encoder learns from ${counted(own.length, 'training row')}${names}, ${size} in each of ${counted(dealt.rows.length / size, 'step')}; every two of a step are compared (${counted(dealt.alike, 'pair')} of the same class and ${counted(dealt.different, 'pair')} of different ones in all), and the training loss is theirs. Then the classifier is solved on the embeddings. Learning rate, epochs, steps, warmup and batch size are the strategy’s own keys, not the recipe’s.`,
  };
}

/** A recipe with the strategy's keys in the place of those by which rows are learnt. Linear decay, as setfit has it. */
function pairRecipe(keys: PairKeys, recipe: Recipe, size: number): Recipe {
  const { warmup_proportion: warmup } = keys;
  return {
    ...recipe,
    per_device_train_batch_size: size,
    gradient_accumulation_steps: 1,
    num_train_epochs: 1,
    max_steps: -1,
    learning_rate: keys.body_learning_rate,
    lr_scheduler_type: 'linear',
    // From 1 on a recipe's warmup is a number of steps.
    warmup_steps: Math.min(warmup, 1 - Number.EPSILON),
  };
}
