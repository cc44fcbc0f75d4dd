import * as tf from '@tensorflow/tfjs-core';
import type { Recipe } from '../../protocol/index.ts';
import { type Shape, sizeOf, type TensorSpec } from '../tensor/executors/executor.ts';
import { rowNorms, scaledSquare } from '../tensor/ops/index.ts';
import { type Block, ROW } from './flat-blocks.ts';
import type { ParameterGroup } from './parameter-store.ts';
import { GRADIENT, LOSS_SCALE, PARAMETER, type ReadyProgram, TRANSPOSED } from './programs.ts';
import { fedAs, type TablePieces } from './table-pieces.ts';

export type AdamWSettings = Pick<
  Recipe,
  'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'weight_decay' | 'max_grad_norm'
>;

/** Of gradients that are those of the loss times a factor, with which a step may come to nothing. */
export interface Scaled {
  /** A power of two. */
  lossScale: number;
  /** Of the steps before, how many of these phases' were skipped. */
  skippedIn: (phases: readonly number[]) => number;
}

/** In front of the names of AdamW's moments, the mean of gradients and that of their squares. */
export const MEAN = 'exp_avg:';
export const SQUARE = 'exp_avg_sq:';

/**
 * What changes from step to step: what weights are multiplied by, what their change is, and what is added to its divisor.
 * Where PyTorch divides the root of v by that of its bias correction, both others are multiplied by it instead.
 */
type Rate = 'decay' | 'rate' | 'epsilon';

/** What a rate depends on: groups that agree in it have the same. */
const KEYS: Readonly<Record<Rate, (group: ParameterGroup) => string>> = {
  decay: ({ decay, rate }) => String(decay ? rate : 0),
  rate: ({ rate, phases }) => `${rate} in ${phases}`,
  epsilon: ({ phases }) => String(phases),
};

/** The input that a block's rate comes by: one number where all of its groups have the same, else one for each. */
function inputOf(rate: Rate, { groups }: Block): { name: string; groups: readonly ParameterGroup[] } {
  const keys = groups.map(({ group }) => KEYS[rate](group));
  const differ = new Set(keys).size > 1;
  return {
    name: `${rate} ${(differ ? keys : keys.slice(0, 1)).join(', ')}`,
    groups: groups.slice(0, differ ? groups.length : 1).map(({ group }) => group),
  };
}

const ratesIn = ({ groups }: Block, { weight_decay }: AdamWSettings): Rate[] =>
  weight_decay > 0 && groups.some(({ group }) => group.decay) ? ['decay', 'rate', 'epsilon'] : ['rate', 'epsilon'];

/**
 * Feeds of a step's rates, in double before.
 * @param stepOf counts a group's own steps, 1 for the first
 */
export function ratesOf(
  blocks: readonly Block[],
  settings: AdamWSettings,
  lr: number,
  stepOf: (group: ParameterGroup) => number,
): Record<string, Float32Array> {
  const { adam_beta1, adam_beta2, adam_epsilon, weight_decay } = settings;
  const correction = (group: ParameterGroup) => Math.sqrt(1 - adam_beta2 ** stepOf(group));
  const values: Readonly<Record<Rate, (group: ParameterGroup) => number>> = {
    decay: ({ decay, rate }) => (decay ? 1 - lr * rate * weight_decay : 1),
    rate: (group) => ((lr * group.rate) / (1 - adam_beta1 ** stepOf(group))) * correction(group),
    epsilon: (group) => adam_epsilon * correction(group),
  };
  const feeds: Record<string, Float32Array> = {};
  for (const block of blocks) {
    for (const rate of ratesIn(block, settings)) {
      const { name, groups } = inputOf(rate, block);
      feeds[name] = Float32Array.from(groups, values[rate]);
    }
  }
  return feeds;
}

/** What clipping adds to the norm and clips it to, of scaled gradients. */
const NORM_EPSILON = 'norm_epsilon';
const MAX_NORM = 'max_norm';

/** What the program of scaled gradients is fed beside the rates; scaled by a power of two, exact. */
export const scaleFeeds = ({ max_grad_norm }: AdamWSettings, scale: number): Record<string, Float32Array> =>
  max_grad_norm > 0
    ? { [NORM_EPSILON]: Float32Array.of(1e-6 * scale), [MAX_NORM]: Float32Array.of(max_grad_norm * scale) }
    : { [LOSS_SCALE]: Float32Array.of(scale) };

/**
 * Clipping by the global norm (when max_grad_norm is above 0) and AdamW's step as a program, for executors that keep
 * parameters to themselves: each block's parameters, moments and gradients `[rows, ROW]` -> the new first three, and
 * `grad_norm`. The formulas are those of train/optimizer.ts and tensor/kernels/assembly/adamw.ts. Each operation is a pass
 * over all that is trained, so there are as few as will do: 13 for a block, and 6.
 * @param isScaled whether the gradients are those of the loss times a factor (`scaleFeeds`), and so `grad_norm`
 */
export function updateProgram(blocks: readonly Block[], settings: AdamWSettings, isScaled = false): ReadyProgram {
  const { adam_beta1: beta1, adam_beta2: beta2, max_grad_norm } = settings;
  const inputs: Record<string, TensorSpec> = {};
  if (isScaled) for (const name of Object.keys(scaleFeeds(settings, 1))) inputs[name] = { shape: [], dtype: 'float32' };
  for (const block of blocks) {
    for (const prefix of [PARAMETER, MEAN, SQUARE, GRADIENT])
      inputs[prefix + block.name] = { shape: [block.rows, ROW], dtype: 'float32' };
    for (const rate of ratesIn(block, settings)) {
      const { name, groups } = inputOf(rate, block);
      inputs[name] = { shape: [groups.length], dtype: 'float32' };
    }
  }
  return {
    inputs,
    program: (given) => {
      const gradients = blocks.map(({ name }) => given[GRADIENT + name]!);
      const norm = rowNorms(concat(gradients.map(rowNorms)));
      // min(1, max / (norm + 1e-6)), of which the 1e-6 is PyTorch's (clip_grad_norm_), times what each moment has it for.
      // Where the norm is scaled, so is all of the divisor, and what it divides loses the scale.
      const [least, most] = isScaled ? [given[NORM_EPSILON], given[MAX_NORM]] : [1e-6, max_grad_norm];
      const limit = max_grad_norm > 0 ? tf.maximum(tf.add(norm, least!), most!) : undefined;
      const clipped = (factor: number): tf.Tensor => {
        if (limit) return tf.div(max_grad_norm * factor, limit);
        return isScaled ? tf.div(factor, given[LOSS_SCALE]!) : tf.scalar(factor);
      };
      const [ofMean, ofSquare] = [clipped(1 - beta1), clipped(Math.sqrt(1 - beta2))];
      const outputs: Record<string, tf.Tensor> = { grad_norm: norm };
      for (const [i, block] of blocks.entries()) {
        const rateOf = (rate: Rate) => {
          const { name, groups } = inputOf(rate, block);
          return groups.length === 1 ? given[name]! : tf.gather(given[name]!, groupOfRows(block));
        };
        const of = (prefix: string) => given[prefix + block.name]!;
        const mean = tf.add(tf.mul(of(MEAN), beta1), tf.mul(gradients[i]!, ofMean));
        const square = tf.add(tf.mul(of(SQUARE), beta2), scaledSquare(gradients[i]!, ofSquare));
        const change = tf.div(mean, tf.add(tf.sqrt(square), rateOf('epsilon')));
        const decayed = ratesIn(block, settings).includes('decay')
          ? tf.mul(of(PARAMETER), rateOf('decay'))
          : of(PARAMETER);
        outputs[PARAMETER + block.name] = tf.sub(decayed, tf.mul(change, rateOf('rate')));
        outputs[MEAN + block.name] = mean;
        outputs[SQUARE + block.name] = square;
      }
      return outputs;
    },
  };
}

/**
 * The parameters in blocks, each by itself, as the programs that compute with them are fed them:
 * PARAMETER + the block's name -> PARAMETER + each of its parameters' names, `[numbers]`, or their pieces'.
 * @param matrices by name, of those that are also wanted with their axes swapped: TRANSPOSED + the name
 * @param tables those that are wanted in pieces
 */
export function spreadProgram(
  blocks: readonly Block[],
  matrices: ReadonlyMap<string, Shape>,
  tables?: TablePieces,
): ReadyProgram {
  return {
    inputs: Object.fromEntries(
      blocks.map(({ name, rows }) => [PARAMETER + name, { shape: [rows * ROW], dtype: 'float32' }]),
    ),
    program: (given) => {
      const wanted = new Map<string, { parts: tf.Tensor1D[]; swapped?: Shape | undefined }>();
      for (const block of blocks) {
        for (const { name, from, at, count } of block.pieces) {
          const numbers = given[PARAMETER + block.name] as tf.Tensor1D;
          const matrix = matrices.get(name);
          for (const piece of fedAs(tables, name, matrix ?? ALL)) {
            const end = piece.from + sizeOf(piece.shape);
            const [first, last] = [Math.max(from, piece.from), Math.min(from + count, end)];
            if (first >= last) continue;
            const it = wanted.get(piece.name) ?? { parts: [], swapped: matrix && piece.shape };
            it.parts.push(tf.slice(numbers, [at + first - from], [last - first]));
            wanted.set(piece.name, it);
          }
        }
      }
      const outputs: Record<string, tf.Tensor> = {};
      for (const [name, { parts, swapped }] of wanted) {
        const whole = concat(parts);
        outputs[PARAMETER + name] = whole;
        if (swapped) outputs[TRANSPOSED + name] = tf.transpose(tf.reshape(whole, [...swapped]));
      }
      return outputs;
    },
  };
}

/** Of a parameter whose numbers are wanted whatever its shape. */
const ALL: Shape = [Number.POSITIVE_INFINITY];

const concat = (x: tf.Tensor[]): tf.Tensor => (x.length === 1 ? x[0]! : tf.concat(x));

/** The number of the group of each of a block's rows, `[rows, 1]`. */
function groupOfRows({ rows, groups }: Block): tf.Tensor2D {
  const numbers = new Int32Array(rows);
  let row = 0;
  for (const [i, group] of groups.entries()) {
    numbers.fill(i, row, row + group.rows);
    row += group.rows;
  }
  return tf.tensor2d(numbers, [rows, 1], 'int32');
}
