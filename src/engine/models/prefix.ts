import * as tf from '@tensorflow/tfjs-core';
import { productInPieces } from '../tensor/ops/index.ts';
import type { Architecture, Prompt } from './architecture.ts';
import type { Queries } from './batch.ts';
import { PROMPT_EMBEDDINGS } from './prompt.ts';
import type { Scope } from './scope.ts';

/** peft's names of what a prefix is computed from, where it is not learnt as it is. */
const ENCODER = 'prompt_encoder';

/**
 * A decoder whose layers attend to learnt keys and values in front of each text's own (Li & Liang 2021, prefix tuning).
 * All texts of a batch share them: they stand behind the keys of every row, which attention does not tell from in front,
 * and are seen by all queries. A text's positions begin after theirs, as peft has it; the keys are not rotated.
 *
 * What is learnt is `prompt_embeddings` `[P, layers · 2 · G · D]`, of each layer the keys and then the values of its G
 * heads, peft's layout. With `encoder_hidden_size` these numbers are computed by two layers from embeddings `[P, G · D]`,
 * and what is saved is what comes out (`promptOf`).
 */
export function withPrefix(architecture: Architecture, prompt: Prompt): Architecture {
  const { maxPositions } = architecture;
  const P = prompt.num_virtual_tokens;
  return {
    ...architecture,
    prompt,
    // Of a text: what the prefix leaves.
    maxPositions: maxPositions - P,
    states: (scope, batch) => {
      const layers = split(prefixIn(scope.at('', -1), architecture, prompt), architecture);
      const widened = new Map<tf.Tensor, tf.Tensor>();
      const widen = (hidden: tf.Tensor): tf.Tensor => {
        const known = widened.get(hidden) ?? tf.concat([hidden, tf.fill([...hidden.shape.slice(0, -1), P], 0)], -1);
        widened.set(hidden, known);
        return known;
      };
      const seeing = ({ hidden, ...rest }: Queries): Queries => ({ ...rest, hidden: widen(hidden) });
      return architecture.states(scope, {
        ...batch,
        position_ids: tf.add(batch.position_ids, tf.scalar(P, 'int32')) as tf.Tensor1D,
        every: (x) => seeing(batch.every(x)),
        read: (x) => seeing(batch.read(x)),
        context: (layer, computed) => {
          const { k, v, past } = batch.context(layer, computed);
          const own = layers[layer]!;
          return { ...(past && { past }), k: behind(k, own.k), v: behind(v, own.v) };
        },
      });
    },
  };
}

/** `[P, layers · 2 · G · D]` */
function prefixIn(scope: Scope, { keyValue, numLayers }: Architecture, prompt: Prompt): tf.Tensor {
  const { num_virtual_tokens: P, encoder_hidden_size: hidden } = prompt;
  const width = keyValue.heads * keyValue.width;
  const out = numLayers * 2 * width;
  const own = { isAdapter: true };
  // As torch.nn.Embedding begins.
  if (hidden === undefined) return scope.parameter(PROMPT_EMBEDDINGS, [P, out], { normal: 1 }, own);
  // And as torch.nn.Linear.
  const linear = (name: string, x: tf.Tensor2D, [from, to]: [number, number]) => {
    const init = { uniform: 1 / Math.sqrt(from) };
    const weight = scope.matrix(`${ENCODER}.${name}.weight`, [to, from], init, own);
    const bias = scope.parameter(`${ENCODER}.${name}.bias`, [to], init, { ...own, decay: false });
    return tf.add(productInPieces(x, weight, { transposeB: true }), bias);
  };
  const tokens = scope.parameter(`${ENCODER}.embedding.weight`, [P, width], { normal: 1 }, own) as tf.Tensor2D;
  return linear('transform.2', tf.tanh(linear('transform.0', tokens, [width, hidden])) as tf.Tensor2D, [hidden, out]);
}

/** Each layer's keys and values, `[1, G, P, D]` both. */
function split(prefix: tf.Tensor, { keyValue, numLayers }: Architecture): { k: tf.Tensor; v: tf.Tensor }[] {
  const [P] = prefix.shape as [number, number];
  const parts = tf.reshape(prefix, [P, 2 * numLayers, keyValue.heads, keyValue.width]);
  const each = tf.split(tf.transpose(parts, [1, 2, 0, 3]), 2 * numLayers, 0);
  return Array.from({ length: numLayers }, (_, layer) => ({ k: each[2 * layer]!, v: each[2 * layer + 1]! }));
}

/** `[rows, G, S, D]` and `[1, G, P, D]` -> `[rows, G, S + P, D]`, the same in each row. */
function behind(x: tf.Tensor, own: tf.Tensor): tf.Tensor {
  const rows = x.shape[0]!;
  // Adding zeros repeats it, with a sum for its gradient; tfjs takes that of a tile apart row by row.
  const all = rows === 1 ? own : tf.add(tf.fill([rows, 1, 1, 1], 0), own);
  return tf.concat([x, all], 2);
}

/**
 * A prompt as it is saved and read: `prompt_embeddings`, computed where it is a prefix that is learnt by way of an encoder.
 * @param weights of what was declared for it, by name
 */
export function promptOf(weights: (name: string) => Float32Array, prompt: Prompt): Float32Array {
  const { num_virtual_tokens: P, encoder_hidden_size: hidden } = prompt;
  if (hidden === undefined) return weights(PROMPT_EMBEDDINGS);
  const linear = (name: string, x: Float32Array) =>
    timesTransposed(x, weights(`${ENCODER}.${name}.weight`), weights(`${ENCODER}.${name}.bias`), P);
  return linear('transform.2', linear('transform.0', weights(`${ENCODER}.embedding.weight`)).map(Math.tanh));
}

/** `x · weightᵀ + bias` for x `[rows, K]`, weight `[N, K]`. */
function timesTransposed(x: Float32Array, weight: Float32Array, bias: Float32Array, rows: number): Float32Array {
  const [N, K] = [bias.length, x.length / rows];
  return Float32Array.from({ length: rows * N }, (_, at) => {
    const [row, n] = [Math.floor(at / N), at % N];
    let sum = bias[n]!;
    for (let k = 0; k < K; k++) sum += x[row * K + k]! * weight[n * K + k]!;
    return sum;
  });
}
