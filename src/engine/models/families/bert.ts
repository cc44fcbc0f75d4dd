import * as tf from '@tensorflow/tfjs-core';
import { gelu } from '../../tensor/ops/index.ts';
import type { Batch, Queries } from '../batch.ts';
import { type ConfigReader, MOST } from '../config.ts';
import type { Family } from '../family.ts';
import { joinHeads, maskedModel, splitHeads } from '../heads.ts';
import type { Scope } from '../scope.ts';

type BertConfig = ReturnType<typeof parse>;

export function parse(read: ConfigReader) {
  read.expect('hidden_act', 'gelu');
  read.expect('position_embedding_type', 'absolute');
  const vocab_size = read.size('vocab_size', MOST.vocab);
  const [hidden_size, num_attention_heads] = read.heads('hidden_size', 'num_attention_heads');
  const hidden_dropout_prob = read.share('hidden_dropout_prob', 0.1);
  return {
    vocab_size,
    hidden_size,
    num_hidden_layers: read.size('num_hidden_layers', MOST.layers),
    num_attention_heads,
    intermediate_size: read.size('intermediate_size', MOST.width),
    max_position_embeddings: read.size('max_position_embeddings', MOST.positions, 512),
    type_vocab_size: read.size('type_vocab_size', MOST.width, 2),
    layer_norm_eps: read.number('layer_norm_eps', 1e-12),
    hidden_dropout_prob,
    attention_probs_dropout_prob: read.share('attention_probs_dropout_prob', 0.1),
    classifier_dropout: read.share('classifier_dropout', hidden_dropout_prob),
    tie_word_embeddings: read.flag('tie_word_embeddings', true),
  };
}

/** BERT (Devlin et al. 2018). */
export const bert: Family<BertConfig> = {
  modelType: 'bert',
  prefix: 'bert',
  loraTargets: ['query', 'value'],
  parse,
  pooling: {
    layers: 'num_hidden_layers',
    layer: (i) => `bert.encoder.layer.${i}`,
    ...{ value: 'attention.self.value', output: 'attention.output.dense', norm: 'output.LayerNorm' },
    ...{ dense: 'bert.pooler.dense', activation: 'tanh' },
  },
  sizes: (c) => ({
    hidden: c.hidden_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    vocab: c.vocab_size,
    positions: c.max_position_embeddings,
  }),
  forward: (scope, batch, c) => {
    const x = embeddings(scope.at('embeddings'), batch, c); // (T, H)
    return layers(scope.at('encoder'), x, batch, c);
  },
  heads: {
    'text-classification': {
      className: 'BertForSequenceClassification',
      forward: (scope, first, outputs, c) => {
        const pooled = tf.tanh(scope.linear('bert.pooler.dense', first, c.hidden_size)); // (N, H)
        return scope.linear('classifier', scope.drop('classifier', pooled, c.classifier_dropout), outputs);
      },
    },
    'token-classification': {
      className: 'BertForTokenClassification',
      forward: (scope, states, outputs, c) =>
        scope.linear('classifier', scope.drop('classifier', states, c.classifier_dropout), outputs),
    },
    'fill-mask': maskedModel('BertForMaskedLM', {
      dense: 'cls.predictions.transform.dense',
      norm: 'cls.predictions.transform.LayerNorm',
      epsilon: (c) => c.layer_norm_eps,
      decoder: 'cls.predictions.decoder',
      bias: 'cls.predictions.bias',
      table: 'bert.embeddings.word_embeddings',
    }),
  },
};

function embeddings(scope: Scope, batch: Batch, c: BertConfig): tf.Tensor2D {
  const H = c.hidden_size;
  const words = scope.embedding('word_embeddings', batch.input_ids, c.vocab_size, H);
  const positions = scope.embedding('position_embeddings', batch.position_ids, c.max_position_embeddings, H);
  const types = scope.embedding('token_type_embeddings', batch.token_type_ids, c.type_vocab_size, H);
  const x = scope.norm('LayerNorm', tf.add(tf.add(words, types), positions), 'layer', c.layer_norm_eps);
  return scope.drop('', x, c.hidden_dropout_prob);
}

/** The states before and after each layer. */
export function layers(scope: Scope, embedded: tf.Tensor2D, batch: Batch, c: BertConfig): tf.Tensor2D[] {
  const states = [embedded];
  for (let i = 0; i < c.num_hidden_layers; i++) {
    const x = states[i]!;
    const queries = i < c.num_hidden_layers - 1 ? batch.every(x) : batch.read(x);
    states.push(layer(scope.at(`layer.${i}`, i), queries, x, c));
  }
  return states;
}

function layer(scope: Scope, queries: Queries, context: tf.Tensor2D, c: BertConfig): tf.Tensor2D {
  const output = scope.at('attention.output');
  const projected = output.linear(
    'dense',
    selfAttention(scope.at('attention.self'), queries, context, c),
    c.hidden_size,
  );
  const dropped = scope.drop('attention.output', projected, c.hidden_dropout_prob);
  const h = output.norm('LayerNorm', tf.add(dropped, queries.x), 'layer', c.layer_norm_eps);
  const expanded = gelu(scope.linear('intermediate.dense', h, c.intermediate_size));
  const contracted = scope.drop('output', scope.linear('output.dense', expanded, c.hidden_size), c.hidden_dropout_prob);
  return scope.norm('output.LayerNorm', tf.add(contracted, h), 'layer', c.layer_norm_eps);
}

function selfAttention(scope: Scope, { x, rows, hidden }: Queries, context: tf.Tensor2D, c: BertConfig): tf.Tensor2D {
  const heads = (name: string, from: tf.Tensor2D) =>
    splitHeads(scope.linear(name, from, c.hidden_size), rows, c.num_attention_heads); // (R, A, S, D)
  const q = heads('query', x);
  const k = heads('key', context);
  const v = heads('value', context);
  return joinHeads(scope.attention('', { q, k, v, hidden, rate: c.attention_probs_dropout_prob }));
}
