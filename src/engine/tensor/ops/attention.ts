import * as tf from '@tensorflow/tfjs-core';
import { applyDropout } from './dropout.ts';
import { headDots } from './head-dots.ts';
import { matMul } from './matmul.ts';

export interface AttentionInputs {
  /** `[…, T, D]` */
  q: tf.Tensor;
  /** `[…, S, D]`; may have fewer heads (on the third axis from the end) than q, each for a group of q's that follow one another. */
  k: tf.Tensor;
  v: tf.Tensor;
  /** Keys and values in front of those, of a cache: they have no gradient, and are not copied. */
  past?: { k: tf.Tensor; v: tf.Tensor } | undefined;
  /** Added to the scores before the softmax, broadcast to `[…, T, S]`, and learnt: it has a gradient. */
  bias?: tf.Tensor | undefined;
  /** Added as well, but known beforehand: 0, or large and finite where a key is hidden. It has no gradient. */
  hidden?: tf.Tensor | undefined;
  /** Each query sees the keys up to its own place alone. */
  causal?: boolean;
  /** Dropout mask of the probabilities, bool `[…, T, S]`. */
  mask?: tf.Tensor | undefined;
  rate?: number;
  /**
   * For the gradient the probabilities are computed again instead of kept (Dao et al. 2022): of long texts they are
   * most of a layer's memory. The same to the last bit; not with a learnt bias or with dropout.
   */
  recompute?: boolean;
  /**
   * The same by products that seldom transpose what they read, for a device on which that is a copy: gradients are those of
   * transposed scores, and queries are scaled instead of scores. Not with a learnt bias.
   */
  turned?: boolean | undefined;
}

/**
 * Scaled dot-product attention (Vaswani et al. 2017): `dropout(softmax(q kᵀ / √D + bias + hidden)) v`, with fewer keys
 * and values than queries too (Ainslie et al. 2023, grouped-query attention).
 */
export function attention(inputs: AttentionInputs): tf.Tensor {
  return inputs.past ? attentionWithPast(inputs, inputs.past) : attentionOf(inputs);
}

/** Scores of both parts side by side, of which one softmax is taken. */
function attentionWithPast({ q, k, v, hidden }: AttentionInputs, past: { k: tf.Tensor; v: tf.Tensor }): tf.Tensor {
  const alpha = 1 / Math.sqrt(q.shape.at(-1)!);
  const { stack, unstack } = groups(q, k);
  const queries = stack(q);
  const scores = unstack(
    tf.concat(
      [past.k, k].map((keys) => matMul(queries, keys, { transposeB: true, alpha })),
      -1,
    ),
  );
  const probabilities = stack(tf.softmax(hidden ? tf.add(scores, hidden) : scores));
  const [before, own] = tf.split(probabilities, [past.k.shape.at(-2)!, k.shape.at(-2)!], -1) as [tf.Tensor, tf.Tensor];
  return unstack(tf.add(matMul(before, past.v), matMul(own, v)));
}

function attentionOf(inputs: AttentionInputs): tf.Tensor {
  const { q, k, v, bias, hidden, causal, mask, rate = 0, recompute } = inputs;
  const turned = inputs.turned && !bias && q.rank === 4;
  const scale = 1 / Math.sqrt(q.shape[q.shape.length - 1]!);
  /** What is left to scale of the queries' products. */
  const alpha = turned ? 1 : scale;
  const drop = (x: tf.Tensor, kept: tf.Tensor | undefined) => (kept ? applyDropout(x, kept, rate) : x);
  const plus = (x: tf.Tensor, y: tf.Tensor | undefined) => (y ? tf.add(x, y) : x);
  const { stack, unstack } = groups(q, k);
  // customGrad rather than an op of its own: the saved probabilities are no outputs, for which tfjs would make zeros.
  const run = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const [given, keys, values, learnt] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
    const queries = turned ? tf.mul(given, scale) : given;
    const scores = unstack(matMul(stack(queries), keys, { transposeB: true, alpha }));
    const ahead = causal ? later(q.shape.at(-2)!, k.shape.at(-2)!) : undefined;
    const probabilities = tf.softmax(plus(plus(plus(scores, learnt), hidden), ahead));
    const kept = drop(probabilities, mask);
    const output = unstack(matMul(stack(kept), values));
    if (recompute && hidden && !bias && !ahead && !mask) {
      save([queries, keys, values, hidden, output]);
      return { value: output, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => again(dy, saved as Kept) };
    }
    // The mask, too: it may have been made on the way here, and is gone when the gradient is asked for.
    save([queries, keys, values, probabilities, kept, output, ...(mask ? [mask] : [])]);
    return {
      value: output,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradients(dy, saved as Saved),
    };
  });
  return run(...[q, k, v, ...(bias ? [bias] : [])]);

  function gradients(dy: tf.Tensor, saved: Saved): tf.Tensor[] {
    if (turned) return turnedGradients(dy, saved);
    const [q, k, v, probabilities, kept, output, mask] = saved;
    // Row sums of dP·P equal those of dO·O (Dao et al. 2022, FlashAttention, appendix B), which is narrower.
    const rowSum = tf.sum(tf.mul(dy, output), -1, true);
    const keptGradient = unstack(matMul(stack(dy), v, { transposeB: true }));
    const scoreGradient = tf.mul(probabilities, tf.sub(drop(keptGradient, mask), rowSum));
    return [
      unstack(matMul(stack(scoreGradient), k, { alpha })),
      matMul(stack(scoreGradient), stack(q), { transposeA: true, alpha }),
      matMul(stack(kept), stack(dy), { transposeA: true }),
      ...(bias ? [sumTo(scoreGradient, bias.shape)] : []),
    ];
  }

  /** By transposed scores, under the same names: of q, k, v and dy each is read as it lies or transposed, not in both ways. */
  function turnedGradients(dy: tf.Tensor, [q, k, v, probabilities, kept, output, mask]: Saved): tf.Tensor[] {
    const turn = (x: tf.Tensor) => swapped(stack(x));
    const rowSum = turn(tf.expandDims(headDots(tokensFirst(dy), tokensFirst(output)), -1));
    const keptGradient = matMul(v, stack(dy), { transposeB: true });
    const scoreGradient = tf.mul(turn(probabilities), tf.sub(drop(keptGradient, mask && turn(mask)), rowSum));
    return [
      unstack(swapped(matMul(k, scoreGradient, { transposeA: true, alpha: scale }))),
      matMul(scoreGradient, stack(q)),
      swapped(matMul(stack(dy), stack(kept), { transposeA: true })),
    ];
  }

  function again(dy: tf.Tensor, [q, k, v, hidden, output]: Kept): tf.Tensor[] {
    // Negated twice: onnxruntime would take what is written the same for the same, and keep it after all. And before all
    // else of the gradient: of two inputs that are ready it computes the one that was recorded first last.
    const negated = turned
      ? unstack(matMul(stack(tf.neg(q)), k, { transposeB: true }))
      : unstack(matMul(stack(q), k, { transposeB: true, alpha: -scale }));
    const probabilities = tf.softmax(tf.sub(hidden, negated));
    return gradients(dy, [q, k, v, probabilities, probabilities, output]);
  }
}

/** `[rows, A, T, D]` -> `[rows, T, A, D]`, as tokens lie in a model's states. */
const tokensFirst = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 2, 1, 3]);

/** Each matrix of a stack transposed. */
const swapped = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 1, 3, 2]);

/** What is kept where probabilities are computed again. */
type Kept = [q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, hidden: tf.Tensor, output: tf.Tensor];

type Saved = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];

/**
 * Queries that share a head of keys, one below the other `[…, heads, group · T, D]`, and back: a group's products are
 * one, nothing is repeated, and gradients of keys and values sum over the group by themselves.
 */
function groups(q: tf.Tensor, k: tf.Tensor) {
  const [A, heads] = [q.shape.at(-3) ?? 1, k.shape.at(-3) ?? 1];
  const same = (x: tf.Tensor) => x;
  if (A === heads) return { stack: same, unstack: same };
  const before = q.shape.slice(0, -3);
  const T = q.shape.at(-2)!;
  return {
    stack: (x: tf.Tensor) => tf.reshape(x, [...before, heads, (A / heads) * T, x.shape.at(-1)!]),
    unstack: (x: tf.Tensor) => tf.reshape(x, [...before, A, T, x.shape.at(-1)!]),
  };
}

/** Sums over the axes along which a tensor of this shape was broadcast. */
function sumTo(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const before = x.rank - shape.length;
  const axes = x.shape.flatMap((size, axis) =>
    axis < before || (shape[axis - before] === 1 && size > 1) ? [axis] : [],
  );
  return tf.reshape(axes.length > 0 ? tf.sum(x, axes) : x, [...shape]);
}

/** Hidden from attention: large, and finite because a row of -Infinity alone would make NaN. */
export const HIDDEN = -1e9;

/** `[T, S]`: hidden is what comes later, where the last of T queries is the last of S keys. */
const later = (T: number, S: number): tf.Tensor =>
  tf.tensor2d(
    Array.from({ length: T * S }, (_, at) => (at % S > Math.floor(at / S) + S - T ? HIDDEN : 0)),
    [T, S],
  );
