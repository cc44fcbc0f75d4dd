import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

const BACKEND = 'wasm';

interface Call<Inputs extends string> {
  inputs: Record<Inputs, tf.Tensor>;
  attrs: Record<string, unknown>;
  backend: BackendWasm;
}

/** Registers what tfjs's wasm backend lacks, and what it has but is slow at. Once, after its own are registered. */
export function registerWasmKernels(): void {
  register('UnsortedSegmentSum', unsortedSegmentSum);
  const theirs = tf.getKernel(tf.BatchMatMul, BACKEND)!;
  const multiply = theirs.kernelFunc as unknown as (call: Call<'a' | 'b'>) => tf.TensorInfo;
  tf.unregisterKernel(tf.BatchMatMul, BACKEND);
  register(tf.BatchMatMul, (call: Call<'a' | 'b'>) => tf.tidy(() => batchMatMul(call, multiply)), theirs.setupFunc);
}

function register<Inputs extends string>(
  kernelName: string,
  kernel: (call: Call<Inputs>) => tf.TensorInfo,
  setupFunc?: tf.KernelConfig['setupFunc'],
): void {
  const kernelFunc = kernel as unknown as tf.KernelFunc;
  tf.registerKernel({ kernelName, backendName: BACKEND, kernelFunc, ...(setupFunc ? { setupFunc } : {}) });
}

/** `y[ids[i]] += x[i]`, in order. Ids below 0 are left out, as TensorFlow does. */
function unsortedSegmentSum({ inputs, attrs, backend }: Call<'x' | 'segmentIds'>): tf.TensorInfo {
  const { x, segmentIds } = inputs;
  const segments = attrs.numSegments as number;
  const out = backend.makeOutput([segments, ...x.shape.slice(segmentIds.rank)], 'float32');
  // After the output is made: making it may grow the memory, which detaches earlier views.
  const [rows, ids, sums] = [x, segmentIds, out].map((tensor) => backend.typedArrayFromHeap(tensor)) as Views;
  sums.fill(0);
  const width = sums.length / segments;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id < 0) continue;
    if (id >= segments) throw new RangeError(`segment ${id} of ${segments}`);
    const to = id * width;
    const from = i * width;
    for (let k = 0; k < width; k++) sums[to + k]! += rows[from + k]!;
  }
  return out;
}

type Views = [Float32Array, Int32Array, Float32Array];

/**
 * The backend multiplies two plain matrices by XNNPACK's SIMD code, and anything else, stacks and transposed ones, by a
 * scalar loop that takes 10 times as long: so stacks are multiplied one by one, transposed before.
 */
function batchMatMul(
  { inputs, attrs, backend }: Call<'a' | 'b'>,
  multiply: (call: Call<'a' | 'b'>) => tf.TensorInfo,
): tf.Tensor {
  const plain = { transposeA: false, transposeB: false };
  const a = attrs.transposeA ? swapped(inputs.a) : inputs.a;
  const b = attrs.transposeB ? swapped(inputs.b) : inputs.b;
  const lead = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!];
  const count = tf.util.sizeFromShape(lead);
  const stack = (x: tf.Tensor, rows: number, columns: number) =>
    tf.reshape(tf.broadcastTo(x, [...lead, rows, columns]), [count, rows, columns]) as tf.Tensor3D;
  const [left, right] = [stack(a, m, k), stack(b, k, n)];
  const products = Array.from({ length: count }, (_, i) =>
    tf.tidy(() => {
      const one = (x: tf.Tensor3D) => (count === 1 ? x : tf.slice(x, [i, 0, 0], [1, -1, -1]));
      const product = multiply({ inputs: { a: one(left), b: one(right) }, attrs: plain, backend });
      return tf.engine().makeTensorFromTensorInfo(product);
    }),
  );
  return tf.reshape(count === 1 ? products[0]! : tf.concat(products, 0), [...lead, m, n]);
}

function swapped(x: tf.Tensor): tf.Tensor {
  const axes = [...x.shape.keys()];
  return tf.transpose(x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
}
