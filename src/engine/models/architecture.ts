import type * as tf from '@tensorflow/tfjs-core';
import { type AnswerName, counted, isTaskName, LuthierError, type TaskName } from '../../protocol/index.ts';
import { type HeldBits, sizeOf, type TensorSpec } from '../tensor/executors/executor.ts';
import {
  type Batch,
  type BatchShape,
  batchSpecs,
  type Gather,
  meanOfTexts,
  packedBatch,
  type Reader,
} from './batch.ts';
import { type Config, ConfigReader, poolingOfModel, type Reading } from './config.ts';
import type { Family, KeyValueHeads, PoolingNames, States } from './family.ts';
import { type Declaration, declare, decorate, rootScope, type Scope, type Source } from './scope.ts';

/** Which linear layers have adapters, and what is trained whole beside them; modules by their Hugging Face names. */
export interface Adapters {
  readonly r: number;
  readonly lora_alpha: number;
  readonly lora_dropout: number;
  readonly use_rslora?: boolean | undefined;
  readonly use_dora?: boolean | undefined;
  /** As peft's config names the layers. */
  readonly target_modules: readonly string[];
  readonly targets: readonly string[];
  readonly modulesToSave: readonly string[];
  /** Weights of the targets lie the other way round, as GPT-2's. */
  readonly fan_in_fan_out: boolean;
}

/** Virtual tokens in front of each text, of which something is learnt, and what is trained whole beside them. */
export interface Prompt {
  readonly num_virtual_tokens: number;
  /** Of them each layer's keys and values are learnt (models/prefix.ts), not their embeddings (models/prompt.ts). */
  readonly isPrefix?: boolean;
  /** Of a prefix: width of the layer behind which keys and values are; they are learnt as they are where left out. */
  readonly encoder_hidden_size?: number;
  /** Tokens whose embeddings they begin with; at random where left out. */
  readonly beginsWith?: readonly number[];
  readonly modulesToSave: readonly string[];
}

/** A model of some family that a config.json describes, with what a strategy has added to it. */
export interface Architecture extends Reader {
  readonly modelType: string;
  readonly prefix: string;
  readonly loraTargets: readonly string[];
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly keyValue: KeyValueHeads;
  readonly vocabSize: number;
  /** Tokens of the longest text. */
  readonly maxPositions: number;
  /** Floating-point operations of one token's forward pass, attention's share apart. */
  readonly flopsPerToken: number;
  /** The table whose rows a tied head has too: a file may have them under the head's name alone. */
  readonly tied: string | undefined;
  /** How its texts may be read; undefined where the head reads every token, or the last. */
  readonly pooling: PoolingNames | undefined;
  /** How a run has set up that its texts are read; undefined where by the first token through a trained pooler, or otherwise. */
  readonly reading: Reading | undefined;
  /** How many outputs its head has by itself; undefined where as many as the task has labels. */
  readonly outputs: number | undefined;
  /** Class name for config.json's `architectures`. */
  readonly className: string;
  /** What its family has heads for that can be trained, the first being what it was made for. */
  readonly tasks: readonly TaskName[];
  /** Where its forward functions begin: at the root of all names. */
  scope(source: Source): Scope;
  states(scope: Scope, batch: Batch): States;
  /** `[N, H]` -> `[N, outputs]` */
  head(scope: Scope, x: tf.Tensor2D, outputs: number): tf.Tensor2D;
  readonly adapters?: Adapters;
  readonly prompt?: Prompt;
}

/** How many tokens of a text a model takes, in words. */
export const tokensTaken = ({ maxPositions, prompt }: Pick<Architecture, 'maxPositions' | 'prompt'>): string =>
  prompt === undefined
    ? `${maxPositions} tokens`
    : `${counted(maxPositions, 'token')} after ${counted(prompt.num_virtual_tokens, 'virtual token')}`;

/** What a task says of the head that it needs. */
export interface HeadKind {
  readonly name: AnswerName;
  /** Whose head it has, where that is another task's. */
  readonly head?: TaskName;
  /** A token of each text, which one being the family's affair or named by the item, or all. */
  readonly reads: Exclude<Gather, 'last'>;
}

const TEXT: HeadKind = { name: 'text-classification', reads: 'first' };

/** @throws LuthierError `model-invalid`, `model-unsupported` naming the key at fault */
export function describe<C>(family: Family<C>, config: Config, file: string, task = TEXT): Architecture {
  const read = new ConfigReader(config, file);
  const c = family.parse(read);
  const deviation = read.number('initializer_range', 0.02);
  const { hidden, layers, heads, keyValue = { heads, width: hidden / heads }, vocab, positions } = family.sizes(c);
  const { isCausal = false } = family;
  const head = family.heads[task.head ?? task.name];
  if (!head) {
    throw new LuthierError(
      'model-unsupported',
      `${file}: Luthier has no head for ${task.name} on a ${family.modelType} model yet.`,
      `Choose another base model, such as "starters/${task.name.endsWith('classification') ? 'bert' : 'decoder'}", or another task.`,
    );
  }
  const outputs = head.outputs?.(c);
  return {
    modelType: family.modelType,
    prefix: family.prefix,
    loraTargets: family.loraTargets,
    isCausal,
    padTokenId: idOf(config.pad_token_id),
    hiddenSize: hidden,
    numLayers: layers,
    numHeads: heads,
    keyValue,
    vocabSize: vocab,
    maxPositions: positions,
    get flopsPerToken() {
      const { parameters } = declarationOf(this);
      const inLayers = [...parameters.values()].filter(({ layout, place }) => layout && place !== 'head');
      return 2 * (inLayers.reduce((n, { shape }) => n + sizeOf(shape), 0) + hidden * (outputs ?? 0));
    },
    tied: family.tied?.(c),
    pooling: isCausal || task.reads !== 'first' ? undefined : family.pooling,
    reading: isCausal || task.reads !== 'first' ? undefined : poolingOfModel(config),
    outputs,
    className: head.className,
    tasks: (Object.keys(family.heads) as AnswerName[]).filter(isTaskName),
    reads: isCausal && task.reads === 'first' ? 'last' : task.reads,
    scope: (source) => rootScope(source, deviation),
    states: (scope, batch) => family.forward(scope.at(family.prefix, -1), batch, c),
    head: (scope, x, outputs) => head.forward(scope, x, outputs, c),
  };
}

/** Of a token; some configurations say -1 for none. */
const idOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;

/** How many states of a batch the head reads. */
export const statesIn = ({ reads }: Architecture, { rows, length, texts }: BatchShape): number =>
  reads === 'all' ? rows * length : texts;

/**
 * Texts to logits; texts to what the head is given; that to what its last layer is, the answers' own; from the head on; and
 * texts to the means of their tokens' states below a last layer that pools, which are their embeddings.
 */
export type Part = 'all' | 'states' | 'pooled' | 'head' | 'means';

export const partSpecs = (part: Part, architecture: Architecture, shape: BatchShape): Record<string, TensorSpec> =>
  part === 'head' || part === 'pooled'
    ? { features: { shape: [shape.texts, architecture.hiddenSize], dtype: 'float32' } }
    : batchSpecs(shape);

/** Computes a part from the inputs of partSpecs: logits `[N, outputs]`, or features or embeddings `[N, H]`. */
export function compute(
  part: Part,
  architecture: Architecture,
  source: Source,
  inputs: Record<string, tf.Tensor>,
  { shape, outputs }: { shape: BatchShape; outputs: number },
): tf.Tensor2D {
  const scope = architecture.scope(source);
  const read = () => architecture.states(scope, packedBatch(inputs, shape, architecture));
  if (part === 'means') return meanOfTexts(read().at(-2)!, inputs.text_ids as tf.Tensor1D, shape.texts);
  const states = part === 'head' || part === 'pooled' ? (inputs.features as tf.Tensor2D) : read().at(-1)!;
  if (part === 'states') return states;
  return architecture.head(part === 'pooled' ? withoutAnswers(scope, architecture) : scope, states, outputs);
}

/** A scope in which the layer that answers gives back what it is given. */
function withoutAnswers(scope: Scope, architecture: Architecture): Scope {
  const answers = answerNames(architecture);
  return decorate(scope, (inner) => ({
    linear: (name, x, ...rest) =>
      answers.includes(inner.nameOf(`${name}.weight`)) ? x : inner.linear(name, x, ...rest),
  }));
}

const known = new WeakMap<Architecture, Map<string, Declaration>>();

/** What a part of a model consists of. What does not depend on the batch or on the number of outputs needs neither. */
export function declarationOf(
  architecture: Architecture,
  {
    part = 'all',
    shape = { rows: 1, length: 1, texts: 1 },
    outputs = 1,
  }: { part?: Part; shape?: BatchShape; outputs?: number } = {},
): Declaration {
  const key = `${part} ${shape.rows} ${shape.length} ${shape.texts} ${outputs}`;
  const declarations = known.get(architecture) ?? new Map<string, Declaration>();
  known.set(architecture, declarations);
  const declaration =
    declarations.get(key) ??
    declare(
      (source, inputs) => void compute(part, architecture, source, inputs, { shape, outputs }),
      partSpecs(part, architecture, shape),
    );
  declarations.set(key, declaration);
  return declaration;
}

/** The part that embeds texts: sentence-transformers' Transformer and Pooling, `[N, H]`. */
export const embeddingPart = ({ reading }: Architecture): Part => (reading === 'mean' ? 'means' : 'states');

/** Weights that may be computed with in so many bits. */
export interface Held {
  readonly bits: HeldBits;
  has(name: string): boolean;
}

/** Whether a parameter is the weight of a linear layer that is no head: what may be computed with in 8 bits. */
export function isLayerWeight(architecture: Architecture): (name: string) => boolean {
  const { parameters } = declarationOf(architecture);
  return (name) => {
    const { layout, place } = parameters.get(name)!;
    return layout !== undefined && place !== 'head';
  };
}

/**
 * Whether a parameter is the weight of a product, the head's and a table that is one included: what a token that is written
 * may be computed with in 8 bits. Over a vocabulary the head is a good part of a small model, and nearly all of the likeliest
 * tokens stay the likeliest.
 */
export function isProductWeight(architecture: Architecture): (name: string) => boolean {
  const { parameters } = declarationOf(architecture);
  return (name) => moduleOf(name) === architecture.tied || parameters.get(name)?.layout !== undefined;
}

/** `a.b` for `a.b.weight` */
export const moduleOf = (parameter: string): string => parameter.slice(0, parameter.lastIndexOf('.'));

/** Names of what has a row for each output: the layer that answers. */
export function answerNames(architecture: Architecture): string[] {
  const two = declarationOf(architecture, { outputs: 2 }).parameters;
  return [...declarationOf(architecture).parameters.values()]
    .filter(({ name, shape }) => String(shape) !== String(two.get(name)!.shape))
    .map(({ name }) => name);
}
