import type * as Ort from 'onnxruntime-node';
import { LuthierError } from '../../../protocol/index.ts';
import type { Graph, ValueType } from '../graph/ir.ts';
import type { Target } from '../graph/optimize.ts';
import { onCard, reasonOf } from './card-errors.ts';
import { CardFaults } from './card-faults.ts';
import { bytesOfSpec, CardMemory, LARGEST_BINDING } from './card-memory.ts';
import {
  type BytesOnDevice,
  type CompileOptions,
  type DeviceCompiled,
  type DeviceTensor,
  type Executor,
  type Feed,
  isOnDevice,
  type Program,
  type Shape,
  sizeOf,
  type TensorSpec,
} from './executor.ts';
import { libraryOf, loadOnnxRuntime, type OnnxRuntime } from './onnxruntime-library.ts';
import {
  compiledSession,
  feedsOf,
  nameOutside,
  type Opened,
  type OrtDeviceTensor,
  openGraph,
  openSession,
  tensorCache,
} from './session.ts';

/** The library, and how the card is made to fail. */
interface Card {
  ort: OnnxRuntime;
  faults: CardFaults;
}

/** All executors of a process share a card. */
const memory = new CardMemory();

/**
 * Records a program, compiles it to one ONNX graph of operators that onnxruntime's WebGPU provider has, and runs that
 * on the graphics card.
 * @throws LuthierError `backend-unavailable` where no graphics card answers
 */
export async function createWebGpuExecutor(): Promise<Executor> {
  const ort = await loadOnnxRuntime();
  await probe(ort);
  const card: Card = { ort, faults: new CardFaults() };
  const lastRows = new WeakMap<Float32Array, Int32Array>();
  let hasFloat16: Promise<boolean> | undefined;
  return {
    name: 'webgpu',
    computesInFloat16: () => {
      hasFloat16 ??= cardHasFloat16(ort);
      return hasFloat16;
    },
    numThreads: 1,
    recomputes: true,
    largestBinding: LARGEST_BINDING,
    library: `${libraryOf(ort)}, WebGPU`,
    memory,
    compile: async (program, inputs, { float16 } = {}) => {
      const target: Target = { provider: 'webgpu', ...feedsIn(inputs), ...float16Of(float16) };
      const opened = await onCard(() => openSession(ort, program, inputs, target, OPTIONS));
      const compiled = compiledSession(ort, opened, inputs, lastRows);
      const release = holdConstants(opened);
      const run: typeof compiled.run = (feeds, fetches) =>
        onCard(() => {
          prepareRun(card, opened, feeds);
          return compiled.run(feeds, fetches);
        });
      const dispose = () => {
        release();
        compiled.dispose();
      };
      return { ...compiled, run, dispose };
    },
    compileOnDevice: (program, inputs, options) => compileOnDevice(card, program, inputs, options),
    openBytes: () => openBytes(card),
    dispose: () => {},
  };
}

const OPTIONS: Ort.InferenceSession.SessionOptions = {
  executionProviders: ['webgpu'],
  graphOptimizationLevel: 'all',
  // An operator that the card cannot do is a defect of our graph passes, not a reason to copy to and fro in silence.
  extra: { session: { disable_cpu_ep_fallback: '1' } },
};

/** Where one output stays on the device, onnxruntime 1.30 no longer writes others into arrays that it is given. */
const STAYING = { ...OPTIONS, preferredOutputLocation: 'gpu-buffer' } as const;

/** Counts a program's constants until it is let go. @returns what lets go, once */
function holdConstants({ needs }: Opened): () => void {
  memory.hold(needs.constants);
  let isHeld = true;
  return () => {
    if (isHeld) memory.release(needs.constants);
    isHeld = false;
  };
}

/** Counts what a run takes: what is sent there for it, what passes, and what comes out. */
function prepareRun({ faults }: Card, { needs, fed, outputs }: Opened, feeds: Record<string, Feed>): void {
  faults.beforeRun();
  let bytes = needs.passing;
  for (const [name, spec] of Object.entries(fed)) if (!isOnDevice(feeds[name])) bytes += bytesOfSpec(spec);
  for (const spec of Object.values(outputs)) bytes += bytesOfSpec(spec);
  memory.take(bytes, faults.bytes);
}

const float16Of = (isWanted: boolean | undefined): Pick<Target, 'float16'> => (isWanted ? { float16: 'computed' } : {});

/** Which other feeds have a matrix. */
const feedsIn = (inputs: Record<string, TensorSpec>): Pick<Target, 'transposedOf' | 'blocksOf'> => ({
  transposedOf: (input) => inputs[input]?.transposed,
  blocksOf: (input) => inputs[input]?.inBlocks,
});

async function compileOnDevice(
  card: Card,
  program: Program,
  inputs: Record<string, TensorSpec>,
  { float16 }: CompileOptions = {},
): Promise<DeviceCompiled> {
  const target: Target = {
    ...{ provider: 'webgpu', isKept: () => true, ...feedsIn(inputs) },
    ...float16Of(float16),
  };
  const { ort } = card;
  const opened = await onCard(() => openSession(ort, program, inputs, target, STAYING));
  const { outputs, fed, bytes } = opened;
  const { keep, dispose } = outputsOf(card, opened);
  const tensor = tensorCache(ort);
  return {
    ...{ outputs, bytes, dispose },
    async run(feeds) {
      const results = await onCard(() => {
        prepareRun(card, opened, feeds);
        return opened.session.run(feedsOf(fed, feeds, tensor));
      });
      return Object.fromEntries(
        Object.keys(outputs).map((name) => [name, keep(results[nameOutside(name, inputs)] as Ort.Tensor)]),
      );
    },
  };
}

/** A session for each shape, of the only node that takes bytes and gives them back. */
function openBytes(card: Card): BytesOnDevice {
  const { ort } = card;
  const opening = new Map<string, Promise<{ opened: Opened; outputs: Outputs }>>();
  const open = async (size: number, shape: Shape) => {
    const opened = await onCard(() => openGraph(ort, reshaped(size, shape), 'webgpu', STAYING));
    return { opened, outputs: outputsOf(card, opened) };
  };
  return {
    async put(bytes, shape) {
      const key = shape.join('×');
      const known = opening.get(key) ?? open(bytes.length, shape);
      opening.set(key, known);
      const { opened, outputs } = await known;
      const { there } = await onCard(() => {
        prepareRun(card, opened, { bytes });
        return opened.session.run({ bytes: new ort.Tensor('uint8', bytes, [bytes.length]) });
      });
      return outputs.keep(there as Ort.Tensor);
    },
    dispose() {
      for (const known of opening.values()) known.then(({ outputs }) => outputs.dispose()).catch(() => {});
    },
  };
}

function reshaped(size: number, shape: Shape): Graph {
  const to = { shape: [shape.length], dtype: 'int64', data: BigInt64Array.from(shape, BigInt) } as const;
  return {
    inputs: ['bytes'],
    outputs: new Map([['there', 'there']]),
    constants: new Map([['shape', to]]),
    types: new Map<string, ValueType>([
      ['bytes', { shape: [size], dtype: 'uint8' }],
      ['there', { shape, dtype: 'uint8' }],
      ['shape', to],
    ]),
    nodes: [{ op: 'Reshape', inputs: ['bytes', 'shape'], outputs: ['there'], attributes: {} }],
  };
}

interface Outputs {
  keep(made: Ort.Tensor): OrtDeviceTensor;
  dispose(): void;
}

/** What a session leaves on the card. */
function outputsOf({ ort }: Card, opened: Opened): Outputs {
  const { session } = opened;
  const release = holdConstants(opened);
  // A session owns the memory of its outputs: released before them, it takes the process down when one is used.
  let live = 0;
  let isDisposed = false;
  const releaseIfDone = () => {
    if (isDisposed && live === 0) void session.release();
  };
  const keep = (made: Ort.Tensor): OrtDeviceTensor => {
    const spec = { shape: made.dims, dtype: made.type as DeviceTensor['dtype'] };
    live++;
    memory.hold(bytesOfSpec(spec));
    let isLive = true;
    return {
      ...spec,
      isOnDevice: true,
      as(name, shape) {
        if (sizeOf(shape) !== sizeOf(made.dims))
          throw new Error(`executor: ${name} needs ${sizeOf(shape)} values, got ${sizeOf(made.dims)}`);
        return ort.Tensor.fromGpuBuffer(made.gpuBuffer, { dataType: made.type as 'float32', dims: shape });
      },
      dispose() {
        if (!isLive) return;
        isLive = false;
        made.dispose();
        memory.release(bytesOfSpec(spec));
        live--;
        releaseIfDone();
      },
    };
  };
  return {
    keep,
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      release();
      releaseIfDone();
    },
  };
}

/**
 * Whether the card's adapter has WebGPU's feature `shader-f16`, which it may lack: onnxruntime-node 1.30 does not tell, but
 * then refuses to write a shader of float16.
 */
export async function cardHasFloat16(ort: OnnxRuntime): Promise<boolean> {
  const { matMul } = await import('@tensorflow/tfjs-core');
  const spec = { shape: [1, 1], dtype: 'float32' } as const;
  const inputs = { a: spec, b: spec };
  const opened = await openSession(
    ort,
    ({ a, b }) => ({ y: matMul(a!, b!) }),
    inputs,
    { provider: 'webgpu', float16: 'computed' },
    { ...OPTIONS, logSeverityLevel: 4 },
  );
  const compiled = compiledSession(ort, opened, inputs, new WeakMap());
  const y = new Float32Array(1);
  try {
    await compiled.run({ a: Float32Array.of(2), b: Float32Array.of(1.5) }, { y });
    return y[0] === 3;
  } catch (error) {
    if (/requires f16/.test((error as Error).message)) return false;
    throw error;
  } finally {
    compiled.dispose();
  }
}

/** One sum, so that a machine without a graphics card says so now, and not when a model is loaded. */
async function probe(ort: OnnxRuntime): Promise<void> {
  const { add } = await import('@tensorflow/tfjs-core');
  const spec = { shape: [1], dtype: 'float32' } as const;
  const inputs = { a: spec, b: spec };
  try {
    const opened = await openSession(
      ort,
      ({ a, b }) => ({ y: add(a!, b!) }),
      inputs,
      { provider: 'webgpu' },
      { ...OPTIONS, logSeverityLevel: 4 },
    );
    const compiled = compiledSession(ort, opened, inputs, new WeakMap());
    const y = new Float32Array(1);
    await compiled.run({ a: Float32Array.of(1), b: Float32Array.of(2) }, { y });
    compiled.dispose();
    if (y[0] !== 3) throw new Error(`1 + 2 is ${y[0]} on this graphics card`);
  } catch (error) {
    throw new LuthierError(
      'backend-unavailable',
      `No graphics card can be used through WebGPU: ${reasonOf(error).replace(/[^.]$/, '$&.')}`,
      'Use --backend onnxruntime. On Linux, WebGPU needs a Vulkan driver for the card.',
      { cause: error },
    );
  }
}
