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

/**
 * All parameters of a model in one WebAssembly memory, where onnxruntime reads them and leaves their gradients, and
 * where the optimiser updates them in place. Trained ones lie side by side, so that the optimiser is a few long passes.
 */
export class ParameterStore {
  readonly memory: EngineMemory;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly trained: TrainedBlocks;
  readonly numParameters: number;
  readonly numTrained: number;

  /**
   * @param extraBytes of the same memory, for what else its kernels work on
   * @throws LuthierError `not-enough-memory`
   */
  constructor(
    shapes: Readonly<Record<string, readonly number[]>>,
    isTrained: (name: string) => boolean,
    { accumulate = false, extraBytes = 0 } = {},
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
      sizeFor({ float32: [...Array<number>(blocks).fill(total), ...frozen.map((name) => sizes.get(name)!)] }) +
        extraBytes,
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
      offset += padded(size);
    }
    for (const name of frozen)
      parameters.set(name, { name, shape: shapes[name]!, weight: this.memory.float32(sizes.get(name)!) });
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

  trainedNames(): string[] {
    return [...this.parameters.values()].filter((p) => p.trained).map((p) => p.name);
  }
}
