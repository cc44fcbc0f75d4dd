import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../batch.ts';
import { type ConfigReader, MOST } from '../config.ts';
import type { Family } from '../family.ts';
import { maskedModel } from '../heads.ts';
import type { Scope } from '../scope.ts';
import { bert, layers, parse as parseBert } from './bert.ts';

type RobertaConfig = ReturnType<typeof parse>;

function parse(read: ConfigReader) {
  const pad_token_id = read.size('pad_token_id', MOST.vocab, 1, 0);
  read.size('max_position_embeddings', MOST.positions, 512, pad_token_id + 2);
  return { ...parseBert(read), pad_token_id };
}

/** RoBERTa (Liu et al. 2019): BERT's layers, positions that begin behind the padding's, one type of token. */
export const roberta: Family<RobertaConfig> = {
  modelType: 'roberta',
  prefix: 'roberta',
  loraTargets: ['query', 'value'],
  parse,
  pooling: {
    layers: 'num_hidden_layers',
    layer: (i) => `roberta.encoder.layer.${i}`,
    ...{ value: 'attention.self.value', output: 'attention.output.dense', norm: 'output.LayerNorm' },
    ...{ dense: 'classifier.dense', activation: 'tanh' },
  },
  sizes: (c) => ({ ...bert.sizes(c), positions: c.max_position_embeddings - c.pad_token_id - 1 }),
  forward: (scope, batch, c) => layers(scope.at('encoder'), embeddings(scope.at('embeddings'), batch, c), batch, c),
  heads: headsOf('Roberta'),
};

/** XLM-RoBERTa (Conneau et al. 2020): the same model, over pieces of a hundred languages. */
export const xlmRoberta: Family<RobertaConfig> = {
  ...roberta,
  modelType: 'xlm-roberta',
  heads: headsOf('XLMRoberta'),
};

function embeddings(scope: Scope, batch: Batch, c: RobertaConfig): tf.Tensor2D {
  const H = c.hidden_size;
  const words = scope.embedding('word_embeddings', batch.input_ids, c.vocab_size, H);
  const places = tf.add(batch.position_ids, tf.scalar(c.pad_token_id + 1, 'int32')) as tf.Tensor1D;
  const positions = scope.embedding('position_embeddings', places, c.max_position_embeddings, H);
  // Every token is of the first type, also in pairs.
  const type = scope.embedding('token_type_embeddings', tf.tensor1d([0], 'int32'), c.type_vocab_size, H); // (1, H)
  const x = scope.norm('LayerNorm', tf.add(tf.add(words, type), positions), 'layer', c.layer_norm_eps);
  return scope.drop('', x, c.hidden_dropout_prob);
}

/** @param model what Hugging Face's class names begin with */
function headsOf(model: string): Family<RobertaConfig>['heads'] {
  return {
    'text-classification': {
      className: `${model}ForSequenceClassification`,
      forward: (root, first, outputs, c) => {
        const scope = root.at('classifier');
        const dropped = scope.drop('dense', first, c.classifier_dropout); // (N, H)
        const x = tf.tanh(scope.linear('dense', dropped, c.hidden_size));
        return scope.linear('out_proj', scope.drop('out_proj', x, c.classifier_dropout), outputs);
      },
    },
    'token-classification': {
      className: `${model}ForTokenClassification`,
      forward: (scope, states, outputs, c) =>
        scope.linear('classifier', scope.drop('classifier', states, c.classifier_dropout), outputs),
    },
    'fill-mask': maskedModel(`${model}ForMaskedLM`, {
      dense: 'lm_head.dense',
      norm: 'lm_head.layer_norm',
      epsilon: (c) => c.layer_norm_eps,
      decoder: 'lm_head.decoder',
      bias: 'lm_head.bias',
      table: 'roberta.embeddings.word_embeddings',
    }),
  };
}
