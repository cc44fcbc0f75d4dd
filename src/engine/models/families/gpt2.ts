import * as tf from '@tensorflow/tfjs-core';
import { geluTanh } from '../../tensor/ops/index.ts';
import type { Batch, Queries } from '../batch.ts';
import { type ConfigReader, MOST } from '../config.ts';
import type { Family } from '../family.ts';
import { joinHeads, languageModel, splitHeads } from '../heads.ts';
import type { Scope } from '../scope.ts';

type Gpt2Config = ReturnType<typeof parse>;

const TABLE = 'transformer.wte';

function parse(read: ConfigReader) {
  read.expect('activation_function', 'gelu_new');
  read.expect('scale_attn_weights', true);
  read.expect('scale_attn_by_inverse_layer_idx', false);
  read.expect('add_cross_attention', false);
  const [n_embd, n_head] = read.heads('n_embd', 'n_head', [768, 12]);
  return {
    vocab_size: read.size('vocab_size', MOST.vocab, 50_257),
    n_positions: read.size('n_positions', MOST.positions, 1024),
    n_embd,
    n_layer: read.size('n_layer', MOST.layers, 12),
    n_head,
    n_inner: read.size('n_inner', MOST.width, 4 * n_embd),
    layer_norm_epsilon: read.number('layer_norm_epsilon', 1e-5),
    embd_pdrop: read.share('embd_pdrop', 0.1),
    attn_pdrop: read.share('attn_pdrop', 0.1),
    resid_pdrop: read.share('resid_pdrop', 0.1),
    classifier_dropout: read.share('classifier_dropout', read.share('hidden_dropout', 0.1)),
    tie_word_embeddings: read.flag('tie_word_embeddings', true),
  };
}

/** GPT-2 (Radford et al. 2019): norms before the layers, positions learnt, weights the other way round (`Conv1D`). */
export const gpt2: Family<Gpt2Config> = {
  modelType: 'gpt2',
  prefix: 'transformer',
  isCausal: true,
  loraTargets: ['c_attn'],
  parse,
  sizes: (c) => ({
    ...{ hidden: c.n_embd, layers: c.n_layer, heads: c.n_head },
    ...{ vocab: c.vocab_size, positions: c.n_positions },
  }),
  tied: (c) => (c.tie_word_embeddings ? TABLE : undefined),
  forward: (scope, batch, c) => {
    const states = [embeddings(scope, batch, c)]; // (T, H)
    for (let i = 0; i < c.n_layer; i++) {
      const x = states[i]!;
      const queries = i < c.n_layer - 1 ? batch.every(x) : batch.read(x);
      states.push(block(scope.at(`h.${i}`, i), queries, x, { batch, layer: i }, c));
    }
    states.push(scope.at('', c.n_layer - 1).norm('ln_f', states.pop()!, 'layer', c.layer_norm_epsilon));
    return states;
  },
  heads: {
    ...languageModel('GPT2LMHeadModel', TABLE),
    'text-classification': {
      className: 'GPT2ForSequenceClassification',
      forward: (scope, last, outputs) => scope.linear('score', last, outputs, { bias: false }),
    },
    'token-classification': {
      className: 'GPT2ForTokenClassification',
      forward: (scope, states, outputs, c) =>
        scope.linear('classifier', scope.drop('classifier', states, c.classifier_dropout), outputs),
    },
  },
};

function embeddings(scope: Scope, batch: Batch, c: Gpt2Config): tf.Tensor2D {
  const words = scope.embedding('wte', batch.input_ids, c.vocab_size, c.n_embd);
  const positions = scope.embedding('wpe', batch.position_ids, c.n_positions, c.n_embd);
  return scope.drop('drop', tf.add(words, positions) as tf.Tensor2D, c.embd_pdrop);
}

interface Where {
  batch: Batch;
  layer: number;
}

const conv = (scope: Scope, name: string, x: tf.Tensor2D, out: number) =>
  scope.linear(name, x, out, { layout: 'in,out' });

function block(scope: Scope, queries: Queries, context: tf.Tensor2D, where: Where, c: Gpt2Config): tf.Tensor2D {
  const all = scope.norm('ln_1', context, 'layer', c.layer_norm_epsilon); // (T, H)
  const attended = attention(scope.at('attn'), queries, all, where, c);
  const h = tf.add(queries.x, attended) as tf.Tensor2D; // (M, H)
  const mlp = scope.at('mlp');
  const inner = geluTanh(conv(mlp, 'c_fc', scope.norm('ln_2', h, 'layer', c.layer_norm_epsilon), c.n_inner));
  return tf.add(h, mlp.drop('', conv(mlp, 'c_proj', inner, c.n_embd), c.resid_pdrop)) as tf.Tensor2D;
}

function attention(
  scope: Scope,
  { rows, hidden, of }: Queries,
  all: tf.Tensor2D,
  { batch, layer }: Where,
  c: Gpt2Config,
): tf.Tensor2D {
  // One product for queries, keys and values, side by side. (T, 3 H)
  const [q, k, v] = tf.split(conv(scope, 'c_attn', all, 3 * c.n_embd), 3, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  const heads = (x: tf.Tensor2D) => splitHeads(x, rows, c.n_head); // (R, A, S, D)
  const context = batch.context(layer, { k: heads(k), v: heads(v) });
  const attended = scope.attention('', { q: heads(of(q)), ...context, hidden, rate: c.attn_pdrop, recompute: true });
  return scope.drop('resid', conv(scope, 'c_proj', joinHeads(attended), c.n_embd), c.resid_pdrop);
}
