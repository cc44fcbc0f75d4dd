import * as tf from '@tensorflow/tfjs-core';
import type { Program, TensorSpec } from '../executors/executor.ts';
import { checkGraph } from '../graph/check.ts';
import type { Constant, Graph } from '../graph/ir.ts';
import type { ElementType } from '../graph/operators.ts';
import { eliminateDeadNodes } from '../graph/passes/dead-nodes.ts';
import '../ops/index.ts';
import { registerOps } from '../ops/define.ts';
import { KERNEL_RULES } from './kernels.ts';
import { Recording } from './recording.ts';

export const BACKEND = 'luthier-record';

/** What stands for a tensor's data while recording: the name of the value that will hold it. */
interface DataId {
  readonly name: string;
}

let current: Recording | undefined;

function recording(): Recording {
  if (!current) throw new Error('an op ran on the recording backend outside record()');
  return current;
}

/** A tfjs backend that holds names instead of numbers. */
class RecordingBackend extends tf.KernelBackend {
  override numDataIds(): number {
    return 0;
  }
  override disposeData(): boolean {
    return true;
  }
  override incRef(): void {}
  override refCount(): number {
    return 1;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override memory(): {
    unreliable: boolean;
    numTensors: number;
    numDataBuffers: number;
    numBytes: number;
    reasons: string[];
  } {
    return { unreliable: true, numTensors: 0, numDataBuffers: 0, numBytes: 0, reasons: ['nothing is stored'] };
  }
  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    return { name: recording().constant(constantOf(values, shape, dtype)) } satisfies DataId;
  }
  override move(): void {
    throw new Error('a tensor made outside a program was used inside it; pass it as an input');
  }
  override readSync(): never {
    throw new Error('a program may not read a tensor: nothing is computed while it is recorded');
  }
  override read(): never {
    return this.readSync();
  }
}

function constantOf(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): Constant {
  const numbers = values as ArrayLike<number>;
  if (dtype === 'float32') return { shape: [...shape], dtype, data: Float32Array.from(numbers) };
  if (dtype === 'int32') return { shape: [...shape], dtype, data: Int32Array.from(numbers) };
  if (dtype === 'bool') return { shape: [...shape], dtype, data: Uint8Array.from(numbers) };
  throw new Error(`a program cannot use ${dtype} tensors`);
}

let registered = false;

function registerBackend(): void {
  if (registered) return;
  registered = true;
  tf.registerBackend(BACKEND, () => new RecordingBackend());
  for (const [kernelName, rule] of Object.entries(KERNEL_RULES)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const named = Object.fromEntries(
          Object.entries(inputs).map(([key, info]) => [key, Array.isArray(info) ? info.map(nameOf) : nameOf(info!)]),
        );
        const names = rule(recording(), named as never, (attrs ?? {}) as never);
        const outputs = (Array.isArray(names) ? names : [names]).map(tensorInfo);
        return Array.isArray(names) ? outputs : outputs[0]!;
      },
    });
  }
  registerOps(BACKEND);
}

const nameOf = (info: tf.TensorInfo): string => (info.dataId as DataId).name;

function tensorInfo(name: string): tf.TensorInfo {
  const { shape, dtype } = recording().typeOf(name);
  return { dataId: { name } satisfies DataId, shape: [...shape], dtype: TF_DTYPE[dtype] };
}

const TF_DTYPE: Readonly<Record<ElementType, 'float32' | 'int32' | 'bool'>> = {
  float32: 'float32',
  float16: 'float32',
  int32: 'int32',
  int64: 'int32',
  bool: 'bool',
  int8: 'int32',
  uint8: 'int32',
};

/** An input, also one that a program asks for only while it is recorded (models/scope.ts, where what it asks for counts). */
export function placeholder(name: string, spec: TensorSpec): tf.Tensor {
  recording().input(name, spec);
  return tf.engine().makeTensorFromTensorInfo({ dataId: { name }, shape: [...spec.shape], dtype: spec.dtype });
}

/** Says of a value that it goes into a layer, which may be computed again; without effect where nothing is recorded. */
export function markLayer(x: tf.Tensor): void {
  if (tf.engine().backendName === BACKEND) current?.layers.add(nameOf(x));
}

/**
 * Runs a program once on placeholders and returns what it did as a graph, dead nodes removed and checked.
 * Nothing is computed; the tfjs backend in use before is in use again afterwards.
 */
export function record(program: Program, specs: Readonly<Record<string, TensorSpec>>): Graph {
  registerBackend();
  const engine = tf.engine();
  const previous = engine.backendName;
  const outer = current;
  const state = new Recording();
  current = state;
  // Synchronous for a backend whose factory is: the promise is resolved when setBackend returns.
  void tf.setBackend(BACKEND);
  try {
    const outputs = new Map<string, string>();
    tf.tidy(() => {
      const placeholders = Object.entries(specs).map(([name, spec]) => [name, placeholder(name, spec)] as const);
      for (const [name, tensor] of Object.entries(program(Object.fromEntries(placeholders)))) {
        outputs.set(name, nameOf(tensor));
      }
    });
    const graph = eliminateDeadNodes({
      inputs: Object.keys(specs),
      outputs,
      nodes: state.nodes,
      constants: state.constants,
      types: state.types,
      ...(state.layers.size > 0 && { layers: [...state.layers] }),
    });
    checkGraph(graph, 'recording');
    return graph;
  } finally {
    current = outer;
    if (previous) void tf.setBackend(previous);
  }
}
