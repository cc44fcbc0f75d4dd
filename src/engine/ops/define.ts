import * as tf from '@tensorflow/tfjs-core';

export type Tensors = Record<string, tf.Tensor>;
export type Attributes = Record<string, number | boolean>;

/**
 * An operator of our own beside tfjs-core's, with its gradient written by hand. `compose` gives its meaning in
 * other ops, and is what runs where an executor has nothing better (record/fused.ts lists what has).
 */
export interface OpDefinition {
  readonly name: string;
  /** `outputs` is 1 for a single tensor. The first output is the value; the others are kept for the gradient. */
  compose(inputs: Tensors, attributes: Attributes): tf.Tensor | tf.Tensor[];
  /** Inputs and outputs that the gradient reads, in the order in which it gets them. */
  readonly inputsToSave: readonly string[];
  readonly outputsToSave?: readonly boolean[];
  /** A thunk per differentiable input, so that what nobody asks for is never computed. */
  gradient(dy: tf.Tensor, saved: tf.Tensor[], attributes: Attributes): Record<string, () => tf.Tensor>;
}

const definitions: OpDefinition[] = [];
const backends = new Set<string>();

/** Makes the op known to tfjs and gives back the function that runs it. */
export function defineOp(definition: OpDefinition): (inputs: Tensors, attributes?: Attributes) => tf.Tensor[] {
  definitions.push(definition);
  for (const backend of backends) registerComposed(definition, backend);
  tf.registerGradient({
    kernelName: definition.name,
    inputsToSave: [...definition.inputsToSave],
    outputsToSave: [...(definition.outputsToSave ?? [])],
    gradFunc: (dy, saved, attributes) =>
      definition.gradient(Array.isArray(dy) ? dy[0]! : dy, saved, attributes as Attributes),
  });
  return (inputs, attributes = {}) => {
    const result: unknown = tf.engine().runKernel(definition.name, inputs, attributes);
    return Array.isArray(result) ? result : [result as tf.Tensor];
  };
}

/** Registers every op of ours on a tfjs backend by composition; kernels that the backend already has stay. */
export function registerOps(backend: string): void {
  if (backends.has(backend)) return;
  backends.add(backend);
  for (const definition of definitions) registerComposed(definition, backend);
}

function registerComposed(definition: OpDefinition, backendName: string): void {
  if (tf.getKernel(definition.name, backendName)) return;
  tf.registerKernel({
    kernelName: definition.name,
    backendName,
    kernelFunc: ({ inputs, attrs }) => definition.compose(inputs as Tensors, attrs as Attributes),
  });
}
