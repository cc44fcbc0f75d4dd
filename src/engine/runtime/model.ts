import { largest } from '../../protocol/index.ts';
import {
  type Architecture,
  declarationOf,
  embeddingPart,
  type Held,
  isLayerWeight,
  type Part,
  statesIn,
} from '../models/architecture.ts';
import type { BatchShape } from '../models/batch.ts';
import { readersOfInputs } from '../models/linear-inputs.ts';
import type { Declaration } from '../models/scope.ts';
import { Phases } from '../strategies/phases.ts';
import { IGNORED, type Item, type LabelledItem, type Loss } from '../tasks/task.ts';
import type { Compiled, DeviceCompiled, Executor, Feed, TensorData } from '../tensor/executors/executor.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { rowWords } from '../tensor/ops/index.ts';
import { CompiledCache } from './compiled-cache.ts';
import { type DeviceExecutor, DeviceParameters, keepsParameters } from './device-parameters.ts';
import { learnedStates } from './learned-states.ts';
import { matricesInBlocks, matricesOf } from './matrices.ts';
import { type BatchArrays, type Packing, packTexts, rowLength, writeBatch } from './packing.ts';
import { ParameterStore } from './parameter-store.ts';
import {
  blockFormsOf,
  driftProgram,
  forwardProgram,
  GRADIENT,
  INPUT,
  inputsProgram,
  LEARNED,
  LOSS_SCALE,
  lossesProgram,
  MASK,
  PARAMETER,
  type ProgramOptions,
  type ReadyProgram,
  type Roundings,
  rowsOf,
  trainingProgram,
} from './programs.ts';
import type { InputColumns, LinearWeight } from './rounding.ts';
import { piecesOf } from './table-pieces.ts';

export interface TaskModelOptions {
  executor: Executor;
  architecture: Architecture;
  numLabels: number;
  padId: number;
  isTrained: (phase: number, name: string) => boolean;
  /** Of the run; one by default. */
  phases?: Phases;
  /** A parameter's learning rate over the run's; 1 by default. */
  rateOf?: (name: string) => number;
  /** Frozen parameters that a training step may compute with in fewer bits. */
  held?: Held | undefined;
  /** Of the layers only what goes into them is kept for the gradients, where the executor can. */
  recompute?: boolean | undefined;
  /** Training steps compute their products in float16; all other programs in float32. */
  float16?: boolean | undefined;
  /** Micro-batches are summed before the optimiser's step. */
  accumulate: boolean;
  /** Of a model that is trained. */
  loss?: Loss;
  /** What the loss is of; logits by default. */
  learns?: Part;
  /** Largest number of texts, and of tokens in one, that a training batch may have; sizes the dropout masks. */
  maxBatch: { texts: number; tokens: number };
  seed: number;
}

/**
 * A model in the engine's memory, whatever its task, and the compiled programs that run on it. Knows no dataset, no
 * schedule and no optimiser: it gives logits for items, and gradients for labelled ones.
 */
export class TaskModel {
  readonly store: ParameterStore;
  readonly architecture: Architecture;
  readonly numLabels: number;
  /** Nothing below the head is trained, so what it is fed can be computed once: a state for each text. */
  readonly headOnly: boolean;
  /** Where the executor keeps parameters to itself; null where it works on the store's. */
  readonly device: DeviceParameters | null;
  readonly #options: TaskModelOptions;
  readonly #compiled = new CompiledCache<Compiled>();
  readonly #compiledOnDevice = new CompiledCache<DeviceCompiled>();
  readonly #masks: Uint8Array;
  readonly #learns: Part;
  /** The head reads every token's state, each by itself: it may be computed for some alone. */
  readonly #readsEach: boolean;
  readonly #loss = new Float32Array(1);
  readonly #numbers = new WeakMap<Roundings, number>();
  #numbered = 0;

  constructor(options: TaskModelOptions) {
    this.#options = options;
    this.architecture = options.architecture;
    this.numLabels = options.numLabels;
    this.#learns = options.learns ?? 'all';
    const { executor, phases = new Phases(), rateOf = () => 1 } = options;
    const { parameters } = this.declaration();
    const trained = [...parameters.values()].filter(({ name }) =>
      phases.all.some((phase) => options.isTrained(phase, name)),
    );
    this.#readsEach = this.architecture.reads === 'all' && this.declaration('head').sites.size === 0;
    this.headOnly =
      this.architecture.reads !== 'all' && trained.length > 0 && trained.every(({ place }) => place === 'head');
    const isOnDevice = keepsParameters(executor);
    const maskBytes = trained.length === 0 || isOnDevice ? 0 : this.#maskBytes(options.maxBatch);
    this.store = new ParameterStore(parameters, options.isTrained, {
      accumulate: options.accumulate,
      extraBytes: maskBytes + 64,
      phases,
      rateOf,
    });
    this.#masks = this.store.memory.uint8(maskBytes);
    this.device = isOnDevice ? this.#onDevice(executor, parameters) : null;
  }

  #onDevice(executor: DeviceExecutor, parameters: Declaration['parameters']): DeviceParameters {
    const { held } = this.#options;
    const names = executor.openBytes && held ? matricesInBlocks(parameters, this.architecture, held) : [];
    const inBlocks = new Map([...names].map((name) => [name, blockFormsOf(parameters.get(name)!, held!.bits)]));
    const inFloat = new Map([...parameters].filter(([name]) => !inBlocks.has(name)));
    const tables = piecesOf(inFloat, executor.largestBinding);
    return new DeviceParameters(executor, this.store, { matrices: matricesOf(parameters), tables, inBlocks });
  }

  /** What a part of the model consists of. */
  declaration(part: Part = 'all', shape?: BatchShape): Declaration {
    return declarationOf(this.architecture, { part, outputs: this.numLabels, ...(shape ? { shape } : {}) });
  }

  /** Tokens in front of each text. */
  get #numVirtual(): number {
    return this.architecture.virtualIds?.length ?? 0;
  }

  /** Whether weights that are held in 8 bits are computed with in 8 bits. */
  get computesIn8Bit(): boolean {
    return this.#options.executor.computesIn8Bit === true;
  }

  /** How many states of an item the head reads. */
  statesOf(item: Item): number {
    return this.architecture.reads === 'all' ? item.ids.length : 1;
  }

  /** Whether what is computed in 8 bits takes a fraction of a float product's time. */
  async isFastIn8Bit(): Promise<boolean> {
    return (await this.#options.executor.isFastIn8Bit?.()) === true;
  }

  /**
   * Logits of items, packed as given: `[states, C]` of one after the other.
   * @param eightBit linear layers that may be computed in 8 bits
   */
  async logits(items: readonly Item[], eightBit?: Roundings): Promise<Float32Array> {
    const { arrays, shape, starts } = this.#pack(items, items.length);
    const packed = await this.#forward('all', shape, arrays, this.numLabels, eightBit);
    return this.architecture.reads === 'all' ? inOrder(items, packed, starts, this.numLabels) : packed;
  }

  /**
   * The same by an executor that works on the store's weights, all of them in float, whatever the model's own has in 8 bits:
   * what is written is what the store has.
   */
  async logitsInFloat(executor: Executor, items: readonly Item[]): Promise<Float32Array> {
    await this.device?.collect();
    const { architecture, numLabels: outputs } = this;
    const { arrays, shape, starts } = this.#pack(items, items.length);
    const { program, inputs } = forwardProgram('all', { architecture, outputs, shape });
    const output = new Float32Array(statesIn(architecture, shape) * outputs);
    const compiled = await executor.compile(program, inputs);
    try {
      await compiled.run({ ...arrays, ...this.#ownWeights('all') }, { output });
    } finally {
      compiled.dispose();
    }
    return architecture.reads === 'all' ? inOrder(items, output, starts, outputs) : output;
  }

  /** The linear layers, the head's apart, by the names of their weights: those together that read the same input. */
  inputGroups(): string[][] {
    return readersOfInputs(this.architecture, isLayerWeight(this.architecture));
  }

  /** The weight of a linear layer. */
  linearWeight(name: string): LinearWeight {
    const { shape, layout } = this.declaration().parameters.get(name)!;
    const [rows, columns] = shape as [number, number];
    const isOutFirst = layout === 'out,in';
    return {
      ...{ data: this.store.get(name).weight, layout: layout! },
      ...{ inputs: isOutFirst ? columns : rows, outputs: isOutFirst ? rows : columns },
    };
  }

  /**
   * What goes into linear layers when these items are answered.
   * @param weights of the layers
   */
  async linearInputs(items: readonly Item[], weights: ReadonlySet<string>): Promise<Map<string, InputColumns>> {
    const found = await this.#heard('inputs', items, (options) => inputsProgram(options, weights));
    const of = (name: string): InputColumns => ({
      low: found[INPUT.low + name]!,
      high: found[INPUT.high + name]!,
      sum: found[INPUT.sum + name]!,
      squares: found[INPUT.squares + name]!,
      rows: found[INPUT.rows + name]![0]!,
    });
    return new Map([...weights].map((name) => [name, of(name)]));
  }

  /** What rounding adds to each column of layers' inputs when these items are answered in float, summed over their rows. */
  async inputDrift(items: readonly Item[], roundings: Roundings): Promise<Map<string, Float32Array>> {
    const kind = `drift ${this.#numberOf(roundings)}`;
    const found = await this.#heard(kind, items, (options) => driftProgram(options, roundings));
    return new Map([...roundings.keys()].map((name) => [name, found[INPUT.drift + name]!]));
  }

  /** Everything that a program tells of a batch. */
  async #heard(
    kind: string,
    items: readonly Item[],
    build: (options: ProgramOptions) => ReadyProgram,
  ): Promise<Record<string, Float32Array>> {
    const { arrays, shape } = this.#pack(items, items.length);
    const compiled = await this.#compile(kind, shape, build);
    const fetches = Object.fromEntries(
      Object.entries(compiled.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
    );
    await compiled.run({ ...arrays, ...(await this.#weights('all')) }, fetches);
    return fetches;
  }

  /**
   * The loss of each token of items of which every token is read, one item's after the other's; 0 without a label.
   * @param held weights that may be computed with in 8 bits; the same ones each time
   */
  async losses(items: readonly LabelledItem[], held?: Held): Promise<Float32Array> {
    const { arrays, shape, starts } = this.#pack(items, items.length);
    const labels = new Int32Array(statesIn(this.architecture, shape)).fill(IGNORED);
    for (const [i, item] of items.entries()) labels.set(item.labels, starts[i]!);
    const losses = new Float32Array(labels.length);
    const kind = held ? 'losses in 8 bits' : 'losses';
    const compiled = await this.#compile(kind, shape, (options) => lossesProgram({ ...options, held }));
    await compiled.run({ ...arrays, labels, ...(await this.#weights('all')) }, { output: losses });
    return inOrder(items, losses, starts, 1);
  }

  /** The head's input `[texts, H]`. */
  async features(texts: readonly Item[]): Promise<Float32Array> {
    const { arrays, shape } = this.#pack(texts, texts.length);
    return this.#forward('states', shape, arrays, this.architecture.hiddenSize);
  }

  /** What the layer that answers is given, of rows of features: `[texts, H]` both. */
  async pooled(features: Float32Array): Promise<Float32Array> {
    const width = this.architecture.hiddenSize;
    return this.#forward('pooled', { rows: 1, length: 1, texts: features.length / width }, { features }, width);
  }

  /** What a sentence embedder of this body gives for texts, `[texts, H]`. */
  async embeddings(texts: readonly Item[]): Promise<Float32Array> {
    const { arrays, shape } = this.#pack(texts, texts.length);
    return this.#forward(embeddingPart(this.architecture), shape, arrays, this.architecture.hiddenSize);
  }

  /** Logits of rows of features. */
  async headLogits(features: Float32Array): Promise<Float32Array> {
    const texts = features.length / this.architecture.hiddenSize;
    return this.#forward('head', { rows: 1, length: 1, texts }, { features }, this.numLabels);
  }

  /**
   * Runs another program on the model's parameters, compiled once for each key.
   * @param fetchesOf arrays for the program's outputs
   */
  async run(
    key: string,
    build: () => ReadyProgram,
    feeds: Record<string, Feed>,
    fetchesOf: (outputs: Compiled['outputs']) => Record<string, Float32Array>,
  ): Promise<void> {
    const compiled = await this.#compiled.get(key, () => {
      const { program, inputs, options } = build();
      return this.#options.executor.compile(program, inputs, options);
    });
    await compiled.run({ ...feeds, ...(await this.#weights('all')) }, fetchesOf(compiled.outputs));
  }

  /** Roundings are told apart by who they are. */
  #numberOf(roundings: Roundings): number {
    const number = this.#numbers.get(roundings) ?? ++this.#numbered;
    this.#numbers.set(roundings, number);
    return number;
  }

  async #forward(
    part: Part,
    shape: BatchShape,
    arrays: Record<string, Feed>,
    width: number,
    eightBit?: Roundings,
  ): Promise<Float32Array> {
    const output = new Float32Array(statesIn(this.architecture, shape) * width);
    const kind = eightBit ? `${part} in 8 bits ${this.#numberOf(eightBit)}` : part;
    const compiled = await this.#compile(kind, shape, (options) => forwardProgram(part, options, eightBit));
    await compiled.run({ ...arrays, ...(await this.#weights(part)) }, { output });
    return output;
  }

  /**
   * Loss of a micro-batch, its gradients left in the store, or added to those on the device.
   * @param weight of each state, or by its label: what the loss gives for the items of the whole optimiser step
   * @param microStep counts micro-batches from the run's first on; the dropout masks follow from it
   * @param features of the texts, when the head alone is trained
   * @param slots texts that the compiled batch has room for; a short batch is filled up
   * @param otherLoss in place of the model's own; the same one each time
   * @param lossScale what the gradients are multiplied by, of a model that computes them in float16
   */
  async gradients(
    texts: readonly LabelledItem[],
    {
      weight,
      microStep,
      slots,
      features,
      otherLoss,
      lossScale = 1,
    }: {
      weight: number | ((label: number) => number);
      microStep: number;
      slots: number;
      features?: Float32Array;
      otherLoss?: Loss | undefined;
      lossScale?: number | undefined;
    },
  ): Promise<{ loss: number; tokens: number }> {
    const part = features ? 'head' : this.#learns;
    const { arrays, shape, tokens, starts } = features
      ? {
          arrays: { features: padTo(features, slots * this.architecture.hiddenSize) },
          shape: { rows: 1, length: 1, texts: slots },
          tokens: countTokens(texts),
          starts: texts.map((_, i) => i),
        }
      : this.#pack(texts, slots);
    const trained = this.store.trainedNow();
    const { held, recompute, float16 } = this.#options;
    const loss = otherLoss ?? this.#options.loss;
    if (!loss) throw new Error('a model without a loss is not trained');
    const weights = new Float32Array(statesIn(this.architecture, shape));
    const targets = loss.targets(weights.length, this.numLabels);
    const labels = new (targets.dtype === 'int32' ? Int32Array : Float32Array)(sizeOf(targets.shape));
    const width = labels.length / weights.length;
    for (const [i, text] of texts.entries()) {
      const at = this.architecture.reads === 'all' ? starts[i]! : i;
      labels.set(text.labels, at * width);
      for (let j = 0; j < text.labels.length / width; j++)
        weights[at + j] = typeof weight === 'number' ? weight : weight(text.labels[j * width]!);
    }
    const learned =
      part === 'all' && this.#readsEach && labels instanceof Int32Array ? learnedStates(labels, weights) : undefined;
    const build = (options: ProgramOptions) =>
      trainingProgram({
        ...{ ...options, part, trained, loss, held, recompute, float16 },
        learned: learned?.states.length,
        blocks: this.device?.trainedNow,
      });
    const feeds: Record<string, Feed> = {
      ...arrays,
      labels: learned?.labels ?? labels,
      weights: learned?.weights ?? weights,
      ...(learned ? { [LEARNED]: learned.states } : {}),
      ...(float16 ? { [LOSS_SCALE]: Float32Array.of(lossScale) } : {}),
      ...this.#dropoutMasks(part, shape, microStep),
      ...(await this.#weights(part)),
    };
    // A later phase trains others: its programs are other ones.
    const kind = [
      otherLoss ? 'train by the other loss' : 'train',
      ...trained,
      ...(learned ? [`${learned.states.length} states`] : []),
    ].join(' ');
    if (this.device) return { loss: await this.#gradientsOnDevice(this.device, kind, shape, build, feeds), tokens };
    const compiled = await this.#compile(kind, shape, build);
    const fetches: Record<string, Float32Array> = { loss: this.#loss };
    for (const name of trained) fetches[GRADIENT + name] = this.store.get(name).trained!.gradient;
    await compiled.run(feeds, fetches);
    for (const { name, rowsOf } of this.declaration(part).parameters.values())
      if (rowsOf) this.store.touch(name, feeds[rowsOf] as Int32Array);
    return { loss: this.#loss[0]!, tokens };
  }

  /** From the next micro-batch on, what this phase of the run trains is trained. */
  enter(phase: number): void {
    if (phase === this.store.phase) return;
    this.store.enter(phase);
    this.device?.retrained();
  }

  async #gradientsOnDevice(
    device: DeviceParameters,
    kind: string,
    batch: BatchShape,
    build: (options: ProgramOptions) => ReadyProgram,
    feeds: Record<string, Feed>,
  ): Promise<number> {
    const compiled = await this.#compiledOnDevice.get(keyOf(kind, batch), () => {
      const { program, inputs, options } = build(this.#programOptions(batch));
      return device.executor.compileOnDevice(program, inputs, options);
    });
    const { loss } = await device.addGradients(await compiled.run(feeds));
    return device.readScalar(loss!);
  }

  /** Gives back what it takes of an executor's own memory, which is then taken again as it is needed. */
  async vacate(): Promise<void> {
    this.#compiled.dispose();
    this.#compiledOnDevice.dispose();
    await this.device?.vacate();
  }

  dispose(): void {
    this.#compiled.dispose();
    this.#compiledOnDevice.dispose();
    this.device?.dispose();
  }

  #pack(
    texts: readonly Item[],
    slots: number,
  ): { arrays: Record<string, Int32Array>; shape: BatchShape; tokens: number; starts: number[] } {
    const before = this.#numVirtual;
    const lengths = texts.map((t) => before + t.ids.length);
    const packing: Packing = packTexts(lengths, rowLength(largest(lengths)), slots);
    const { rows, length } = packing.shape;
    const make = () => new Int32Array(rows * length);
    const arrays = {
      input_ids: make(),
      token_type_ids: make(),
      position_ids: make(),
      text_ids: make(),
      read_token: new Int32Array(slots),
    } satisfies BatchArrays;
    const tokens = writeBatch(arrays, texts, packing, this.#options.padId, this.architecture);
    const starts = packing.places.map(({ row, start }) => row * length + start + before);
    return { arrays, shape: packing.shape, tokens, starts };
  }

  async #weights(part: Part): Promise<Record<string, Feed>> {
    return this.device?.feeds([...this.declaration(part).parameters.keys()]) ?? this.#ownWeights(part);
  }

  #ownWeights(part: Part): Record<string, Feed> {
    const needed = [...this.declaration(part).parameters.keys()];
    return Object.fromEntries(needed.map((name) => [PARAMETER + name, this.store.get(name).weight]));
  }

  #dropoutMasks(part: Part, batch: BatchShape, step: number): Record<string, TensorData> {
    const feeds: Record<string, TensorData> = {};
    let offset = 0;
    const { seed } = this.#options;
    [...this.declaration(part, batch).sites.values()].forEach(({ name, shape, rate }, site) => {
      if (this.device) {
        const words = new Int32Array(sizeOf(rowsOf(shape)));
        rowWords(words, { seed, step, site });
        feeds[MASK + name] = words;
        return;
      }
      const mask = this.#masks.subarray(offset, offset + sizeOf(shape));
      offset += aligned(mask.length);
      this.store.memory.kernels.dropoutMask(mask, { rate, seed, step, site });
      feeds[MASK + name] = mask;
    });
    return feeds;
  }

  /** Bytes of all masks of the largest batch: each text in a row of its own. */
  #maskBytes({ texts, tokens }: { texts: number; tokens: number }): number {
    const length = this.#numVirtual + tokens;
    const { shape } = packTexts(Array<number>(texts).fill(length), rowLength(length), texts);
    const { sites } = this.declaration(this.headOnly ? 'head' : this.#learns, shape);
    return [...sites.values()].reduce((n, { shape: s }) => n + aligned(sizeOf(s)), 0);
  }

  #compile(kind: string, batch: BatchShape, build: (options: ProgramOptions) => ReadyProgram): Promise<Compiled> {
    return this.#compiled.get(keyOf(kind, batch), () => {
      const { program, inputs, options } = build(this.#programOptions(batch));
      return this.#options.executor.compile(program, inputs, options);
    });
  }

  /** How programs of this model are fed its parameters. */
  get fed(): Omit<ProgramOptions, 'shape'> {
    const { device } = this;
    return {
      ...{ architecture: this.architecture, outputs: this.numLabels, tables: device?.tables },
      hasTransposed: device ? (name) => device.hasTransposed(name) : undefined,
      formsOf: device ? (name) => device.formsOf(name) : undefined,
    };
  }

  #programOptions(shape: BatchShape): ProgramOptions {
    return { ...this.fed, shape };
  }
}

/** Of what was computed for all tokens of a batch, so many numbers each, those of its items one after the other. */
function inOrder(items: readonly Item[], packed: Float32Array, starts: readonly number[], width: number): Float32Array {
  const values = new Float32Array(countTokens(items) * width);
  let at = 0;
  for (const [i, { ids }] of items.entries()) {
    const from = starts[i]! * width;
    values.set(packed.subarray(from, from + ids.length * width), at);
    at += ids.length * width;
  }
  return values;
}

const keyOf = (kind: string, { rows, length, texts }: BatchShape) => `${kind} ${rows}×${length}/${texts}`;

/** Masks begin at whole groups of the generator. */
const aligned = (bytes: number) => Math.ceil(bytes / 64) * 64;

const countTokens = (texts: readonly Item[]) => texts.reduce((n, t) => n + t.ids.length, 0);

function padTo(values: Float32Array, length: number): Float32Array {
  if (values.length === length) return values;
  const padded = new Float32Array(length);
  padded.set(values);
  return padded;
}
