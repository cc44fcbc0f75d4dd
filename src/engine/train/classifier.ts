import type { Compiled, Executor, TensorData } from '../executors/executor.ts';
import { sizeOf } from '../executors/executor.ts';
import type { BatchShape } from '../models/batch.ts';
import type { Encoder } from '../models/registry.ts';
import { type BatchArrays, type PackableText, type Packing, packTexts, rowLength, writeBatch } from './packing.ts';
import { ParameterStore } from './parameter-store.ts';
import {
  featuresProgram,
  GRADIENT,
  headLogitsProgram,
  logitsProgram,
  MASK,
  PARAMETER,
  type ReadyProgram,
  trainingProgram,
  trainingSites,
} from './programs.ts';

export interface ClassifierOptions {
  executor: Executor;
  encoder: Encoder;
  numLabels: number;
  padId: number;
  isTrained: (name: string) => boolean;
  /** Micro-batches are summed before the optimiser's step. */
  accumulate: boolean;
  labelSmoothing: number;
  /** Largest number of texts, and of tokens in one, that a training batch may have; sizes the dropout masks. */
  maxBatch: { texts: number; tokens: number };
  seed: number;
}

/** One labelled text as trained on. */
export interface LabelledText extends PackableText {
  label: number;
}

/** Compiled graphs kept at a time; each holds its own work space, so there is a bound. */
const MAX_COMPILED = 24;

/**
 * A classifier in the engine's memory, and the compiled programs that run on it. Knows no data set, no schedule and no
 * optimiser: it gives logits for texts, and gradients for labelled ones.
 */
export class Classifier {
  readonly store: ParameterStore;
  readonly encoder: Encoder;
  readonly numLabels: number;
  /** Nothing below the head is trained, so what it is fed can be computed once. */
  readonly headOnly: boolean;
  readonly #options: ClassifierOptions;
  readonly #shapes: Record<string, number[]>;
  readonly #compiled = new Map<string, Compiled>();
  readonly #masks: Uint8Array;
  readonly #loss = new Float32Array(1);

  constructor(options: ClassifierOptions) {
    this.#options = options;
    this.encoder = options.encoder;
    this.numLabels = options.numLabels;
    this.#shapes = options.encoder.parameterShapes(options.numLabels);
    const trained = Object.keys(this.#shapes).filter(options.isTrained);
    this.headOnly = trained.length > 0 && trained.every((name) => this.encoder.placeOf(name) === 'head');
    const maskBytes = trained.length === 0 ? 0 : this.#maskBytes(options.maxBatch);
    this.store = new ParameterStore(this.#shapes, options.isTrained, {
      accumulate: options.accumulate,
      extraBytes: maskBytes + 64,
      tables: Object.keys(this.encoder.tables),
    });
    this.#masks = this.store.memory.uint8(maskBytes);
  }

  /** Logits `[texts, C]` of texts, packed as given. */
  async logits(texts: readonly PackableText[]): Promise<Float32Array> {
    const { arrays, shape } = this.#pack(texts, texts.length);
    const logits = new Float32Array(shape.texts * this.numLabels);
    const compiled = await this.#compile('logits', shape, logitsProgram);
    await compiled.run({ ...arrays, ...this.#weights(() => true) }, { logits });
    return logits.subarray(0, texts.length * this.numLabels);
  }

  /** The head's input `[texts, H]`. */
  async features(texts: readonly PackableText[]): Promise<Float32Array> {
    const { arrays, shape } = this.#pack(texts, texts.length);
    const features = new Float32Array(shape.texts * this.encoder.hiddenSize);
    const compiled = await this.#compile('features', shape, featuresProgram);
    await compiled.run({ ...arrays, ...this.#weights((name) => this.encoder.placeOf(name) !== 'head') }, { features });
    return features.subarray(0, texts.length * this.encoder.hiddenSize);
  }

  /** Logits of rows of features. */
  async headLogits(features: Float32Array): Promise<Float32Array> {
    const texts = features.length / this.encoder.hiddenSize;
    const logits = new Float32Array(texts * this.numLabels);
    const compiled = await this.#compile('headLogits', { rows: 1, length: 1, texts }, headLogitsProgram);
    await compiled.run({ features, ...this.#weights((name) => this.encoder.placeOf(name) === 'head') }, { logits });
    return logits;
  }

  /**
   * Loss of a micro-batch, its gradients left in the store.
   * @param weight of each text: one over the number of texts in the whole optimiser step
   * @param microStep counts micro-batches from the run's first on; the dropout masks follow from it
   * @param features of the texts, when the head alone is trained
   * @param slots texts that the compiled batch has room for; a short batch is filled up
   */
  async gradients(
    texts: readonly LabelledText[],
    {
      weight,
      microStep,
      slots,
      features,
    }: { weight: number; microStep: number; slots: number; features?: Float32Array },
  ): Promise<{ loss: number; tokens: number }> {
    const fromFeatures = features !== undefined;
    const { arrays, shape, tokens } = fromFeatures
      ? {
          arrays: { features: padTo(features, slots * this.encoder.hiddenSize) },
          shape: { rows: 1, length: 1, texts: slots },
          tokens: countTokens(texts),
        }
      : this.#pack(texts, slots);
    const labels = new Int32Array(shape.texts);
    const weights = new Float32Array(shape.texts);
    texts.forEach((text, i) => {
      labels[i] = text.label;
      weights[i] = weight;
    });
    const trained = this.store.trainedNames();
    const { labelSmoothing } = this.#options;
    const compiled = await this.#compile('train', shape, (options) =>
      trainingProgram({ ...options, trained, labelSmoothing, fromFeatures }),
    );
    const fetches: Record<string, Float32Array> = { loss: this.#loss };
    for (const name of trained) fetches[GRADIENT + name] = this.store.get(name).trained!.gradient;
    const weightsNeeded = fromFeatures ? (name: string) => this.encoder.placeOf(name) === 'head' : () => true;
    await compiled.run(
      {
        ...arrays,
        labels,
        weights,
        ...this.#dropoutMasks(shape, microStep, fromFeatures),
        ...this.#weights(weightsNeeded),
      },
      fetches,
    );
    if (!fromFeatures) {
      const feeds: Record<string, TensorData> = arrays;
      for (const [name, feed] of Object.entries(this.encoder.tables)) this.store.touch(name, feeds[feed] as Int32Array);
    }
    return { loss: this.#loss[0]!, tokens };
  }

  dispose(): void {
    for (const compiled of this.#compiled.values()) compiled.dispose();
    this.#compiled.clear();
  }

  #pack(
    texts: readonly PackableText[],
    slots: number,
  ): { arrays: Record<string, Int32Array>; shape: BatchShape; tokens: number } {
    const lengths = texts.map((t) => t.ids.length);
    const packing: Packing = packTexts(lengths, rowLength(Math.max(...lengths)), slots);
    const { rows, length } = packing.shape;
    const make = () => new Int32Array(rows * length);
    const arrays = {
      input_ids: make(),
      token_type_ids: make(),
      position_ids: make(),
      text_ids: make(),
      first_token: new Int32Array(slots),
    } satisfies BatchArrays;
    const tokens = writeBatch(arrays, texts, packing, this.#options.padId);
    return { arrays, shape: packing.shape, tokens };
  }

  #weights(needed: (name: string) => boolean): Record<string, Float32Array> {
    const feeds: Record<string, Float32Array> = {};
    for (const { name, weight } of this.store.parameters.values()) if (needed(name)) feeds[PARAMETER + name] = weight;
    return feeds;
  }

  #dropoutMasks(batch: BatchShape, step: number, fromFeatures: boolean): Record<string, TensorData> {
    const feeds: Record<string, TensorData> = {};
    let offset = 0;
    Object.entries(trainingSites({ encoder: this.encoder, batch, fromFeatures })).forEach(
      ([name, { shape, rate }], site) => {
        const mask = this.#masks.subarray(offset, offset + sizeOf(shape));
        offset += aligned(mask.length);
        this.store.memory.kernels.dropoutMask(mask, { rate, seed: this.#options.seed, step, site });
        feeds[MASK + name] = mask;
      },
    );
    return feeds;
  }

  /** Bytes of all masks of the largest batch: each text in a row of its own. */
  #maskBytes({ texts, tokens }: { texts: number; tokens: number }): number {
    const { shape } = packTexts(Array<number>(texts).fill(tokens), rowLength(tokens), texts);
    const sites = Object.values(trainingSites({ encoder: this.encoder, batch: shape, fromFeatures: this.headOnly }));
    return sites.reduce((n, { shape: s }) => n + aligned(sizeOf(s)), 0);
  }

  async #compile(
    kind: string,
    batch: BatchShape,
    build: (options: { encoder: Encoder; shapes: Record<string, number[]>; batch: BatchShape }) => ReadyProgram,
  ): Promise<Compiled> {
    const key = `${kind} ${batch.rows}×${batch.length}/${batch.texts}`;
    let compiled = this.#compiled.get(key);
    if (compiled) this.#compiled.delete(key);
    else {
      const { program, inputs } = build({ encoder: this.encoder, shapes: this.#shapes, batch });
      compiled = await this.#options.executor.compile(program, inputs);
    }
    // Least recently used first.
    this.#compiled.set(key, compiled);
    for (const [old, victim] of this.#compiled) {
      if (this.#compiled.size <= MAX_COMPILED) break;
      victim.dispose();
      this.#compiled.delete(old);
    }
    return compiled;
  }
}

/** Masks begin at whole groups of the generator. */
const aligned = (bytes: number) => Math.ceil(bytes / 64) * 64;

const countTokens = (texts: readonly PackableText[]) => texts.reduce((n, t) => n + t.ids.length, 0);

function padTo(values: Float32Array, length: number): Float32Array {
  if (values.length === length) return values;
  const padded = new Float32Array(length);
  padded.set(values);
  return padded;
}
