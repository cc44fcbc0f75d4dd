import * as tf from '@tensorflow/tfjs-core';
import { gelu } from '../../tensor/ops/index.ts';
import type { Batch, Queries } from '../batch.ts';
import { type ConfigReader, MOST } from '../config.ts';
import type { Family } from '../family.ts';
import { joinHeads, maskedModel, splitHeads } from '../heads.ts';
import type { Scope } from '../scope.ts';

type DistilBertConfig = ReturnType<typeof parse>;

/** transformers' DistilBERT has no key for it. */
const EPSILON = 1e-12;

function parse(read: ConfigReader) {
  read.expect('activation', 'gelu');
  read.expect('sinusoidal_pos_embds', false);
  const vocab_size = read.size('vocab_size', MOST.vocab, 30_522);
  const [dim, n_heads] = read.heads('dim', 'n_heads', [768, 12]);
  return {
    vocab_size,
    dim,
    n_heads,
    n_layers: read.size('n_layers', MOST.layers, 6),
    hidden_dim: read.size('hidden_dim', MOST.width, 4 * dim),
    max_position_embeddings: read.size('max_position_embeddings', MOST.positions, 512),
    dropout: read.share('dropout', 0.1),
    attention_dropout: read.share('attention_dropout', 0.1),
    seq_classif_dropout: read.share('seq_classif_dropout', 0.2),
    tie_word_embeddings: read.flag('tie_word_embeddings', true),
  };
}

/** DistilBERT (Sanh et al. 2019): BERT without types of tokens and without a pooler, under names of its own. */
export const distilbert: Family<DistilBertConfig> = {
  modelType: 'distilbert',
  prefix: 'distilbert',
  loraTargets: ['q_lin', 'v_lin'],
  parse,
  pooling: {
    layers: 'n_layers',
    layer: (i) => `distilbert.transformer.layer.${i}`,
    ...{ value: 'attention.v_lin', output: 'attention.out_lin', norm: 'output_layer_norm' },
    ...{ dense: 'pre_classifier', activation: 'relu' },
  },
  sizes: (c) => ({
    ...{ hidden: c.dim, layers: c.n_layers, heads: c.n_heads },
    ...{ vocab: c.vocab_size, positions: c.max_position_embeddings },
  }),
  forward: (scope, batch, c) => {
    const states = [embeddings(scope.at('embeddings'), batch, c)]; // (T, H)
    for (let i = 0; i < c.n_layers; i++) {
      const x = states[i]!;
      const queries = i < c.n_layers - 1 ? batch.every(x) : batch.read(x);
      states.push(layer(scope.at(`transformer.layer.${i}`, i), queries, x, c));
    }
    return states;
  },
  heads: {
    'text-classification': {
      className: 'DistilBertForSequenceClassification',
      forward: (scope, first, outputs, c) => {
        const x = tf.relu(scope.linear('pre_classifier', first, c.dim)); // (N, H)
        return scope.linear('classifier', scope.drop('classifier', x, c.seq_classif_dropout), outputs);
      },
    },
    'token-classification': {
      className: 'DistilBertForTokenClassification',
      forward: (scope, states, outputs, c) =>
        scope.linear('classifier', scope.drop('classifier', states, c.dropout), outputs),
    },
    'fill-mask': maskedModel('DistilBertForMaskedLM', {
      dense: 'vocab_transform',
      norm: 'vocab_layer_norm',
      epsilon: () => EPSILON,
      decoder: 'vocab_projector',
      bias: 'vocab_projector.bias',
      table: 'distilbert.embeddings.word_embeddings',
    }),
  },
};

function embeddings(scope: Scope, batch: Batch, c: DistilBertConfig): tf.Tensor2D {
  const words = scope.embedding('word_embeddings', batch.input_ids, c.vocab_size, c.dim);
  const positions = scope.embedding('position_embeddings', batch.position_ids, c.max_position_embeddings, c.dim);
  return scope.drop('', scope.norm('LayerNorm', tf.add(words, positions), 'layer', EPSILON), c.dropout);
}

function layer(scope: Scope, { x, rows, hidden }: Queries, context: tf.Tensor2D, c: DistilBertConfig): tf.Tensor2D {
  const self = scope.at('attention');
  const heads = (name: string, from: tf.Tensor2D) => splitHeads(self.linear(name, from, c.dim), rows, c.n_heads); // (R, A, S, D)
  const [q, k, v] = [heads('q_lin', x), heads('k_lin', context), heads('v_lin', context)];
  const attended = joinHeads(self.attention('', { q, k, v, hidden, rate: c.attention_dropout }));
  const h = scope.norm('sa_layer_norm', tf.add(self.linear('out_lin', attended, c.dim), x), 'layer', EPSILON);
  const contracted = scope.linear('ffn.lin2', gelu(scope.linear('ffn.lin1', h, c.hidden_dim)), c.dim);
  return scope.norm('output_layer_norm', tf.add(scope.drop('ffn', contracted, c.dropout), h), 'layer', EPSILON);
}
