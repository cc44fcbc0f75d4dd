import type * as tf from '@tensorflow/tfjs-core';
import type { AnswerName } from '../../protocol/index.ts';
import type { Batch } from './batch.ts';
import type { ConfigReader } from './config.ts';
import type { Scope } from './scope.ts';

/** Hidden states: the embeddings', then each layer's, `[T, H]`; the last one's for the tokens that the head reads. */
export type States = readonly tf.Tensor2D[];

/** What a task adds behind the layers, as the Hugging Face class of this name has it. */
export interface Head<C> {
  readonly className: string;
  /** How many outputs it has by itself (a language model's, its vocabulary), where the task's labels do not say. */
  outputs?(config: C): number;
  /** `[N, H]` -> `[N, outputs]`; names are given from the root, so that it may use what lies under the prefix. */
  forward(scope: Scope, x: tf.Tensor2D, outputs: number, config: C): tf.Tensor2D;
}

export interface KeyValueHeads {
  readonly heads: number;
  readonly width: number;
}

export interface Sizes {
  hidden: number;
  layers: number;
  /** Of attention, for queries. */
  heads: number;
  /** Of attention, for keys and values, and the width of each; as for queries where left out. */
  keyValue?: KeyValueHeads;
  vocab: number;
  positions: number;
}

/** What a family says of a layer that pools, and of what its classifier is given. */
export interface PoolingNames {
  /** config.json's key for the number of layers. */
  readonly layers: string;
  /** Whole name of a layer by its number. */
  layer(i: number): string;
  /** In a layer: the linear layers of attention's values and of its output, and the norm behind everything. */
  readonly value: string;
  readonly output: string;
  readonly norm: string;
  /** Whole name of the linear layer between the encoder and the answers, and what is applied to it. */
  readonly dense: string;
  readonly activation: 'tanh' | 'relu';
}

/** One architecture, told once: everything else that Luthier knows of it is read off its forward functions. */
export interface Family<C> {
  /** As config.json's `model_type` has it. */
  readonly modelType: string;
  /** What Hugging Face puts in front of the base model's names in a model with a head. */
  readonly prefix: string;
  /** Each token sees those up to itself: a decoder. A text's head reads its last token, which has seen them all. */
  readonly isCausal?: boolean;
  /** Ends of the names of the linear layers that peft adapts unless told otherwise. */
  readonly loraTargets: readonly string[];
  /** The keys of config.json that change what is computed, under transformers' names. */
  parse(read: ConfigReader): C;
  sizes(config: C): Sizes;
  /** Whole name of the table of which a language model's head has the rows, where the config ties the two. */
  tied?(config: C): string | undefined;
  /** How its texts may be read otherwise than by the first token; of families with a layer before their answers. */
  readonly pooling?: PoolingNames;
  /** The layers, for each of them `scope.at(…, its number)`. */
  forward(scope: Scope, batch: Batch, config: C): States;
  /** What the family was made for comes first. */
  readonly heads: Readonly<Record<'text-classification', Head<C>> & Partial<Record<AnswerName, Head<C>>>>;
}
