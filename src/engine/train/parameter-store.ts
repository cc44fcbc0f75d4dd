import { sizeOf } from '../executors/executor.ts';
import { EngineMemory, sizeFor } from '../kernels/memory.ts';

const LINE = 16;
const padded = (n: number) => Math.ceil(n / LINE) * LINE;

/** AdamW decays no biases and no LayerNorm parameters, as transformers' Trainer groups them. */
export const isDecayed = (name: string): boolean => !name.endsWith('bias') && !name.includes('LayerNorm');

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly weight: Float32Array;
  /** There only for parameters that are trained. */
  readonly trained?: {
    readonly gradient: Float32Array;
    readonly expAvg: Float32Array;
    readonly expAvgSq: Float32Array;
  };
}

/** The trained parameters as four parallel blocks, those with weight decay first. */
export interface TrainedBlocks {
  readonly weight: Float32Array;
  readonly gradient: Float32Array;
  readonly expAvg: Float32Array;
  readonly expAvgSq: Float32Array;
  /** Where the parameters without decay begin. */
  readonly decayEnd: number;
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
  /** Where frozen parameters lie. */
  readonly #outside: EngineMemory;

  /**
   * @param tables parameters whose gradient is zero but for rows that `touch` is told of
   * @param extraBytes of the same memory, for what else its kernels work on
   * @throws LuthierError `not-enough-memory`
   */
  constructor(
    shapes: Readonly<Record<string, readonly number[]>>,
    isTrained: (name: string) => boolean,
    { accumulate = false, extraBytes = 0, tables = [] as readonly string[] } = {},
  ) {
    const names = Object.keys(shapes);
    const sizes = new Map(names.map((name) => [name, sizeOf(shapes[name]!)]));
    const frozen = names.filter((name) => !isTrained(name));
    const decayed = names.filter((name) => isTrained(name) && isDecayed(name));
    const undecayed = names.filter((name) => isTrained(name) && !isDecayed(name));
    const block = (group: string[]) => group.reduce((n, name) => n + padded(sizes.get(name)!), 0);
    const decayEnd = block(decayed);
    const total = decayEnd + block(undecayed);
    const blocks = accumulate ? 5 : 4;
    this.memory = EngineMemory.create(
      extraBytes +
        sizeFor({
          float32: Array<number>(blocks).fill(total),
          uint8: tables.flatMap((name) => (isTrained(name) && shapes[name] ? [shapes[name][0]!] : [])),
        }),
    );
    this.trained = {
      weight: this.memory.float32(total),
      gradient: this.memory.float32(total),
      expAvg: this.memory.float32(total),
      expAvgSq: this.memory.float32(total),
      decayEnd,
      accumulated: accumulate ? this.memory.float32(total) : null,
    };
    const parameters = new Map<string, Parameter>();
    let offset = 0;
    const found = new Map<string, Table>();
    for (const name of [...decayed, ...undecayed]) {
      const size = sizes.get(name)!;
      const part = (whole: Float32Array) => whole.subarray(offset, offset + size);
      parameters.set(name, {
        name,
        shape: shapes[name]!,
        weight: part(this.trained.weight),
        trained: {
          gradient: part(this.trained.gradient),
          expAvg: part(this.trained.expAvg),
          expAvgSq: part(this.trained.expAvgSq),
        },
      });
      if (tables.includes(name)) {
        found.set(name, { start: offset, end: offset + size, touched: this.memory.uint8(shapes[name]![0]!) });
      }
      offset += padded(size);
    }
    this.#outside = EngineMemory.create(sizeFor({ float32: frozen.map((name) => sizes.get(name)!) }));
    for (const name of frozen)
      parameters.set(name, { name, shape: shapes[name]!, weight: this.#outside.float32(sizes.get(name)!) });
    this.tables = found;
    this.parameters = new Map(names.map((name) => [name, parameters.get(name)!]));
    const count = (group: Iterable<string>) => [...group].reduce((n, name) => n + sizes.get(name)!, 0);
    this.numParameters = count(names);
    this.numTrained = count([...decayed, ...undecayed]);
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

  trainedNames(): string[] {
    return [...this.parameters.values()].filter((p) => p.trained).map((p) => p.name);
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
