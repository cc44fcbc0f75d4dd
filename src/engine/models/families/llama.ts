import * as tf from '@tensorflow/tfjs-core';
import { rotary, swiGlu } from '../../tensor/ops/index.ts';
import type { Batch, Queries } from '../batch.ts';
import { type ConfigReader, MOST } from '../config.ts';
import type { Family } from '../family.ts';
import { joinHeads, languageModel, splitHeads } from '../heads.ts';
import { type Angles, anglesAt, readRotation } from '../rotary.ts';
import type { Scope } from '../scope.ts';

type LlamaConfig = ReturnType<typeof parse>;

const TABLE = 'model.embed_tokens';

/** Of transformers' configurations, where a config.json says nothing; null says that there is none. */
const WINDOW = 4096;

/** What the models that are built alike do differently, where their config.json does not say. */
interface Kin {
  /** Biases of queries, keys and values; of their output. */
  biases: (read: ConfigReader) => [qkv: boolean, output: boolean];
  head_dim?: number;
  num_key_value_heads?: number;
  max_position_embeddings: number;
  /** Queries and keys of each head are normalised. */
  hasHeadNorms?: boolean;
  hasWindow?: (read: ConfigReader) => boolean;
}

function parse(read: ConfigReader, kin: Kin) {
  read.expect('hidden_act', 'silu');
  const hidden_size = read.size('hidden_size', MOST.width, 4096);
  const A = read.size('num_attention_heads', MOST.width, 32);
  const head_dim = read.size('head_dim', MOST.width, kin.head_dim ?? Math.floor(hidden_size / A));
  const num_key_value_heads = read.divisor('num_key_value_heads', A, 'num_attention_heads', kin.num_key_value_heads);
  const positions = read.size('max_position_embeddings', MOST.positions, kin.max_position_embeddings);
  const window = kin.hasWindow?.(read) ? read.size('sliding_window', MOST.positions, WINDOW) : positions;
  const [qkv_bias, output_bias] = kin.biases(read);
  return {
    vocab_size: read.size('vocab_size', MOST.vocab),
    hidden_size,
    num_hidden_layers: read.size('num_hidden_layers', MOST.layers, 32),
    num_attention_heads: A,
    num_key_value_heads,
    head_dim,
    intermediate_size: read.size('intermediate_size', MOST.width),
    // Within a window everything is seen: a model with one is one without, of texts no longer than it.
    max_position_embeddings: Math.min(positions, window),
    rms_norm_eps: read.number('rms_norm_eps', 1e-6),
    rotation: readRotation(read, head_dim, positions),
    tie_word_embeddings: read.flag('tie_word_embeddings', false),
    attention_dropout: read.share('attention_dropout', 0),
    classifier_dropout: read.share('classifier_dropout', read.share('hidden_dropout', 0.1)),
    mlp_bias: read.flag('mlp_bias', false),
    qkv_bias,
    output_bias,
    hasHeadNorms: kin.hasHeadNorms ?? false,
  };
}

const family = (modelType: string, name: string, kin: Kin): Family<LlamaConfig> => ({
  modelType,
  prefix: 'model',
  isCausal: true,
  loraTargets: ['q_proj', 'v_proj'],
  parse: (read) => parse(read, kin),
  sizes: (c) => ({
    ...{ hidden: c.hidden_size, layers: c.num_hidden_layers, heads: c.num_attention_heads },
    keyValue: { heads: c.num_key_value_heads, width: c.head_dim },
    ...{ vocab: c.vocab_size, positions: c.max_position_embeddings },
  }),
  tied: (c) => (c.tie_word_embeddings ? TABLE : undefined),
  forward,
  heads: {
    ...languageModel(`${name}ForCausalLM`, TABLE),
    'text-classification': {
      className: `${name}ForSequenceClassification`,
      forward: (scope, last, outputs) => scope.linear('score', last, outputs, { bias: false }),
    },
    'token-classification': {
      className: `${name}ForTokenClassification`,
      forward: (scope, states, outputs, c) =>
        scope.linear('score', scope.drop('score', states, c.classifier_dropout), outputs),
    },
  },
});

/** Llama (Touvron et al. 2023), which SmolLM2 and many others are. */
export const llama = family('llama', 'Llama', {
  biases: (read) => [read.flag('attention_bias', false), read.flag('attention_bias', false)],
  max_position_embeddings: 2048,
});

/** Mistral 7B (Jiang et al. 2023): windows over the keys. */
export const mistral = family('mistral', 'Mistral', {
  biases: () => [false, false],
  num_key_value_heads: 8,
  max_position_embeddings: 131_072,
  hasWindow: (read) => !read.isNull('sliding_window'),
});

/** Qwen 2 and 2.5 (Yang et al. 2024): biases of queries, keys and values. */
export const qwen2 = family('qwen2', 'Qwen2', {
  biases: () => [true, false],
  num_key_value_heads: 32,
  max_position_embeddings: 32_768,
  hasWindow: (read) => read.flag('use_sliding_window', false) && !read.isNull('sliding_window'),
});

/** Qwen 3 (Yang et al. 2025): norms of queries and keys in their place. */
export const qwen3 = family('qwen3', 'Qwen3', {
  biases: (read) => [read.flag('attention_bias', false), read.flag('attention_bias', false)],
  head_dim: 128,
  num_key_value_heads: 32,
  max_position_embeddings: 32_768,
  hasHeadNorms: true,
  hasWindow: (read) => read.flag('use_sliding_window', false) && !read.isNull('sliding_window'),
});

function forward(scope: Scope, batch: Batch, c: LlamaConfig): tf.Tensor2D[] {
  const L = c.num_hidden_layers;
  const states = [scope.embedding('embed_tokens', batch.input_ids, c.vocab_size, c.hidden_size)]; // (T, H)
  const angles = anglesAt(batch.position_ids, c.rotation, c.max_position_embeddings); // (T, D / 2)
  for (let i = 0; i < L; i++) {
    const x = states[i]!;
    const queries = i < L - 1 ? batch.every(x) : batch.read(x);
    states.push(layer(scope.at(`layers.${i}`, i), queries, x, { batch, layer: i, angles }, c));
  }
  states.push(scope.at('', L - 1).norm('norm', states.pop()!, 'rms', c.rms_norm_eps));
  return states;
}

interface Where {
  batch: Batch;
  layer: number;
  angles: Angles;
}

function layer(scope: Scope, queries: Queries, context: tf.Tensor2D, where: Where, c: LlamaConfig): tf.Tensor2D {
  // Every token is normed once, for keys and values; the queries' are among them.
  const all = scope.norm('input_layernorm', context, 'rms', c.rms_norm_eps);
  const attended = attention(scope.at('self_attn'), { ...queries, x: queries.of(all) }, all, where, c);
  const h = tf.add(queries.x, attended) as tf.Tensor2D; // (M, H)
  const x = scope.norm('post_attention_layernorm', h, 'rms', c.rms_norm_eps);
  const mlp = scope.at('mlp');
  const options = { bias: c.mlp_bias };
  const gate = mlp.linear('gate_proj', x, c.intermediate_size, options);
  const inner = swiGlu(gate, mlp.linear('up_proj', x, c.intermediate_size, options)); // (M, F)
  return tf.add(h, mlp.linear('down_proj', inner, c.hidden_size, options)) as tf.Tensor2D;
}

function attention(
  scope: Scope,
  { x, rows, hidden, of }: Queries,
  context: tf.Tensor2D,
  { batch, layer, angles }: Where,
  c: LlamaConfig,
): tf.Tensor2D {
  const { num_attention_heads: A, num_key_value_heads: G, head_dim: D } = c;
  const heads = (name: string, from: tf.Tensor2D, n: number) =>
    splitHeads(scope.linear(`${name}_proj`, from, n * D, { bias: c.qkv_bias }), rows, n);
  const normed = (name: string, x: tf.Tensor) => {
    if (!c.hasHeadNorms) return x;
    return tf.reshape(scope.norm(`${name}_norm`, tf.reshape(x, [-1, D]), 'rms', c.rms_norm_eps), x.shape);
  };
  const rotated = (x: tf.Tensor, at: (all: tf.Tensor2D) => tf.Tensor2D) => {
    const angle = (all: tf.Tensor2D) => tf.reshape(at(all), [rows, 1, x.shape[2]!, D / 2]);
    return rotary(x, angle(angles.cos), angle(angles.sin));
  };
  const q = rotated(normed('q', heads('q', x, A)), of); // (R, A, M / R, D)
  const k = rotated(normed('k', heads('k', context, G)), (all) => all); // (R, G, T / R, D)
  const v = heads('v', context, G);
  const keys = batch.context(layer, { k, v });
  const attended = scope.attention('', { q, ...keys, hidden, rate: c.attention_dropout, recompute: true });
  return scope.linear('o_proj', joinHeads(attended), c.hidden_size, { bias: c.output_bias });
}
