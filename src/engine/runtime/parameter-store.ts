import type { ParameterInfo } from '../models/scope.ts';
import { Phases } from '../strategies/phases.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { EngineMemory, sizeFor } from '../tensor/kernels/memory.ts';

const LINE = 16;
const padded = (n: number) => Math.ceil(n / LINE) * LINE;

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly weight: Float32Array;
  /** There only for parameters that are trained. */
  readonly trained?: {
    readonly gradient: Float32Array;
    readonly expAvg: Float32Array;
    readonly expAvgSq: Float32Array;
    readonly group: ParameterGroup;
  };
}

/** Trained parameters that the optimiser updates alike: a range of the trained blocks. */
export interface ParameterGroup {
  readonly start: number;
  readonly end: number;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** The learning rate over the run's. */
  readonly rate: number;
  /** Phases of the run in which they are trained. */
  readonly phases: readonly number[];
}

/** The trained parameters as four parallel blocks, group after group, those with weight decay first. */
export interface TrainedBlocks {
  readonly weight: Float32Array;
  readonly gradient: Float32Array;
  readonly expAvg: Float32Array;
  readonly expAvgSq: Float32Array;
  readonly groups: readonly ParameterGroup[];
  /** Sum of the gradients of earlier micro-batches, where they are accumulated. */
  readonly accumulated: Float32Array | null;
}

/** A trained table of which a step reads, and so gives gradients to, a few rows. */
export interface Table {
  /** Where it lies in the trained blocks. */
  readonly start: number;
  readonly end: number;
  /** One byte a row: 1 once it had a gradient; until then gradient and moments are all zero. */
  readonly touched: Uint8Array;
}

/**
 * All parameters of a model: those that are trained in one WebAssembly memory, where onnxruntime reads them and leaves
 * their gradients, and where the optimiser updates them in place; frozen ones in another, so that they count for nothing
 * towards its 4 GiB. Trained ones lie side by side, so that the optimiser is a few long passes.
 */
export class ParameterStore {
  readonly memory: EngineMemory;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly trained: TrainedBlocks;
  readonly numParameters: number;
  readonly numTrained: number;
  readonly tables: ReadonlyMap<string, Table>;
  readonly phases: Phases;
  /** Where frozen parameters lie. */
  readonly #outside: EngineMemory;
  #phase = 0;

  /**
   * @param declared what the model consists of; the gradient of one with `rowsOf` is zero but for rows that `touch` is
   *   told of
   * @param isTrained whether a phase of the run trains a parameter; what any phase does has a gradient and moments
   * @param extraBytes of the same memory, for what else its kernels work on
   * @throws LuthierError `not-enough-memory`
   */
  constructor(
    declared: ReadonlyMap<string, Pick<ParameterInfo, 'shape' | 'decay' | 'rowsOf'>>,
    isTrained: (phase: number, name: string) => boolean,
    { accumulate = false, extraBytes = 0, phases = new Phases(), rateOf = (_name: string): number => 1 } = {},
  ) {
    this.phases = phases;
    const names = [...declared.keys()];
    const shapeOf = (name: string) => declared.get(name)!.shape;
    const sizes = new Map(names.map((name) => [name, sizeOf(shapeOf(name))]));
    const settingsOf = (name: string) => ({
      decay: declared.get(name)!.decay,
      rate: rateOf(name),
      phases: phases.all.filter((phase) => isTrained(phase, name)),
    });
    const settings = new Map(names.map((name) => [name, settingsOf(name)]));
    const frozen = names.filter((name) => settings.get(name)!.phases.length === 0);
    const groups = new Map<string, string[]>();
    for (const decay of [true, false]) {
      for (const [name, its] of settings) {
        if (its.decay !== decay || its.phases.length === 0) continue;
        const key = JSON.stringify(its);
        groups.set(key, [...(groups.get(key) ?? []), name]);
      }
    }
    const trained = [...groups.values()].flat();
    const isTable = (name: string) => declared.get(name)!.rowsOf !== undefined;
    const total = trained.reduce((n, name) => n + padded(sizes.get(name)!), 0);
    const blocks = accumulate ? 5 : 4;
    this.memory = EngineMemory.create(
      extraBytes +
        sizeFor({
          float32: Array<number>(blocks).fill(total),
          uint8: trained.filter(isTable).map((name) => shapeOf(name)[0]!),
        }),
    );
    const made = {
      weight: this.memory.float32(total),
      gradient: this.memory.float32(total),
      expAvg: this.memory.float32(total),
      expAvgSq: this.memory.float32(total),
      groups: [] as ParameterGroup[],
      accumulated: accumulate ? this.memory.float32(total) : null,
    };
    this.trained = made;
    const parameters = new Map<string, Parameter>();
    let offset = 0;
    const found = new Map<string, Table>();
    for (const group of groups.values()) {
      const end = group.reduce((n, name) => n + padded(sizes.get(name)!), offset);
      const its: ParameterGroup = { start: offset, end, ...settings.get(group[0]!)! };
      made.groups.push(its);
      for (const name of group) {
        const size = sizes.get(name)!;
        const part = (whole: Float32Array) => whole.subarray(offset, offset + size);
        parameters.set(name, {
          name,
          shape: shapeOf(name),
          weight: part(made.weight),
          trained: {
            gradient: part(made.gradient),
            expAvg: part(made.expAvg),
            expAvgSq: part(made.expAvgSq),
            group: its,
          },
        });
        if (isTable(name)) {
          found.set(name, { start: offset, end: offset + size, touched: this.memory.uint8(shapeOf(name)[0]!) });
        }
        offset += padded(size);
      }
    }
    this.#outside = EngineMemory.create(sizeFor({ float32: frozen.map((name) => sizes.get(name)!) }));
    for (const name of frozen)
      parameters.set(name, { name, shape: shapeOf(name), weight: this.#outside.float32(sizes.get(name)!) });
    this.tables = found;
    this.parameters = new Map(names.map((name) => [name, parameters.get(name)!]));
    const count = (group: Iterable<string>) => [...group].reduce((n, name) => n + sizes.get(name)!, 0);
    this.numParameters = count(names);
    this.numTrained = count(trained);
  }

  get(name: string): Parameter {
    const parameter = this.parameters.get(name);
    if (!parameter) throw new Error(`no parameter ${name}`);
    return parameter;
  }

  /** Whether none of a parameter's weights is NaN or infinite. */
  isFinite(name: string): boolean {
    const { weight, trained } = this.get(name);
    return Number.isFinite((trained ? this.memory : this.#outside).kernels.sumOfSquares(weight));
  }

  /** What any phase of the run trains. */
  trainedNames(): string[] {
    return [...this.parameters.values()].filter((p) => p.trained).map((p) => p.name);
  }

  /** The phases of the run that train a parameter. */
  phasesOf(name: string): readonly number[] {
    return this.get(name).trained?.group.phases ?? [];
  }

  get phase(): number {
    return this.#phase;
  }

  /** What the phase that the run is in trains. */
  trainedNow(): string[] {
    return this.trainedNames().filter((name) => this.get(name).trained!.group.phases.includes(this.#phase));
  }

  /** From now on the run is in this phase. What it does not train has gradients of zero, and is not updated. */
  enter(phase: number): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.trained.gradient.fill(0);
  }

  /** Says that a step gives these rows of a table a gradient. */
  touch(name: string, rows: Int32Array): void {
    const touched = this.tables.get(name)?.touched;
    if (touched) for (const row of rows) touched[row] = 1;
  }

  /** Finds out again which rows have moments, after these were replaced. */
  retouch(): void {
    const { expAvg, expAvgSq } = this.trained;
    for (const { start, end, touched } of this.tables.values()) {
      const width = (end - start) / touched.length;
      for (let row = 0; row < touched.length; row++) {
        const from = start + row * width;
        const moved = (x: Float32Array) => x.subarray(from, from + width).some((v) => v !== 0);
        touched[row] = moved(expAvg) || moved(expAvgSq) ? 1 : 0;
      }
    }
  }
}
