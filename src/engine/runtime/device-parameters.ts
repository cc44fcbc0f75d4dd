import { add, transpose } from '@tensorflow/tfjs-core';
import { type BothWays, quantizeBothWays, quantizeOneWay } from '../tensor/executors/blocks.ts';
import {
  type BlockForms,
  type Compiled,
  type DeviceCompiled,
  type DeviceTensor,
  type Executor,
  type HeldBits,
  type Shape,
  sizeOf,
  type TensorSpec,
} from '../tensor/executors/executor.ts';
import { type Block, flatBlocks, gather, phasesOf, ROW, scatter } from './flat-blocks.ts';
import type { Parameter, ParameterStore } from './parameter-store.ts';
import { GRADIENT, PARAMETER, TRANSPOSED } from './programs.ts';
import { fedAs, fedNames, type TablePieces } from './table-pieces.ts';
import {
  type AdamWSettings,
  MEAN,
  ratesOf,
  type Scaled,
  SQUARE,
  scaleFeeds,
  spreadProgram,
  updateProgram,
} from './update-program.ts';

export type DeviceExecutor = Executor & Required<Pick<Executor, 'compileOnDevice'>>;

export const keepsParameters = (executor: Executor): executor is DeviceExecutor =>
  executor.compileOnDevice !== undefined;

/**
 * A model's parameters, their moments and gradients in the memory of an executor that is better not left: they go there
 * once, are updated there, and come back for checkpoints and the saved model alone. The store in the engine's memory is
 * then behind until `collect`. What is trained lies in blocks (flat-blocks.ts) and is copied out of them, each parameter by
 * itself, when a program asks for it.
 */
export class DeviceParameters {
  readonly executor: DeviceExecutor;
  readonly #store: ParameterStore;
  readonly #matrices: ReadonlySet<string>;
  readonly #inBlocks: ReadonlyMap<string, BlockForms>;
  /** Matrices that are there in pieces. */
  readonly tables: TablePieces;
  /** Of what any phase of the run trains. */
  readonly #blocks: readonly Block[];
  /** Blocks and frozen parameters; and trained parameters by themselves, where they are not out of date. */
  readonly #values = new Map<string, DeviceTensor>();
  /** Programs that copy out of blocks, by the phases that these are trained in. */
  readonly #spreads = new Map<string, Promise<DeviceCompiled>>();
  readonly #transfers = new Map<string, Promise<Compiled>>();
  readonly #gradients = new Map<string, DeviceTensor>();
  #update: Promise<DeviceCompiled> | undefined;
  #sum: Promise<DeviceCompiled> | undefined;
  /** What is frozen is there; it never changes. */
  #hasFrozen = false;
  /** What of the store is not there yet. */
  readonly #missing = new Set(EVERYTHING);
  #isAhead = false;

  /**
   * @param matrices parameters that are there with their axes swapped, too: what a product reads should lie as it reads it
   * @param tables those that are there in pieces
   * @param inBlocks frozen matrices that are there in blocks alone (matrices.ts), and as which feeds
   */
  constructor(
    executor: DeviceExecutor,
    store: ParameterStore,
    {
      matrices,
      tables,
      inBlocks,
    }: { matrices: ReadonlySet<string>; tables: TablePieces; inBlocks?: ReadonlyMap<string, BlockForms> },
  ) {
    this.executor = executor;
    this.#store = store;
    this.#matrices = matrices;
    this.#inBlocks = inBlocks ?? new Map();
    this.tables = tables;
    const trained = store.trainedNames().map((name) => store.get(name));
    this.#blocks = flatBlocks(
      trained.map(({ name, shape, trained }) => ({ name, shape, group: trained!.group })),
      executor.largestBinding,
    );
  }

  /** What the phase that the run is in trains, as its gradients are handed over (`addGradients`). */
  get trainedNow(): readonly Block[] {
    return this.#blocks.filter((block) => phasesOf(block).includes(this.#store.phase));
  }

  /** Feeds for a program's parameters, sent there first where they are not there yet. */
  async feeds(names: readonly string[]): Promise<Record<string, DeviceTensor>> {
    await this.#upload();
    await this.#spread(names);
    const feed = (name: string) => [name, this.#values.get(name)!] as const;
    return Object.fromEntries(names.flatMap((name) => this.#namesOf(name).map(feed)));
  }

  hasTransposed(name: string): boolean {
    return this.#matrices.has(name) && !this.#inBlocks.has(name);
  }

  /** Bits of a number of those that are there in blocks alone, where some are. */
  get heldBits(): HeldBits | undefined {
    const [forms] = this.#inBlocks.values();
    return forms?.bits;
  }

  /** The feeds that have it, where it is there in blocks and not as itself. */
  formsOf(name: string): BlockForms | undefined {
    return this.#inBlocks.get(name);
  }

  /** A matrix in the forms that it is there in: where nothing is trained, nothing goes backward. */
  #waysOf({ forward }: BlockForms): (keyof BothWays)[] {
    return this.#blocks.length > 0 ? ['rows', 'columns'] : [forward];
  }

  /** Under which names a parameter is there by itself. */
  #namesOf(name: string): string[] {
    const forms = this.formsOf(name);
    if (forms) return this.#waysOf(forms).flatMap((way) => [forms[way].values, forms[way].scales]);
    const prefixes = this.hasTransposed(name) ? [PARAMETER, TRANSPOSED] : [PARAMETER];
    return prefixes.flatMap((prefix) => fedNames(this.tables, name).map((own) => prefix + own));
  }

  /** What the store has of what is trained was written to from outside, all of it or only the weights: that counts from now on. */
  replaced(what: 'all' | 'weights'): void {
    for (const prefix of what === 'all' ? EVERYTHING : [PARAMETER]) this.#missing.add(prefix);
  }

  /**
   * Takes over a micro-batch's gradients, a tensor for each block of `trainedNow`, and adds them to those since the last
   * step; gives back the other outputs.
   */
  async addGradients(outputs: Record<string, DeviceTensor>): Promise<Record<string, DeviceTensor>> {
    const rest: Record<string, DeviceTensor> = {};
    const fresh: Record<string, DeviceTensor> = {};
    for (const [name, tensor] of Object.entries(outputs)) (name.startsWith(GRADIENT) ? fresh : rest)[name] = tensor;
    if (this.#gradients.size === 0) {
      for (const [name, tensor] of Object.entries(fresh)) this.#gradients.set(name, tensor);
      return rest;
    }
    const before = Object.fromEntries([...this.#gradients].map(([name, tensor]) => [BEFORE + name, tensor]));
    try {
      this.#sum ??= this.#compileSum(fresh);
      const sums = await (await this.#sum).run({ ...fresh, ...before });
      dispose(Object.values(before));
      for (const [name, tensor] of Object.entries(sums)) this.#gradients.set(name, tensor);
    } catch (error) {
      dispose(Object.values(rest));
      throw error;
    } finally {
      dispose(Object.values(fresh));
    }
    return rest;
  }

  /**
   * Clips and does AdamW's step with the gradients added since the last.
   * @param step 1 for the first
   * @param check of the gradients' norm; when it throws, nothing has changed
   * @param scaled of gradients that are scaled; those of all steps are, or none
   */
  async step(
    settings: AdamWSettings,
    lr: number,
    step: number,
    check: (norm: number) => void,
    scaled?: Scaled,
  ): Promise<number> {
    const blocks = this.trainedNow;
    this.#update ??= this.#compileUpdate(blocks, settings, scaled !== undefined);
    const state = Object.fromEntries(
      [PARAMETER, MEAN, SQUARE].flatMap((prefix) =>
        blocks.map(({ name }) => [prefix + name, this.#values.get(prefix + name)!]),
      ),
    );
    // Out of date after the step; and it needs the room.
    this.#forget(blocks);
    const { grad_norm, ...next } = await (await this.#update).run({
      ...state,
      ...Object.fromEntries(this.#gradients),
      ...ratesOf(
        blocks,
        settings,
        lr,
        ({ phases }) => this.#store.phases.stepsIn(phases, step) - (scaled?.skippedIn(phases) ?? 0),
      ),
      ...(scaled ? scaleFeeds(settings, scaled.lossScale) : {}),
    });
    dispose(this.#gradients.values());
    this.#gradients.clear();
    let norm: number;
    try {
      norm = (await this.readScalar(grad_norm!)) / (scaled?.lossScale ?? 1);
      check(norm);
    } catch (error) {
      dispose(Object.values(next));
      throw error;
    }
    dispose(Object.values(state));
    for (const [name, tensor] of Object.entries(next)) this.#values.set(name, tensor);
    this.#isAhead = true;
    return norm;
  }

  /** Value of a scalar, which is disposed of. */
  async readScalar(tensor: DeviceTensor): Promise<number> {
    const value = new Float32Array(1);
    try {
      await this.#read({ scalar: tensor }, { scalar: value });
    } finally {
      tensor.dispose();
    }
    return value[0]!;
  }

  /** Brings weights and moments of what is trained into the store. */
  async collect(): Promise<void> {
    if (!this.#isAhead) return;
    const prefixes = EVERYTHING.filter((prefix) => !this.#missing.has(prefix));
    for (const block of this.#blocks) {
      const numbers = new Float32Array(block.rows * ROW);
      for (const prefix of prefixes) {
        await this.#read({ numbers: this.#values.get(prefix + block.name)! }, { numbers });
        scatter(block, numbers, (name) => arraysOf(this.#store.get(name))[prefix]!);
      }
    }
    this.#isAhead = false;
  }

  /**
   * Gives back all that is taken there, what is newer there being brought into the store first. It is sent there again
   * when it is asked for. The gradients since the last step are dropped.
   */
  async vacate(): Promise<void> {
    dispose(this.#gradients.values());
    this.#gradients.clear();
    // Room to read by.
    this.#forget(this.#blocks);
    await this.collect();
    const programs = [this.#update, this.#sum, ...this.#transfers.values(), ...this.#spreads.values()];
    this.dispose();
    await Promise.allSettled(programs);
    this.replaced('all');
  }

  /** Whether parameters and moments are there, or at least have been. */
  get isThere(): boolean {
    return this.#missing.size === 0;
  }

  dispose(): void {
    dispose([...this.#values.values(), ...this.#gradients.values()]);
    this.#values.clear();
    this.#hasFrozen = false;
    this.#gradients.clear();
    this.retrained();
    for (const programs of [this.#transfers, this.#spreads]) {
      for (const compiled of programs.values()) compiled.then((c) => c.dispose()).catch(() => {});
      programs.clear();
    }
  }

  /** The run is in another phase: what is updated from now on is another set. */
  retrained(): void {
    for (const compiled of [this.#update, this.#sum]) compiled?.then((c) => c.dispose()).catch(() => {});
    this.#update = undefined;
    this.#sum = undefined;
  }

  async #upload(): Promise<void> {
    if (this.#missing.size === 0) return;
    if (this.#missing.has(PARAMETER)) {
      this.#forget(this.#blocks);
      if (!this.#hasFrozen) await this.#uploadFrozen();
      this.#hasFrozen = true;
    }
    for (const block of this.#blocks) {
      const numbers = new Float32Array(block.rows * ROW);
      const specs = { numbers: { shape: [block.rows, ROW], dtype: 'float32' } } as const;
      const copy = await this.executor.compileOnDevice((given) => given, specs);
      try {
        for (const prefix of this.#missing) {
          gather(block, (name) => arraysOf(this.#store.get(name))[prefix]!, numbers);
          this.#put(prefix + block.name, (await copy.run({ numbers })).numbers!);
        }
      } finally {
        copy.dispose();
      }
    }
    this.#missing.clear();
  }

  async #uploadFrozen(): Promise<void> {
    const frozen = [...this.#store.parameters.values()].filter(({ trained }) => !trained);
    if (frozen.length === 0) return;
    const sent: { as: string; shape: Shape; numbers: Float32Array; transposed?: string }[] = [];
    for (const [as, numbers] of await this.#uploadBlocks()) sent.push({ as, shape: [numbers.length], numbers });
    for (const { name, shape, weight } of frozen) {
      if (this.#inBlocks.has(name)) continue;
      for (const piece of fedAs(this.tables, name, shape))
        sent.push({
          ...{ as: PARAMETER + piece.name, shape: piece.shape },
          numbers: weight.subarray(piece.from, piece.from + sizeOf(piece.shape)),
          ...(this.hasTransposed(name) && { transposed: TRANSPOSED + piece.name }),
        });
    }
    const specs = Object.fromEntries(
      sent.map(({ as, shape }): [string, TensorSpec] => [as, { shape, dtype: 'float32' }]),
    );
    const copy = await this.executor.compileOnDevice((given) => {
      const swapped = sent.flatMap(({ as, transposed }) => (transposed ? [[transposed, transpose(given[as]!)]] : []));
      return { ...given, ...Object.fromEntries(swapped) };
    }, specs);
    try {
      const there = await copy.run(Object.fromEntries(sent.map(({ as, numbers }) => [as, numbers])));
      for (const [name, tensor] of Object.entries(there)) this.#put(name, tensor);
    } finally {
      copy.dispose();
    }
  }

  /** Sends the bytes of matrices in blocks, for products either way. @returns their scales, by the names of these feeds */
  async #uploadBlocks(): Promise<[string, Float32Array][]> {
    if (this.#inBlocks.size === 0) return [];
    const scales: [string, Float32Array][] = [];
    const bytes = this.executor.openBytes!();
    try {
      for (const [name, forms] of this.#inBlocks) {
        const { shape, weight } = this.#store.get(name);
        const { bits, forward } = forms;
        const ways = this.#waysOf(forms);
        const matrices: Partial<BothWays> =
          ways.length === 1
            ? { [forward]: quantizeOneWay(weight, shape, bits, forward) }
            : quantizeBothWays(weight, shape, bits, forward);
        for (const way of ways) {
          const matrix = matrices[way]!;
          this.#put(forms[way].values, await bytes.put(matrix.values, matrix.shape));
          scales.push([forms[way].scales, matrix.scales]);
        }
      }
    } finally {
      bytes.dispose();
    }
    return scales;
  }

  #put(name: string, tensor: DeviceTensor): void {
    this.#values.get(name)?.dispose();
    this.#values.set(name, tensor);
  }

  /** Copies parameters out of their blocks, those that are asked for and not there with all that are trained with them. */
  async #spread(names: readonly string[]): Promise<void> {
    const missing = names.filter((name) => !this.#values.has(this.#namesOf(name)[0]!));
    const phases = new Set(missing.map((name) => String(this.#store.phasesOf(name))));
    for (const key of phases) {
      const blocks = this.#blocks.filter((block) => String(phasesOf(block)) === key);
      const matrices = [...this.#matrices].map((name) => [name, this.#store.get(name).shape] as const);
      const { program, inputs } = spreadProgram(blocks, new Map(matrices), this.tables);
      const compiled = this.#spreads.get(key) ?? this.executor.compileOnDevice(program, inputs);
      this.#spreads.set(key, compiled);
      const feeds = Object.fromEntries(Object.keys(inputs).map((name) => [name, this.#values.get(name)!]));
      for (const [name, tensor] of Object.entries(await (await compiled).run(feeds))) this.#put(name, tensor);
    }
  }

  /** Gives back what was copied out of blocks. */
  #forget(blocks: readonly Block[]): void {
    for (const name of new Set(blocks.flatMap(({ pieces }) => pieces.flatMap(({ name }) => this.#namesOf(name))))) {
      this.#values.get(name)?.dispose();
      this.#values.delete(name);
    }
  }

  /** A program that copies is how tensors leave: onnxruntime 1.30 ends the process when one is asked for its data. */
  async #read(tensors: Record<string, DeviceTensor>, into: Record<string, Float32Array>): Promise<void> {
    const specs = Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, dtype }]) => [name, { shape, dtype } as TensorSpec]),
    );
    const key = JSON.stringify(specs);
    let copy = this.#transfers.get(key);
    if (!copy) {
      copy = this.executor.compile((given) => given, specs);
      this.#transfers.set(key, copy);
    }
    await (await copy).run(tensors, into);
  }

  #compileUpdate(blocks: readonly Block[], settings: AdamWSettings, isScaled: boolean): Promise<DeviceCompiled> {
    const { program, inputs } = updateProgram(blocks, settings, isScaled);
    return this.executor.compileOnDevice(program, inputs);
  }

  #compileSum(gradients: Record<string, DeviceTensor>): Promise<DeviceCompiled> {
    const specs = Object.entries(gradients).map(([name, { shape }]) => [name, { shape, dtype: 'float32' }] as const);
    const inputs = Object.fromEntries(specs.flatMap(([name, spec]) => [[name, spec] as const, [BEFORE + name, spec]]));
    return this.executor.compileOnDevice(
      (given) => Object.fromEntries(specs.map(([name]) => [name, add(given[BEFORE + name]!, given[name]!)])),
      inputs,
    );
  }
}

const EVERYTHING: readonly string[] = [PARAMETER, MEAN, SQUARE];
const BEFORE = 'before:';

const arraysOf = ({ weight, trained }: Parameter): Record<string, Float32Array> =>
  trained ? { [PARAMETER]: weight, [MEAN]: trained.expAvg, [SQUARE]: trained.expAvgSq } : { [PARAMETER]: weight };

function dispose(tensors: Iterable<DeviceTensor>): void {
  for (const tensor of tensors) tensor.dispose();
}
