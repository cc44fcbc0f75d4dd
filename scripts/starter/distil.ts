import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../src/engine/data/random.ts';
import type { Architecture } from '../../src/engine/models/architecture.ts';
import { packedBatch } from '../../src/engine/models/batch.ts';
import { learningRate } from '../../src/engine/recipes/schedule.ts';
import type { ParameterStore } from '../../src/engine/runtime/parameter-store.ts';
import { sourceOf } from '../../src/engine/runtime/programs.ts';
import type { Compiled, Executor, TensorData, TensorSpec } from '../../src/engine/tensor/executors/executor.ts';
import { matMul, valueAndGrads } from '../../src/engine/tensor/ops/index.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { TextPair, WordText } from './words.ts';

export interface Model {
  architecture: Architecture;
  store: ParameterStore;
}

export interface DistilOptions {
  teacher: Model;
  student: Model;
  executor: Executor;
  training: readonly TextPair[];
  validation: readonly TextPair[];
  steps: number;
  learning_rate: number;
  batchSize: number;
  /** 1-based layers whose states are matched. */
  layers: readonly number[];
  /** How much the pooler's output counts beside the words of all layers together. */
  sentenceWeight: number;
  seed: number;
  log: (line: string) => void;
}

/**
 * What the pooler learns to give is the teacher's sentence embedding, of length one, times this: a component's
 * standard deviation is then half of what tanh can reach.
 */
const SENTENCE_SCALE = 10;
const SENTENCE_LIMIT = 0.95;

/** Lengths that are compiled; a batch is as long as the smallest that holds its texts. */
const LENGTHS = [16, 24, 32, 48, 64];

/**
 * Fits the student's hidden states to the teacher's (TinyBERT, Jiao et al. 2020, without its width projection, for
 * both are equally wide). The two split words into different pieces, so what is compared is each word's state: the
 * mean over its pieces. Loss: over the chosen layers, the mean over words of ‖student − teacher‖², relative to the
 * teacher's mean square at that layer. The first token's last state is left free: from it the student's pooler learns
 * the teacher's sentence embedding, the mean over its last states, which is what this teacher was trained for
 * (Reimers and Gurevych 2019) and which a classifier on the first token would else never see.
 * @returns that relative error by layer, and last the sentence's, on the validation texts, before and after
 */
export async function distil(options: DistilOptions): Promise<{ before: number[]; after: number[] }> {
  const { student, training, validation, steps, batchSize, log } = options;
  const programs = new Programs(options, await teacherSquares(options));
  const before = await relativeError(options, programs);
  log(`before: relative error by layer ${show(before)}`);
  const batches = orderBatches(training, batchSize, options.seed);
  const schedule = { learning_rate: options.learning_rate, lr_scheduler_type: 'linear', warmup_steps: 0.05 } as const;
  const adamW = { adam_beta1: 0.9, adam_beta2: 0.98, adam_epsilon: 1e-6, weight_decay: 0, max_grad_norm: 1 };
  const start = performance.now();
  let recent = 0;
  for (let step = 0; step < steps; step++) {
    const { loss } = await programs.train(batches[step % batches.length]!);
    const norm = gradientNorm(student.store);
    if (!Number.isFinite(norm)) throw new Error(`step ${step}: the gradient is not finite`);
    adamWStep(student.store, adamW, learningRate(schedule, step, steps), step + 1, norm);
    recent += loss;
    if ((step + 1) % 50 === 0 || step + 1 === steps) {
      const seconds = (performance.now() - start) / 1000;
      log(`step ${step + 1}/${steps}  loss ${(recent / (step % 50 || 50)).toFixed(4)}  ${seconds.toFixed(0)} s`);
      recent = 0;
    }
  }
  const after = await relativeError(options, programs);
  log(`after: relative error by layer ${show(after)} over ${validation.length} texts never trained on`);
  programs.dispose();
  return { before, after };
}

const show = (values: readonly number[]) => values.map((v) => v.toFixed(4)).join(', ');

/** Batches of texts of like length, in random order. */
function orderBatches(pairs: readonly TextPair[], size: number, seed: number): TextPair[][] {
  const random = new Random(seed);
  const shuffled = random.shuffle([...pairs]);
  const batches: TextPair[][] = [];
  for (let i = 0; i + size <= shuffled.length; i += size * 50) {
    const chunk = shuffled.slice(i, i + size * 50).sort((a, b) => a.student.ids.length - b.student.ids.length);
    for (let j = 0; j + size <= chunk.length; j += size) batches.push(chunk.slice(j, j + size));
  }
  return random.shuffle(batches);
}

/** Mean square of the teacher's states at each chosen layer; LayerNorm keeps it nearly the same for every text. */
async function teacherSquares(options: DistilOptions): Promise<number[]> {
  const programs = new Programs(
    options,
    options.layers.map(() => 1),
  );
  const targets = await programs.targets(options.validation.slice(0, options.batchSize));
  programs.dispose();
  return targets.states.map((state) => {
    const filled = state.filter((x) => x !== 0);
    return filled.reduce((sum, x) => sum + x * x, 0) / filled.length;
  });
}

async function relativeError(options: DistilOptions, programs: Programs): Promise<number[]> {
  const sums = [...options.layers.map(() => 0), 0];
  let batches = 0;
  for (let i = 0; i + options.batchSize <= options.validation.length; i += options.batchSize) {
    const { errors } = await programs.train(options.validation.slice(i, i + options.batchSize));
    errors.forEach((error, layer) => {
      sums[layer]! += error;
    });
    batches++;
  }
  return sums.map((sum) => sum / batches);
}

interface Shape {
  rows: number;
  length: number;
  words: number;
}

interface Targets {
  states: Float32Array[];
  /** `[R, H]`: what the pooler shall give. */
  sentences: Float32Array;
  words: number;
}

/** The teacher's forward pass and the student's training pass, compiled for each shape that occurs. */
class Programs {
  readonly #options: DistilOptions;
  readonly #squares: readonly number[];
  readonly #compiled = new Map<string, Compiled>();

  constructor(options: DistilOptions, squares: readonly number[]) {
    this.#options = options;
    this.#squares = squares;
  }

  /** The teacher's word states of these texts at each chosen layer, `[R, W, H]`. */
  async targets(batch: readonly TextPair[]): Promise<Targets> {
    const { teacher, layers } = this.#options;
    const texts = batch.map((pair) => pair.teacher);
    const shape = shapeOf(texts);
    const compiled = await this.#get(`teacher ${key(shape)}`, textSpecs(shape), teacher, (inputs) => {
      const states = statesOf(teacher, inputs, shape);
      return {
        ...Object.fromEntries(layers.map((layer) => [`state.${layer}`, wordStates(inputs, states[layer]!, shape)])),
        sentences: combined(inputs.averaging!, states.at(-1)!, shape),
      };
    });
    const H = teacher.architecture.hiddenSize;
    const sentences = new Float32Array(shape.rows * H);
    const fetches = Object.fromEntries(
      layers.map((layer) => [
        `state.${layer}`,
        new Float32Array(shape.rows * shape.words * teacher.architecture.hiddenSize),
      ]),
    );
    await compiled.run({ ...feedsOf(texts, shape), ...weightsOf(teacher) }, { ...fetches, sentences });
    for (let row = 0; row < shape.rows; row++) scale(sentences.subarray(row * H, (row + 1) * H));
    return { states: layers.map((layer) => fetches[`state.${layer}`]!), sentences, words: shape.words };
  }

  /** Loss and its gradient, which is left in the student's store. */
  async train(batch: readonly TextPair[]): Promise<{ loss: number; errors: number[] }> {
    const { student, layers, sentenceWeight } = this.#options;
    const targets = await this.targets(batch);
    const texts = batch.map((pair) => pair.student);
    const shape = { ...shapeOf(texts), words: targets.words };
    const H = student.architecture.hiddenSize;
    const { rows: R, words: W } = shape;
    const trained = student.store.trainedNames();
    const specs: Record<string, TensorSpec> = {
      ...textSpecs(shape),
      'target.sentence': { shape: [R, H], dtype: 'float32' },
    };
    for (const layer of layers) {
      specs[`target.${layer}`] = { shape: [R, W, H], dtype: 'float32' };
      specs[`weights.${layer}`] = { shape: [R, W, 1], dtype: 'float32' };
    }
    const compiled = await this.#get(`student ${key(shape)}`, specs, student, (inputs) => {
      const { value, grads, kept } = valueAndGrads(
        (own, keep) => {
          const states = statesOf(student, inputs, shape, own);
          const errors = layers.map((layer, i) => {
            const difference = tf.sub(wordStates(inputs, states[layer]!, shape), inputs[`target.${layer}`]!);
            const squares = tf.mul(tf.mul(difference, difference), inputs[`weights.${layer}`]!);
            const error = tf.mul(tf.sum(squares), 1 / (H * this.#squares[i]!)) as tf.Scalar;
            keep(`error.${layer}`, error);
            return error;
          });
          const first = combined(inputs.selecting!, states.at(-1)!, shape);
          const pooled = tf.tanh(
            student.architecture.scope(sourceOf(inputs, own)).linear('bert.pooler.dense', first, H),
          );
          const difference = tf.sub(pooled, inputs['target.sentence']!);
          // The target's mean square is that of its length, ten, over H components.
          const error = tf.mul(tf.sum(tf.mul(difference, difference)), 1 / (R * SENTENCE_SCALE ** 2)) as tf.Scalar;
          keep('error.sentence', error);
          return tf.add(
            errors.reduce((a, b) => tf.add(a, b)),
            tf.mul(error, sentenceWeight),
          );
        },
        Object.fromEntries(trained.map((name) => [name, inputs[`p:${name}`]!])),
      );
      return {
        loss: value,
        ...kept,
        ...Object.fromEntries(Object.entries(grads).map(([name, g]) => [`grad:${name}`, g])),
      };
    });
    const feeds: Record<string, TensorData> = {
      ...feedsOf(texts, shape),
      ...weightsOf(student),
      'target.sentence': targets.sentences,
    };
    layers.forEach((layer, i) => {
      feeds[`target.${layer}`] = targets.states[i]!;
      feeds[`weights.${layer}`] = wordWeights(texts, W, layer < student.architecture.numLayers);
    });
    const loss = new Float32Array(1);
    const names = [...layers, 'sentence'];
    const errors = names.map(() => new Float32Array(1));
    const fetches: Record<string, Float32Array> = { loss };
    names.forEach((name, i) => {
      fetches[`error.${name}`] = errors[i]!;
    });
    for (const name of trained) fetches[`grad:${name}`] = student.store.get(name).trained!.gradient;
    await compiled.run(feeds, fetches);
    return { loss: loss[0]!, errors: errors.map((error) => error[0]!) };
  }

  dispose(): void {
    for (const compiled of this.#compiled.values()) compiled.dispose();
  }

  async #get(
    name: string,
    specs: Record<string, TensorSpec>,
    model: Model,
    program: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>,
  ): Promise<Compiled> {
    const known = this.#compiled.get(name);
    if (known) return known;
    const inputs = { ...specs };
    for (const { name, shape } of model.store.parameters.values()) inputs[`p:${name}`] = { shape, dtype: 'float32' };
    const compiled = await this.#options.executor.compile(program, inputs);
    this.#compiled.set(name, compiled);
    return compiled;
  }
}

const key = ({ rows, length, words }: Shape) => `${rows}x${length} ${words}`;

/** Hidden states of every token, without dropout: the embeddings', then each layer's, each `[T, H]`. */
function statesOf({ architecture }: Model, inputs: Record<string, tf.Tensor>, { rows, length }: Shape, own = {}) {
  const batch = packedBatch(inputs, { rows, length, texts: rows }, { reads: 'all', isCausal: false });
  return architecture.states(architecture.scope(sourceOf(inputs, own)), batch);
}

function shapeOf(texts: readonly WordText[]): Shape {
  const up = (n: number) => LENGTHS.find((length) => length >= n) ?? n;
  return {
    rows: texts.length,
    length: up(Math.max(...texts.map((text) => text.ids.length))),
    words: up(Math.max(...texts.map((text) => text.numWords))),
  };
}

function textSpecs({ rows, length, words }: Shape): Record<string, TensorSpec> {
  const tokens = { shape: [rows * length], dtype: 'int32' } as const;
  return {
    input_ids: tokens,
    token_type_ids: tokens,
    position_ids: tokens,
    text_ids: tokens,
    /** One over the number of a word's pieces at each of them. */
    pooling: { shape: [rows, words, length], dtype: 'float32' },
    /** One over a text's ids at each of them. */
    averaging: { shape: [rows, 1, length], dtype: 'float32' },
    /** One at a text's first id. */
    selecting: { shape: [rows, 1, length], dtype: 'float32' },
  };
}

/** `[R, H]`: a weighted sum of each text's states. */
const combined = (weights: tf.Tensor, state: tf.Tensor2D, { rows, length }: Shape) =>
  tf.reshape(matMul(weights, tf.reshape(state, [rows, length, state.shape[1]])), [rows, state.shape[1]]) as tf.Tensor2D;

/** A share for each word, `[R, W]`; the first, `[CLS]`, counts four words, or nothing. */
function wordWeights(texts: readonly WordText[], W: number, withFirst: boolean): Float32Array {
  const weights = new Float32Array(texts.length * W);
  let total = 0;
  texts.forEach(({ numWords }, row) => {
    weights.fill(1, row * W, row * W + numWords);
    weights[row * W] = withFirst ? 4 : 0;
    total += numWords - 1 + weights[row * W]!;
  });
  for (let i = 0; i < weights.length; i++) weights[i]! /= total;
  return weights;
}

/** To the length and the limits of what tanh can give. */
function scale(sentence: Float32Array): void {
  let squares = 0;
  for (const x of sentence) squares += x * x;
  const factor = SENTENCE_SCALE / Math.sqrt(squares);
  for (let i = 0; i < sentence.length; i++) {
    sentence[i] = Math.max(-SENTENCE_LIMIT, Math.min(SENTENCE_LIMIT, sentence[i]! * factor));
  }
}

const wordStates = (inputs: Record<string, tf.Tensor>, state: tf.Tensor2D, { rows, length }: Shape) =>
  matMul(inputs.pooling!, tf.reshape(state, [rows, length, state.shape[1]]));

function feedsOf(texts: readonly WordText[], { rows, length, words }: Shape): Record<string, TensorData> {
  const input_ids = new Int32Array(rows * length);
  const position_ids = new Int32Array(rows * length);
  const text_ids = new Int32Array(rows * length);
  const pooling = new Float32Array(rows * words * length);
  const averaging = new Float32Array(rows * length);
  const selecting = new Float32Array(rows * length);
  texts.forEach((text, row) => {
    input_ids.set(text.ids, row * length);
    averaging.fill(1 / text.ids.length, row * length, row * length + text.ids.length);
    selecting[row * length] = 1;
    const sizes = new Array<number>(text.numWords).fill(0);
    for (const word of text.words) sizes[word]!++;
    text.words.forEach((word, i) => {
      position_ids[row * length + i] = i;
      text_ids[row * length + i] = row + 1;
      pooling[(row * words + word) * length + i] = 1 / sizes[word]!;
    });
  });
  return {
    input_ids,
    token_type_ids: new Int32Array(rows * length),
    position_ids,
    text_ids,
    pooling,
    averaging,
    selecting,
  };
}

const weightsOf = ({ store }: Model): Record<string, TensorData> =>
  Object.fromEntries([...store.parameters.values()].map(({ name, weight }) => [`p:${name}`, weight]));
