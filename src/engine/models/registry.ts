import type * as tf from '@tensorflow/tfjs-core';
import { LuthierError } from '../errors.ts';
import type { Shape } from '../executors/executor.ts';
import { type BertNameMap, mapBertWeights } from '../hub/bert-names.ts';
import type { BatchShape } from './batch.ts';
import {
  type BertConfig,
  type BertInputs,
  bertClassifier,
  bertDropoutSites,
  bertFirstTokens,
  bertLinearInputs,
  bertParameterShapes,
  bertRowFirstTokens,
  type Dense,
  type Masks,
  type Parameters,
  plainDense,
  type RowInputs,
} from './bert.ts';
import type { Adapters } from './lora.ts';

/** Where a parameter stands: -1 for embeddings, the layer's number, or 'head' for what comes after the encoder. */
export type Place = number | 'head';

/** An encoder with a classifier on its first token, whatever its family. */
export interface Encoder {
  readonly modelType: string;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly vocabSize: number;
  readonly maxPositions: number;
  parameterShapes(numLabels: number): Record<string, number[]>;
  dropoutSites(batch: BatchShape): Record<string, { shape: Shape; rate: number }>;
  /** Every linear layer by name, with the shape of its input. */
  linearInputs(batch: BatchShape): Record<string, [rows: number, width: number]>;
  /** @param dense what computes the linear layers, where that is more than their weights do */
  firstTokens(p: Parameters, inputs: BertInputs, batch: BatchShape, masks: Masks, dense?: Dense): tf.Tensor2D;
  /** The same for one text a row, as exported. */
  rowFirstTokens(p: Parameters, inputs: RowInputs, rows: number, length: number): tf.Tensor2D;
  classifier(p: Parameters, first: tf.Tensor2D, masks: Masks, dense?: Dense): tf.Tensor2D;
  placeOf(name: string): Place;
  /** Tables that are read by row alone, and the feed with the rows: their gradient is zero elsewhere. */
  readonly tables: Readonly<Record<string, 'input_ids'>>;
  /** Names of the folder's tensors by canonical name. */
  mapWeights(names: string[]): BertNameMap;
  /** Standard deviation of new weights. */
  readonly initializerRange: number;
  /** Floating-point operations of one token's forward pass, attention's share apart. */
  readonly flopsPerToken: number;
  /** Class name for config.json's `architectures`. */
  readonly architecture: string;
  /** What models/lora.ts has added, if it has. */
  readonly adapters?: Adapters;
}

type Config = Readonly<Record<string, unknown>>;

const FAMILIES: Readonly<Record<string, (config: Config, file: string) => Encoder>> = { bert };

/**
 * The encoder that a config.json describes.
 * @throws LuthierError `model-unsupported` naming the supported types, `model-invalid` naming the key at fault
 */
export function createEncoder(config: Config, file: string): Encoder {
  const type = config.model_type;
  // Own keys alone: "constructor" and "__proto__" are no families.
  const family = typeof type === 'string' && Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (!family) {
    throw new LuthierError(
      'model-unsupported',
      `${file}: model_type ${type === undefined ? 'is missing' : `${shown(type)} is not supported`}.`,
      `Supported: ${Object.keys(FAMILIES).join(', ')}. The starter "starters/bert" is always available.`,
    );
  }
  return family(config, file);
}

/** More than any BERT has, by far; with 32-bit floats one such matrix would not fit in a machine. */
const MOST = { vocab: 10_000_000, width: 100_000, layers: 1_000, positions: 1_000_000 };

/** For download: refuses a model by its config.json before its weights come. */
export const requireSupported = (config: Config, name: string): void =>
  void createEncoder(config, `${name}/config.json`);

/** A value of a file in an error: short, whatever it is. */
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

function bert(config: Config, file: string): Encoder {
  const invalid = (key: string, what: string) =>
    new LuthierError(
      'model-invalid',
      `${file}: ${key} is ${shown(config[key])}, ${what}.`,
      'Download or copy the file from the model again.',
    );
  const number = (key: string, fallback?: number): number => {
    const value = config[key] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    throw invalid(key, 'not a number');
  };
  /** A size: whole, at least 1, and no more than any model has, so that nothing of that length is made in vain. */
  const size = (key: string, most: number, fallback?: number): number => {
    const value = number(key, fallback);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw invalid(key, `not a whole number from 1 to ${most}`);
  };
  const share = (key: string, fallback: number): number => {
    const value = number(key, fallback);
    if (value < 1) return value;
    throw invalid(key, 'not a share below 1');
  };
  const expect = (key: string, wanted: string) => {
    const value = config[key] ?? wanted;
    if (value === wanted) return;
    throw new LuthierError(
      'model-unsupported',
      `${file}: ${key} is ${shown(value)}; only "${wanted}" is supported.`,
      'Use a BERT model with the usual settings, such as "starters/bert".',
    );
  };
  expect('hidden_act', 'gelu');
  expect('position_embedding_type', 'absolute');
  const c: BertConfig = {
    vocab_size: size('vocab_size', MOST.vocab),
    hidden_size: size('hidden_size', MOST.width),
    num_hidden_layers: size('num_hidden_layers', MOST.layers),
    num_attention_heads: size('num_attention_heads', MOST.width),
    intermediate_size: size('intermediate_size', MOST.width),
    max_position_embeddings: size('max_position_embeddings', MOST.positions, 512),
    type_vocab_size: size('type_vocab_size', MOST.width, 2),
    layer_norm_eps: number('layer_norm_eps', 1e-12),
    hidden_dropout_prob: share('hidden_dropout_prob', 0.1),
    attention_probs_dropout_prob: share('attention_probs_dropout_prob', 0.1),
    classifier_dropout: config.classifier_dropout == null ? null : share('classifier_dropout', 0),
  };
  if (c.hidden_size % c.num_attention_heads !== 0) {
    throw new LuthierError(
      'model-invalid',
      `${file}: hidden_size ${c.hidden_size} is not divisible by num_attention_heads ${c.num_attention_heads}.`,
      'Download or copy the file from the model again.',
    );
  }
  const H = c.hidden_size;
  return {
    modelType: 'bert',
    architecture: 'BertForSequenceClassification',
    hiddenSize: H,
    numLayers: c.num_hidden_layers,
    vocabSize: c.vocab_size,
    maxPositions: c.max_position_embeddings,
    initializerRange: number('initializer_range', 0.02),
    flopsPerToken: 2 * c.num_hidden_layers * (4 * H * H + 2 * H * c.intermediate_size),
    parameterShapes: (numLabels) => bertParameterShapes(c, numLabels),
    dropoutSites: (batch) => bertDropoutSites(c, batch),
    linearInputs: (batch) => bertLinearInputs(c, batch),
    firstTokens: (p, inputs, batch, masks, dense) => bertFirstTokens(p, inputs, c, batch, masks, dense),
    rowFirstTokens: (p, inputs, rows, length) => bertRowFirstTokens(p, inputs, c, rows, length),
    classifier: (p, first, masks, dense = plainDense(p)) => bertClassifier(first, c, masks, dense),
    mapWeights: (names) => mapBertWeights(names, c.num_hidden_layers),
    tables: { 'bert.embeddings.word_embeddings.weight': 'input_ids' },
    placeOf: (name) => {
      if (name.startsWith('bert.embeddings.')) return -1;
      const layer = /^bert\.encoder\.layer\.(\d+)\./.exec(name)?.[1];
      return layer === undefined ? 'head' : Number(layer);
    },
  };
}
