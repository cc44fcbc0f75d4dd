import * as tf from '@tensorflow/tfjs-core';
import type { Recipe } from '../../protocol/index.ts';
import type { TensorSpec } from '../tensor/executors/executor.ts';
import type { ParameterGroup } from './parameter-store.ts';
import { GRADIENT, PARAMETER, type ReadyProgram } from './programs.ts';

export type AdamWSettings = Pick<
  Recipe,
  'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'weight_decay' | 'max_grad_norm'
>;

/** In front of the names of AdamW's moments, the mean of gradients and that of their squares. */
export const MEAN = 'exp_avg:';
export const SQUARE = 'exp_avg_sq:';

/** What the update of a parameter depends on beside its gradient. */
export interface Updated {
  readonly shape: readonly number[];
  readonly group: ParameterGroup;
}

/** Groups in the order in which their rates are fed. */
const groupsOf = (updated: Readonly<Record<string, Updated>>): ParameterGroup[] => [
  ...new Set(Object.values(updated).map(({ group }) => group)),
];

/**
 * What changes from step to step: `[1 - lr · weight_decay, lr / (1 - β1ᵗ), 1 / √(1 - β2ᵗ)]` of each group, in double
 * before.
 * @param stepOf counts a group's own steps, 1 for the first
 */
export const RATES = 'rates';
export function ratesOf(
  updated: Readonly<Record<string, Updated>>,
  settings: AdamWSettings,
  lr: number,
  stepOf: (group: ParameterGroup) => number,
): Float32Array {
  const { adam_beta1, adam_beta2, weight_decay } = settings;
  return Float32Array.from(
    groupsOf(updated).flatMap((group) => {
      const [rate, step] = [lr * group.rate, stepOf(group)];
      return [1 - rate * weight_decay, rate / (1 - adam_beta1 ** step), 1 / Math.sqrt(1 - adam_beta2 ** step)];
    }),
  );
}

/**
 * Clipping by the global norm (when max_grad_norm is above 0) and AdamW's step as a program, for executors that keep
 * parameters to themselves: each parameter, its moments and its gradient -> the new three, and `grad_norm`. The
 * formulas are those of train/optimizer.ts and tensor/kernels/assembly/adamw.ts.
 */
export function updateProgram(updated: Readonly<Record<string, Updated>>, settings: AdamWSettings): ReadyProgram {
  const names = Object.keys(updated);
  const groups = groupsOf(updated);
  const spec = (name: string): TensorSpec => ({ shape: updated[name]!.shape, dtype: 'float32' });
  const inputs = Object.fromEntries(
    [PARAMETER, MEAN, SQUARE, GRADIENT].flatMap((prefix) => names.map((name) => [prefix + name, spec(name)])),
  );
  const { adam_beta1: beta1, adam_beta2: beta2, adam_epsilon, max_grad_norm } = settings;
  return {
    inputs: { ...inputs, [RATES]: { shape: [3 * groups.length], dtype: 'float32' } },
    program: (given) => {
      const rates = groups.map((_, g) => [0, 1, 2].map((i) => tf.slice(given[RATES]!, [3 * g + i], [1])));
      const squares = names.map((name) => sumOfSquares(given[GRADIENT + name]!));
      const norm = tf.sqrt(squares.length === 1 ? squares[0]! : tf.addN(squares));
      // The 1e-6 is PyTorch's, in clip_grad_norm_.
      const clip = tf.minimum(tf.div(max_grad_norm, tf.add(norm, 1e-6)), 1);
      const outputs: Record<string, tf.Tensor> = { grad_norm: norm };
      for (const name of names) {
        const { group } = updated[name]!;
        const [shrink, stepSize, correction] = rates[groups.indexOf(group)]!;
        const raw = given[GRADIENT + name]!;
        const gradient = max_grad_norm > 0 ? tf.mul(raw, clip) : raw;
        const mean = tf.add(tf.mul(given[MEAN + name]!, beta1), tf.mul(gradient, 1 - beta1));
        const square = tf.add(tf.mul(given[SQUARE + name]!, beta2), tf.mul(tf.square(gradient), 1 - beta2));
        const change = tf.div(mean, tf.add(tf.mul(tf.sqrt(square), correction!), adam_epsilon));
        const weight = given[PARAMETER + name]!;
        const decayed = group.decay ? tf.mul(weight, shrink!) : weight;
        outputs[PARAMETER + name] = tf.sub(decayed, tf.mul(change, stepSize!));
        outputs[MEAN + name] = mean;
        outputs[SQUARE + name] = square;
      }
      return outputs;
    },
  };
}

/** Row by row and then over rows: in one go float32 would lose digits over millions of values. */
function sumOfSquares(x: tf.Tensor): tf.Tensor {
  const rows = tf.sum(tf.square(x), -1);
  return rows.rank === 0 ? rows : tf.sum(rows);
}
