import type * as Ort from 'onnxruntime-node';
import { LuthierError } from '../../../protocol/index.ts';
import { FEWER_PARAMETERS } from '../../fewer-parameters.ts';
import { type DeviceCompiled, type Executor, type Program, sizeOf, type TensorSpec } from './executor.ts';
import { libraryOf, loadOnnxRuntime, type OnnxRuntime } from './onnxruntime-library.ts';
import { compiledSession, feedsOf, nameOutside, type OrtDeviceTensor, openSession, tensorCache } from './session.ts';

/**
 * Records a program, compiles it to one ONNX graph of operators that onnxruntime's WebGPU provider has, and runs that
 * on the graphics card.
 * @throws LuthierError `backend-unavailable` where no graphics card answers
 */
export async function createWebGpuExecutor(): Promise<Executor> {
  const ort = await loadOnnxRuntime();
  await probe(ort);
  const lastRows = new WeakMap<Float32Array, Int32Array>();
  return {
    name: 'webgpu',
    numThreads: 1,
    recomputes: true,
    largestBinding: LARGEST_BINDING,
    library: `${libraryOf(ort)}, WebGPU`,
    compile: async (program, inputs) => {
      const target = { provider: 'webgpu', transposedOf: transposedIn(inputs) } as const;
      const opened = await onCard(openSession(ort, program, inputs, target, OPTIONS));
      const compiled = compiledSession(ort, opened, inputs, lastRows);
      return { ...compiled, run: (feeds, fetches) => onCard(compiled.run(feeds, fetches)) };
    },
    compileOnDevice: (program, inputs) => compileOnDevice(ort, program, inputs),
    dispose: () => {},
  };
}

/**
 * maxStorageBufferBindingSize as every WebGPU adapter grants it (W3C, WebGPU, 3.6.2 Limits). Most grant more, but
 * onnxruntime-node 1.30 does not say what it was granted.
 */
const LARGEST_BINDING = 128 * 2 ** 20;

const OPTIONS: Ort.InferenceSession.SessionOptions = {
  executionProviders: ['webgpu'],
  graphOptimizationLevel: 'all',
  // An operator that the card cannot do is a defect of our graph passes, not a reason to copy to and fro in silence.
  extra: { session: { disable_cpu_ep_fallback: '1' } },
};

const transposedIn = (inputs: Record<string, TensorSpec>) => (input: string) => inputs[input]?.transposed;

async function compileOnDevice(
  ort: OnnxRuntime,
  program: Program,
  inputs: Record<string, TensorSpec>,
): Promise<DeviceCompiled> {
  // Where one output stays on the device, onnxruntime 1.30 no longer writes others into arrays that it is given.
  const options = { ...OPTIONS, preferredOutputLocation: 'gpu-buffer' } as const;
  const target = { provider: 'webgpu', isKept: () => true, transposedOf: transposedIn(inputs) } as const;
  const { session, outputs, fed, bytes } = await onCard(openSession(ort, program, inputs, target, options));
  const tensor = tensorCache(ort);
  // A session owns the memory of its outputs: released before them, it takes the process down when one is used.
  let live = 0;
  let isDisposed = false;
  const releaseIfDone = () => {
    if (isDisposed && live === 0) void session.release();
  };
  const onDevice = (made: Ort.Tensor): OrtDeviceTensor => {
    live++;
    let isLive = true;
    return {
      ...{ shape: made.dims, dtype: made.type as TensorSpec['dtype'] },
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
        live--;
        releaseIfDone();
      },
    };
  };
  return {
    ...{ outputs, bytes },
    async run(feeds) {
      const results = await onCard(session.run(feedsOf(fed, feeds, tensor)));
      return Object.fromEntries(
        Object.keys(outputs).map((name) => [name, onDevice(results[nameOutside(name, inputs)] as Ort.Tensor)]),
      );
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      releaseIfDone();
    },
  };
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
      `No graphics card can be used through WebGPU: ${reasonOf(error)}`,
      'Use --backend onnxruntime. On Linux, WebGPU needs a Vulkan driver for the card.',
      { cause: error },
    );
  }
}

/** What goes wrong on the card, in words for a person; defects of ours stay as they are. */
async function onCard<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const reason = reasonOf(error);
    if (error instanceof LuthierError || /^(executor|graph)/.test(reason)) throw error;
    const isMemory = /memory|allocat|buffer size|too large/i.test(reason);
    throw new LuthierError(
      isMemory ? 'not-enough-memory' : 'backend-unavailable',
      `The graphics card ${isMemory ? 'is out of memory' : 'failed'}: ${reason}`,
      isMemory
        ? `Use --backend onnxruntime, lower per_device_train_batch_size or max_length, set gradient_checkpointing to true, or ${FEWER_PARAMETERS}.`
        : 'Use --backend onnxruntime.',
      { cause: error },
    );
  }
}

/** onnxruntime puts file, line, function and condition before what it has to say. */
const reasonOf = (error: unknown): string =>
  (error as Error).message.split('\n')[0]!.replace(/^\S*\.cc:\d+ .* was false\. /, '');
