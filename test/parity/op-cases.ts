import * as tf from '@tensorflow/tfjs-core';
import {
  applyDropout,
  attention,
  binaryFocalLoss,
  crossEntropy,
  dropoutScales,
  embedding,
  focalLoss,
  gelu,
  headDots,
  layerNorm,
  linear,
  matMul,
  rmsNorm,
  rotary,
  rowNorms,
  scaledSquare,
  swiGlu,
} from '../../src/engine/tensor/ops/index.ts';

export type Inputs = Record<string, tf.Tensor>;
type Case = (inputs: Inputs) => tf.Tensor;

const float = (x: tf.Tensor) => tf.cast(x, 'float32');
const ids = (x: tf.Tensor) => x as tf.Tensor1D;
const binary =
  (op: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Case =>
  ({ a, b }) =>
    op(a!, b!);
const unary =
  (op: (x: tf.Tensor) => tf.Tensor): Case =>
  ({ x }) =>
    op(x!);

const UNARY: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  abs: tf.abs,
  neg: tf.neg,
  exp: tf.exp,
  erf: tf.erf,
  sin: tf.sin,
  cos: tf.cos,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  relu: tf.relu,
  square: tf.square,
  log: tf.log,
  sqrt: tf.sqrt,
  rsqrt: tf.rsqrt,
  reciprocal: tf.reciprocal,
  gelu,
};

const unaryCases = Object.entries(UNARY).flatMap(([name, op]) =>
  ['odd length', 'size 1', 'a scalar'].map((how) => [`${name}: ${how}`, unary(op)] as const),
);

const matMulCases = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    [1, 0.5].map((alpha): [string, Case] => [
      `matMul: ${transposeA ? 'aᵀ' : 'a'}·${transposeB ? 'bᵀ' : 'b'} · ${alpha}`,
      ({ a, b }) => matMul(a!, b!, { transposeA, transposeB, alpha }),
    ]),
  ),
);

const norm: Case = ({ x, gamma, beta }) => layerNorm(x!, gamma!, beta!, 1e-5);
const affine: Case = ({ x, weight, bias }) => linear(x as tf.Tensor2D, weight!, bias!);
const plainAttention: Case = ({ q, k, v }) => attention({ q: q!, k: k!, v: v! });
const loss =
  (smoothing: number): Case =>
  ({ logits, labels, weights }) =>
    crossEntropy(logits as tf.Tensor2D, ids(labels!), ids(weights!), smoothing);
const focal =
  (gamma: number, by = 1): Case =>
  ({ logits, labels, weights }) =>
    focalLoss(tf.mul(logits!, by) as tf.Tensor2D, ids(labels!), ids(weights!), gamma);
const binaryFocal =
  (gamma: number, by = 1): Case =>
  ({ logits, targets, weights }) =>
    binaryFocalLoss(tf.mul(logits!, by) as tf.Tensor2D, float(targets!) as tf.Tensor2D, ids(weights!), gamma);
const weighted =
  (smoothing: number): Case =>
  ({ logits, labels, weights }) => {
    const each = tf.gather(weights!, ids(labels!));
    const classWeights = weights as tf.Tensor1D;
    return crossEntropy(logits as tf.Tensor2D, ids(labels!), tf.div(each, tf.sum(each)), smoothing, classWeights);
  };

/** What Luthier computes for each case of op_figures.py, by its name. */
export const CASES: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(unaryCases),
  ...Object.fromEntries(matMulCases),
  'add: broadcast': binary(tf.add),
  'sub: broadcast': binary(tf.sub),
  'mul: broadcast': binary(tf.mul),
  'div: broadcast': binary(tf.div),
  'maximum: broadcast': binary(tf.maximum),
  'minimum: broadcast': binary(tf.minimum),
  'squaredDifference: broadcast': binary(tf.squaredDifference),
  maximum: binary(tf.maximum),
  minimum: binary(tf.minimum),
  squaredDifference: binary(tf.squaredDifference),
  'pow: broadcast': binary(tf.pow),
  'add: size 1 and a scalar': binary(tf.add),
  addN: ({ a, b, c }) => tf.addN([a!, b!, c!]),
  'gelu: far from 0': ({ x }) => gelu(tf.mul(x!, 12)),
  floor: ({ x }) => tf.floor(tf.mul(x!, 5)),
  comparisons: ({ a, b }) =>
    tf.add(
      tf.add(float(tf.greater(a!, b!)), tf.mul(float(tf.greaterEqual(a!, b!)), 2)),
      tf.add(tf.mul(float(tf.less(a!, b!)), 4), tf.mul(float(tf.lessEqual(a!, b!)), 8)),
    ),
  equal: ({ a, b }) => float(tf.equal(a!, b!)),
  logic: ({ a, b }) =>
    tf.add(
      tf.add(float(tf.logicalAnd(a!, b!)), tf.mul(float(tf.logicalOr(a!, b!)), 2)),
      tf.mul(float(tf.logicalNot(b!)), 4),
    ),
  argMax: ({ x }) => tf.add(float(tf.argMax(x!, -1)), tf.mul(float(tf.slice(tf.argMax(x!, 0), 0, 1)), 10)),
  'fill and likes': ({ x }) => tf.add(tf.fill([2, 3], 2.5), tf.add(tf.onesLike(x!), tf.zerosLike(x!))),
  'where: broadcast condition': ({ condition, t, e }) => tf.where(condition!, t!, e!),
  'sum: all': ({ x }) => tf.sum(x!),
  'sum: inner axis, kept': ({ x }) => tf.sum(x!, -1, true),
  'sum: outer axes': ({ x }) => tf.sum(x!, [0, 1]),
  'sum: of size 1': ({ x }) => tf.sum(x!, 1),
  'mean: middle axis': ({ x }) => tf.mean(x!, 1),
  'mean: all': ({ x }) => tf.mean(x!),
  'max: inner axis': ({ x }) => tf.max(x!, -1),
  'max: all, kept': ({ x }) => tf.max(x!, undefined, true),
  'softmax: odd length': ({ x }) => tf.softmax(tf.mul(x!, 5)),
  'softmax: size 1': ({ x }) => tf.softmax(x!),
  logSoftmax: ({ x }) => tf.logSoftmax(tf.mul(x!, 5)),
  'reshape and expandDims': ({ x }) =>
    tf.mul(tf.expandDims(tf.reshape(x!, [2, 6]), 1), tf.reshape(tf.tensor1d([0, 1, 2]), [1, 3, 1])),
  transpose: ({ x }) => tf.transpose(x!, [0, 2, 1, 3]),
  broadcastTo: ({ x }) => tf.broadcastTo(x!, [2, 3, 4]),
  tile: ({ x }) => tf.tile(x!, [2, 3]),
  'concat: uneven': ({ a, b, c }) => tf.concat([a!, b!, c!], 1),
  'split: uneven': ({ x }) => {
    const [first, second, third] = tf.split(x!, [2, 1, 4], 1);
    const [p, q, r, s] = tf.split(third!, 4, 1);
    const product = tf.reshape(tf.mul(tf.mul(p!, q!), tf.mul(r!, s!)), [2]);
    return tf.add(tf.add(tf.sum(first!, 1), tf.mul(tf.sum(second!, 1), 2)), tf.mul(product, 3));
  },
  'split: even': ({ x }) => {
    const [a, b] = tf.split(x!, 2, 0);
    return tf.mul(a!, b!);
  },
  slice: ({ x }) => tf.slice(x!, [1, 2], [2, -1]),
  pad: ({ x }) =>
    tf.pad(
      x!,
      [
        [1, 3],
        [2, 0],
      ],
      0.5,
    ),
  cast: ({ x, mask }) => tf.mul(tf.clone(x!), float(mask!)),
  'gather: rows': ({ table, ids: i }) => tf.gather(table!, ids(i!)),
  'gather: columns': ({ table, ids: i }) => tf.gather(table!, ids(i!), 1),
  unsortedSegmentSum: ({ x, ids: i }) => tf.unsortedSegmentSum(x!, ids(i!), 4),
  'embedding: repeated ids': ({ table, ids: i }) => embedding(table!, ids(i!)),
  'embedding: one row, one id': ({ table, ids: i }) => embedding(table!, ids(i!)),
  'matMul: size 1': ({ a, b }) => matMul(a!, b!),
  'tf.matMul: stacks, transposed': ({ a, b }) => tf.matMul(a!, b!, false, true),
  linear: affine,
  'linear: one row, one output': affine,
  layerNorm: norm,
  'layerNorm: one row, width 3': norm,
  'layerNorm: three axes': norm,
  rmsNorm: ({ x, gamma }) => rmsNorm(x!, gamma!, 1e-5),
  rotary: ({ x, cos, sin }) => rotary(x!, cos!, sin!),
  'rotary: the same angles for all': ({ x, cos, sin }) => rotary(x!, cos!, sin!),
  swiGlu: ({ gate, x }) => swiGlu(gate as tf.Tensor2D, x as tf.Tensor2D),
  dropoutScales: ({ words }) => dropoutScales(words!, 9, 0.25),
  scaledSquare: ({ x, factor }) => scaledSquare(x!, factor!),
  rowNorms: ({ x }) => rowNorms(x!),
  headDots: ({ a, b }) => headDots(a!, b!),
  dropout: ({ x, mask }) => applyDropout(x!, mask!, 0.25),
  attention: plainAttention,
  'attention: other keys, bias, dropout': ({ q, k, v, bias, mask }) =>
    attention({ q: q!, k: k!, v: v!, bias, mask, rate: 0.2 }),
  'attention: hidden keys': ({ q, k, v, hidden }) =>
    attention({ q: q!, k: k!, v: v!, hidden: tf.mul(float(hidden!), -1e9) }),
  'attention: causal': ({ q, k, v }) => attention({ q: q!, k: k!, v: v!, causal: true }),
  'attention: causal, fewer queries than keys, a bias for each head': ({ q, k, v, bias }) =>
    attention({ q: q!, k: k!, v: v!, bias, causal: true }),
  'attention: turned': ({ q, k, v }) => attention({ q: q!, k: k!, v: v!, turned: true }),
  'attention: turned, other keys, some hidden, dropout': ({ q, k, v, hidden, mask }) => {
    // Masks as they are made on a graphics card.
    const scales = tf.mul(float(mask!), 1 / 0.8);
    return attention({
      ...{ q: q!, k: k!, v: v!, turned: true },
      ...{ hidden: tf.mul(float(hidden!), -1e9), mask: scales, rate: 0.2 },
    });
  },
  'attention: turned, causal, fewer queries than keys': ({ q, k, v }) =>
    attention({ q: q!, k: k!, v: v!, causal: true, turned: true }),
  'attention: one token': plainAttention,
  crossEntropy: loss(0),
  'crossEntropy: smoothed': loss(0.1),
  'crossEntropy: weighted by class': weighted(0),
  'crossEntropy: weighted by class and smoothed': weighted(0.1),
  'crossEntropy: two classes, one row': loss(0),
  'focalLoss: gamma 2': focal(2),
  'focalLoss: gamma 0.5, sure and unsure': focal(0.5, 8),
  'focalLoss: weighted by class': ({ logits, labels, weights }) => {
    const each = tf.gather(weights!, ids(labels!));
    return focalLoss(logits as tf.Tensor2D, ids(labels!), tf.div(each, tf.sum(each)), 2);
  },
  'binaryFocalLoss: gamma 2': binaryFocal(2),
  'binaryFocalLoss: gamma 0.5, sure and unsure': binaryFocal(0.5, 8),
};

/**
 * Largest error by kind of operation, relative to the largest expected value: float32 keeps 6e-8; what is read off a
 * table or a polynomial keeps less, sums and products as many times less as they are long.
 */
export function toleranceOf(name: string): number {
  if (/^(erf|gelu|pow|tanh|sigmoid|softmax|logSoftmax|exp|sin|cos|log|swiGlu)/.test(name)) return 2e-6;
  if (/^(matMul|tf\.matMul|linear|layerNorm|attention|crossEntropy|focalLoss|binaryFocalLoss)/.test(name)) return 5e-6;
  return 5e-7;
}
