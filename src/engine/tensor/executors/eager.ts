import * as tf from '@tensorflow/tfjs-core';
import { type Graph, typeOf } from '../graph/ir.ts';
import { record } from '../record/recorder.ts';
import {
  type Compiled,
  type Feed,
  isOnDevice,
  type Program,
  sizeOf,
  type TensorData,
  type TensorSpec,
} from './executor.ts';

/**
 * A program that runs op by op on a tfjs backend, which must be made already: then switching to it is synchronous,
 * and the one in use before is in use again when a run ends. A run leaves no tensor behind.
 * @param check refuses, by throwing, what the backend cannot do
 */
export function compileEagerly(
  backend: string,
  program: Program,
  inputs: Record<string, TensorSpec>,
  check: (graph: Graph) => void = () => {},
): Compiled {
  // Recorded for its outputs' shapes and for the check alone.
  const graph = record(program, inputs);
  check(graph);
  const outputs = Object.fromEntries(
    [...graph.outputs].map(([name, value]) => [name, typeOf(graph, value) as TensorSpec]),
  );
  return {
    outputs,
    bytes: 0,
    async run(feeds, fetches) {
      onBackend(backend, () => {
        const fed: Record<string, tf.Tensor> = {};
        for (const [name, { shape, dtype }] of Object.entries(inputs)) {
          fed[name] = tf.tensor(checked(name, feeds[name], shape) as Float32Array, [...shape], dtype);
        }
        const results = program(fed);
        for (const [name, { shape }] of Object.entries(outputs)) {
          checked(name, fetches[name], shape);
          fetches[name]!.set(results[name]!.dataSync());
        }
        // What the program kept for its caller would outlive the tidy.
        tf.dispose(results);
      });
    },
    dispose() {},
  };
}

function checked(name: string, data: Feed | undefined, shape: readonly number[]): TensorData {
  if (isOnDevice(data)) throw new Error(`executor: ${name} lies on another executor's device`);
  if (data?.length === sizeOf(shape)) return data;
  throw new Error(`executor: ${name} needs ${sizeOf(shape)} values, got ${data?.length ?? 'none'}`);
}

/** Does it synchronously on a backend, leaving no tensor behind, and goes back to the one in use before. */
function onBackend(backend: string, work: () => void): void {
  const previous = tf.engine().backendName;
  void tf.setBackend(backend);
  const before = tf.memory().numTensors;
  try {
    tf.tidy(work);
    const left = tf.memory().numTensors - before;
    if (left !== 0) throw new Error(`executor: the program left ${left} tensors behind`);
  } finally {
    if (previous) void tf.setBackend(previous);
  }
}
