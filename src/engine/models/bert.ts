import * as tf from '@tensorflow/tfjs-core';
import type { Shape } from '../executors/executor.ts';
import { applyDropout, attention, embedding, gelu, layerNorm, linear, matMul } from '../ops/index.ts';
import type { BatchShape } from './batch.ts';

/** The keys of a BERT config.json that change what is computed, under transformers' names. */
export interface BertConfig {
  vocab_size: number;
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  intermediate_size: number;
  max_position_embeddings: number;
  type_vocab_size: number;
  layer_norm_eps: number;
  hidden_dropout_prob: number;
  attention_probs_dropout_prob: number;
  /** Falls back to hidden_dropout_prob, as in transformers. */
  classifier_dropout: number | null;
}

export type Parameters = Readonly<Record<string, tf.Tensor>>;
/** Dropout masks by site; a site without one is not dropped. */
export type Masks = Readonly<Record<string, tf.Tensor>>;

/** Hidden from attention: large, and finite because a row of -Infinity alone would make NaN. */
const HIDDEN = -1e9;

/** Every parameter of BertForSequenceClassification by its Hugging Face name. */
export function bertParameterShapes(config: BertConfig, numLabels: number): Record<string, number[]> {
  const { hidden_size: H, intermediate_size: F } = config;
  const shapes: Record<string, number[]> = {
    'bert.embeddings.word_embeddings.weight': [config.vocab_size, H],
    'bert.embeddings.position_embeddings.weight': [config.max_position_embeddings, H],
    'bert.embeddings.token_type_embeddings.weight': [config.type_vocab_size, H],
    'bert.embeddings.LayerNorm.weight': [H],
    'bert.embeddings.LayerNorm.bias': [H],
  };
  const dense = (name: string, out: number, width: number) => {
    shapes[`${name}.weight`] = [out, width];
    shapes[`${name}.bias`] = [out];
  };
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `bert.encoder.layer.${layer}`;
    for (const part of ['query', 'key', 'value']) dense(`${prefix}.attention.self.${part}`, H, H);
    dense(`${prefix}.attention.output.dense`, H, H);
    shapes[`${prefix}.attention.output.LayerNorm.weight`] = [H];
    shapes[`${prefix}.attention.output.LayerNorm.bias`] = [H];
    dense(`${prefix}.intermediate.dense`, F, H);
    dense(`${prefix}.output.dense`, H, F);
    shapes[`${prefix}.output.LayerNorm.weight`] = [H];
    shapes[`${prefix}.output.LayerNorm.bias`] = [H];
  }
  dense('bert.pooler.dense', H, H);
  dense('classifier', numLabels, H);
  return shapes;
}

/** Every linear layer by name, with the shape of its input. */
export function bertLinearInputs(config: BertConfig, batch: BatchShape): Record<string, [rows: number, width: number]> {
  const { hidden_size: H, intermediate_size: F, num_hidden_layers: L } = config;
  const { rows: R, length: S, texts: N } = batch;
  const inputs: Record<string, [number, number]> = {};
  for (let layer = 0; layer < L; layer++) {
    const prefix = `bert.encoder.layer.${layer}`;
    const rows = layer === L - 1 ? N : R * S;
    inputs[`${prefix}.attention.self.query`] = [rows, H];
    inputs[`${prefix}.attention.self.key`] = [R * S, H];
    inputs[`${prefix}.attention.self.value`] = [R * S, H];
    inputs[`${prefix}.attention.output.dense`] = [rows, H];
    inputs[`${prefix}.intermediate.dense`] = [rows, H];
    inputs[`${prefix}.output.dense`] = [rows, F];
  }
  inputs['bert.pooler.dense'] = [N, H];
  inputs.classifier = [N, H];
  return inputs;
}

/** Where BERT drops, with each mask's shape and rate; sites whose rate is 0 are left out. */
export function bertDropoutSites(
  config: BertConfig,
  batch: BatchShape,
): Record<string, { shape: Shape; rate: number }> {
  const { hidden_size: H, num_attention_heads: A, num_hidden_layers: L } = config;
  const { rows: R, length: S, texts: N } = batch;
  const hidden = config.hidden_dropout_prob;
  const sites: Record<string, { shape: Shape; rate: number }> = { embeddings: { shape: [R * S, H], rate: hidden } };
  for (let layer = 0; layer < L; layer++) {
    const last = layer === L - 1;
    const shape = last ? [N, H] : [R * S, H];
    const probabilities = last ? [A, N, R * S] : [R, A, S, S];
    sites[`layer.${layer}.attention.self`] = { shape: probabilities, rate: config.attention_probs_dropout_prob };
    sites[`layer.${layer}.attention.output`] = { shape, rate: hidden };
    sites[`layer.${layer}.output`] = { shape, rate: hidden };
  }
  sites.classifier = { shape: [N, H], rate: config.classifier_dropout ?? hidden };
  return Object.fromEntries(Object.entries(sites).filter(([, site]) => site.rate > 0));
}

/** Computes a linear layer of the network, by its name: `x · weightᵀ + bias`, and what is added to it (models/lora.ts). */
export type Dense = (name: string, x: tf.Tensor2D) => tf.Tensor2D;

export const plainDense =
  (p: Parameters): Dense =>
  (name, x) =>
    linear(x, p[`${name}.weight`]!, p[`${name}.bias`]!);

interface Context {
  readonly p: Parameters;
  readonly dense: Dense;
  readonly config: BertConfig;
  readonly batch: BatchShape;
  readonly drop: <T extends tf.Tensor>(site: string, x: T) => T;
  readonly mask: (site: string) => tf.Tensor | undefined;
}

export interface BertInputs {
  input_ids: tf.Tensor1D;
  token_type_ids: tf.Tensor1D;
  position_ids: tf.Tensor1D;
  text_ids: tf.Tensor1D;
  first_token: tf.Tensor1D;
}

/**
 * BERT (Devlin et al. 2018) up to the last hidden state of each text's first token -> `[N, H]`.
 * The last layer is computed for those tokens alone, since a classifier reads no other.
 */
export function bertFirstTokens(
  p: Parameters,
  inputs: BertInputs,
  config: BertConfig,
  batch: BatchShape,
  masks: Masks,
  dense: Dense = plainDense(p),
): tf.Tensor2D {
  const mask = (site: string) => masks[site];
  const drop = <T extends tf.Tensor>(site: string, x: T): T => {
    const m = mask(site);
    return m ? applyDropout(x, m, config.hidden_dropout_prob) : x;
  };
  const context: Context = { p, dense, config, batch, drop, mask };
  const { rows: R, length: S, texts: N } = batch;
  const T = R * S;

  let x = bertEmbeddings(context, inputs); // (T, H)
  const rowBias = hide(tf.equal(tf.reshape(inputs.text_ids, [R, 1, S, 1]), tf.reshape(inputs.text_ids, [R, 1, 1, S])));
  const last = config.num_hidden_layers - 1;
  for (let layer = 0; layer < last; layer++) x = bertLayer(context, layer, x, x, rowBias);

  const tokens = tf.tensor1d(
    Array.from({ length: T }, (_, t) => t),
    'int32',
  );
  const select = tf.cast(tf.equal(tf.reshape(inputs.first_token, [N, 1]), tf.reshape(tokens, [1, T])), 'float32'); // (N, T)
  const first = matMul(select, x) as tf.Tensor2D; // (N, H)
  const texts = tf.tensor1d(
    Array.from({ length: N }, (_, n) => n + 1),
    'int32',
  );
  const textBias = hide(tf.equal(tf.reshape(texts, [1, N, 1]), tf.reshape(inputs.text_ids, [1, 1, T])));
  return bertLayer(context, last, first, x, textBias);
}

/** One text a row, as a model is exported: `attention_mask` is 1 at tokens, 0 at padding; all `[R, S]`, int32. */
export interface RowInputs {
  input_ids: tf.Tensor;
  token_type_ids: tf.Tensor;
  attention_mask: tf.Tensor;
}

/** The same as bertFirstTokens, without dropout, for rows of one text each; `R` and `S` may be opened on export. */
export function bertRowFirstTokens(
  p: Parameters,
  inputs: RowInputs,
  config: BertConfig,
  R: number,
  S: number,
): tf.Tensor2D {
  const H = config.hidden_size;
  const batch = { rows: R, length: S, texts: R };
  const context: Context = { p, dense: plainDense(p), config, batch, drop: (_, x) => x, mask: () => undefined };
  const words = tf.gather(p['bert.embeddings.word_embeddings.weight']!, inputs.input_ids); // (R, S, H)
  const types = tf.gather(p['bert.embeddings.token_type_embeddings.weight']!, inputs.token_type_ids);
  const positions = tf.slice(p['bert.embeddings.position_embeddings.weight']!, [0, 0], [S, H]);
  const sum = tf.reshape(tf.add(tf.add(words, types), positions), [R * S, H]) as tf.Tensor2D;
  let x = norm(p, 'bert.embeddings.LayerNorm', sum, config);
  const bias = hide(tf.equal(tf.reshape(inputs.attention_mask, [R, 1, 1, S]), tf.scalar(1, 'int32')));
  const last = config.num_hidden_layers - 1;
  for (let layer = 0; layer < last; layer++) x = bertLayer(context, layer, x, x, bias);
  const first = tf.reshape(tf.slice(tf.reshape(x, [R, S, H]), [0, 0, 0], [R, 1, H]), [R, H]) as tf.Tensor2D;
  return bertLayer(context, last, first, x, bias, R);
}

/**
 * Hidden states of every token, without dropout: the embeddings', then each layer's, each `[T, H]`. What a smaller
 * vocabulary or a shallower model is distilled from (scripts/starter).
 */
export function bertHiddenStates(
  p: Parameters,
  inputs: Omit<BertInputs, 'first_token'>,
  config: BertConfig,
  batch: BatchShape,
): tf.Tensor2D[] {
  const context: Context = { p, dense: plainDense(p), config, batch, drop: (_, x) => x, mask: () => undefined };
  const { rows: R, length: S } = batch;
  const bias = hide(tf.equal(tf.reshape(inputs.text_ids, [R, 1, S, 1]), tf.reshape(inputs.text_ids, [R, 1, 1, S])));
  const states = [bertEmbeddings(context, inputs)];
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const x = states[layer]!;
    states.push(bertLayer(context, layer, x, x, bias));
  }
  return states;
}

const hide = (visible: tf.Tensor): tf.Tensor => tf.mul(tf.sub(1, tf.cast(visible, 'float32')), HIDDEN);

function bertEmbeddings({ p, config, drop }: Context, inputs: Omit<BertInputs, 'first_token'>): tf.Tensor2D {
  const words = embedding(p['bert.embeddings.word_embeddings.weight']!, inputs.input_ids);
  const positions = embedding(p['bert.embeddings.position_embeddings.weight']!, inputs.position_ids);
  const types = embedding(p['bert.embeddings.token_type_embeddings.weight']!, inputs.token_type_ids);
  const sum = tf.add(tf.add(words, types), positions) as tf.Tensor2D;
  return drop('embeddings', norm(p, 'bert.embeddings.LayerNorm', sum, config));
}

const norm = (p: Parameters, name: string, x: tf.Tensor2D, config: BertConfig) =>
  layerNorm(x, p[`${name}.weight`]!, p[`${name}.bias`]!, config.layer_norm_eps);

/**
 * One encoder layer for the tokens `x`, which attend to the tokens `context` (the same ones but in the last layer).
 */
function bertLayer(
  c: Context,
  layer: number,
  x: tf.Tensor2D,
  keysFrom: tf.Tensor2D,
  bias: tf.Tensor,
  rows = x === keysFrom ? c.batch.rows : 1,
): tf.Tensor2D {
  const { p, dense, config, drop } = c;
  const name = `bert.encoder.layer.${layer}`;
  const attended = selfAttention(c, layer, x, keysFrom, bias, rows);
  const projected = drop(`layer.${layer}.attention.output`, dense(`${name}.attention.output.dense`, attended));
  const h = norm(p, `${name}.attention.output.LayerNorm`, tf.add(projected, x), config);
  const expanded = gelu(dense(`${name}.intermediate.dense`, h));
  const contracted = drop(`layer.${layer}.output`, dense(`${name}.output.dense`, expanded));
  return norm(p, `${name}.output.LayerNorm`, tf.add(contracted, h), config);
}

/** Tokens attend within each of `rows` equal parts: the batch's rows, or all of it at once in the packed last layer. */
function selfAttention(
  c: Context,
  layer: number,
  x: tf.Tensor2D,
  keysFrom: tf.Tensor2D,
  bias: tf.Tensor,
  rows: number,
): tf.Tensor2D {
  const { dense, config } = c;
  const { num_attention_heads: A, hidden_size: H } = config;
  const D = H / A;
  const name = `bert.encoder.layer.${layer}.attention.self`;
  const heads = (t: tf.Tensor2D) => tf.transpose(tf.reshape(t, [rows, t.shape[0] / rows, A, D]), [0, 2, 1, 3]); // (R, A, S, D)
  const output = attention({
    q: heads(dense(`${name}.query`, x)),
    k: heads(dense(`${name}.key`, keysFrom)),
    v: heads(dense(`${name}.value`, keysFrom)),
    bias,
    mask: attentionMask(c, layer, rows),
    rate: config.attention_probs_dropout_prob,
  });
  return tf.reshape(tf.transpose(output, [0, 2, 1, 3]), [x.shape[0], H]);
}

function attentionMask({ mask }: Context, layer: number, rows: number): tf.Tensor | undefined {
  const m = mask(`layer.${layer}.attention.self`);
  return m && m.shape.length === 3 ? tf.reshape(m, [rows, ...m.shape]) : m;
}

/** Pooler and classifier over the first tokens' hidden states `[N, H]` -> logits `[N, C]`. */
export function bertClassifier(first: tf.Tensor2D, config: BertConfig, masks: Masks, dense: Dense): tf.Tensor2D {
  const pooled = tf.tanh(dense('bert.pooler.dense', first));
  const mask = masks.classifier;
  const kept = mask ? applyDropout(pooled, mask, config.classifier_dropout ?? config.hidden_dropout_prob) : pooled;
  return dense('classifier', kept);
}
