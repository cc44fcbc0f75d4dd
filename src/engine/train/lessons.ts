import { counted, type Recipe } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import { kindOf } from '../strategies/index.ts';
import type { PairKeys } from '../strategies/kind.ts';
import { cosineSimilarityLoss } from '../tasks/contrastive-loss.ts';
import type { AnyTask, LabelledItem, Loss } from '../tasks/task.ts';
import { pairOrder, samplePairs } from './contrastive-pairs.ts';

/** What the steps of a training learn from: rows one by one, or pairs of them. */
export interface Lessons {
  /** In pairs those of two are next to each other. */
  items: readonly LabelledItem[];
  /** The recipe by whose keys steps are made of them: pairs have their own. */
  recipe: Recipe;
  loss: Loss;
  /** The items of an epoch in their order, which depends on seed and epoch alone. */
  order(epoch: number): Uint32Array;
  /** Pairs are compared by their embeddings, and the classifier is solved when it is asked. */
  isPaired: boolean;
  /** What a person should know before the start. */
  note: string | null;
}

/** @param rows those that are trained on */
export function lessonsOf(
  task: AnyTask,
  recipe: Recipe,
  rows: readonly LabelledItem[],
  labels: readonly string[],
): Lessons {
  const keys = kindOf(recipe.strategy).pairs?.(recipe.strategy);
  if (keys) return pairLessons(keys, recipe, rows);
  return {
    items: rows,
    recipe,
    loss: task.loss({ recipe, labels, items: rows }),
    order: (epoch) => new Random(recipe.seed, epoch).shuffle(Uint32Array.from({ length: rows.length }, (_, i) => i)),
    isPaired: false,
    note: null,
  };
}

function pairLessons(keys: PairKeys, recipe: Recipe, rows: readonly LabelledItem[]): Lessons {
  const drawn = samplePairs(
    rows.map(({ labels }) => labels[0]!),
    keys,
    recipe.seed,
  );
  const count = drawn.targets.length;
  // Of each row two: what its pairs should be. The many items of the pairs are these.
  const sides = [0, 1].map((target) => rows.map((row) => ({ ...row, labels: Float32Array.of(target) })));
  const items = Array.from(drawn.rows, (row, i) => sides[drawn.targets[i >> 1]!]![row]!);
  const alike = drawn.targets.reduce((sum, target) => sum + target, 0);
  const paired = pairRecipe(keys, recipe, count);
  return {
    items,
    recipe: paired,
    loss: cosineSimilarityLoss(),
    order: (epoch) => {
      const order = pairOrder(count, recipe.seed, epoch);
      return Uint32Array.from({ length: 2 * count }, (_, i) => 2 * order[i >> 1]! + (i & 1));
    },
    isPaired: true,
    note: `few-shot: the encoder learns from ${counted(count, 'pair')} of ${counted(rows.length, 'training row')} (${alike.toLocaleString('en')} of the same class, ${(count - alike).toLocaleString('en')} of different ones), ${paired.per_device_train_batch_size / 2} in a step, and the training loss is theirs; then the classifier is solved on the embeddings. Learning rate, epochs, steps, warmup and batch size are the strategy’s own keys, not the recipe’s.`,
  };
}

/**
 * A recipe with the strategy's keys in the place of those by which rows are learnt, its items being the sides of pairs:
 * two of them are a pair. Linear decay, as transformers' Trainer has it and with it setfit.
 */
function pairRecipe(keys: PairKeys, recipe: Recipe, pairs: number): Recipe {
  const { warmup_proportion: warmup } = keys;
  return {
    ...recipe,
    per_device_train_batch_size: 2 * Math.min(keys.batch_size, pairs),
    gradient_accumulation_steps: 1,
    num_train_epochs: keys.num_epochs,
    max_steps: keys.max_steps,
    learning_rate: keys.body_learning_rate,
    lr_scheduler_type: 'linear',
    // From 1 on a recipe's warmup is a number of steps.
    warmup_steps: Math.min(warmup, 1 - Number.EPSILON),
  };
}
