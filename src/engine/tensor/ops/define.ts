import * as tf from '@tensorflow/tfjs-core';

type None = Readonly<Record<never, never>>;

/** An operator's tensors, by name, and its attributes: what its definition, its rule (tensor/record/fused.ts) and calls go by. */
export interface Op<Inputs extends string = string, Attributes extends object = None> {
  readonly inputs: Inputs;
  readonly attributes: Attributes;
}
type AnyOp = Op<string, object>;
type TensorsOf<O extends AnyOp> = Readonly<Record<O['inputs'], tf.Tensor>>;

/**
 * An operator of our own beside tfjs-core's, with its gradient written by hand. `compose` gives its meaning in
 * other ops, and is what runs where an executor has nothing better (tensor/record/fused.ts lists what has).
 */
export interface OpDefinition<O extends AnyOp> {
  readonly name: string;
  /** The first output is the value; the others are kept for the gradient. */
  compose(inputs: TensorsOf<O>, attributes: O['attributes']): tf.Tensor | tf.Tensor[];
  /** Inputs and outputs that the gradient reads, in the order in which it gets them. */
  readonly inputsToSave: readonly O['inputs'][];
  readonly outputsToSave?: readonly boolean[];
  /** A thunk per differentiable input, so that what nobody asks for is never computed. */
  gradient(
    dy: tf.Tensor,
    saved: tf.Tensor[],
    attributes: O['attributes'],
  ): { readonly [Input in O['inputs']]?: () => tf.Tensor };
}

/** Attributes may be left out where there are none. */
type AttributesOf<O extends AnyOp> = None extends O['attributes'] ? [] : [attributes: O['attributes']];

interface Composed {
  readonly name: string;
  compose(inputs: never, attributes: never): tf.Tensor | tf.Tensor[];
}
const definitions: Composed[] = [];
const backends = new Set<string>();

/** Makes the op known to tfjs and gives back the function that runs it. */
export function defineOp<O extends AnyOp>(
  definition: OpDefinition<O>,
): (inputs: TensorsOf<O>, ...attributes: AttributesOf<O>) => tf.Tensor[] {
  definitions.push(definition);
  for (const backend of backends) registerComposed(definition, backend);
  tf.registerGradient({
    kernelName: definition.name,
    inputsToSave: [...definition.inputsToSave],
    outputsToSave: [...(definition.outputsToSave ?? [])],
    gradFunc: (dy, saved, attributes) =>
      definition.gradient(Array.isArray(dy) ? dy[0]! : dy, saved, attributes as O['attributes']) as Record<
        string,
        () => tf.Tensor
      >,
  });
  return (inputs, ...[attributes]) => {
    const given = (attributes ?? {}) as tf.NamedAttrMap;
    const result: unknown = tf.engine().runKernel(definition.name, inputs, given);
    return Array.isArray(result) ? result : [result as tf.Tensor];
  };
}

/** Registers every op of ours on a tfjs backend by composition; kernels that the backend already has stay. */
export function registerOps(backend: string): void {
  if (backends.has(backend)) return;
  backends.add(backend);
  for (const definition of definitions) registerComposed(definition, backend);
}

function registerComposed(definition: Composed, backendName: string): void {
  if (tf.getKernel(definition.name, backendName)) return;
  tf.registerKernel({
    kernelName: definition.name,
    backendName,
    kernelFunc: ({ inputs, attrs }) => definition.compose(inputs as never, attrs as never),
  });
}
