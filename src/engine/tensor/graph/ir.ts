import type { ElementType, Op, Operators } from './operators.ts';

/**
 * The graph that a recorded program becomes: values in single-assignment form, nodes in execution order, operators
 * (tensor/graph/operators.ts) named as ONNX and onnxruntime name them.
 */
export interface ValueType {
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;

export interface Constant extends ValueType {
  readonly data: ConstantData;
}

/** A node of one of these operators; comparing its `op` tells which attributes it has. */
export type Node<O extends Op = Op> = {
  [K in O]: {
    readonly op: K;
    /** Names of values; '' stands for an optional input that is left out. */
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly attributes: Operators[K];
  };
}[O];

export interface Graph {
  /** Names of what is fed, in order. */
  readonly inputs: readonly string[];
  /** Output name as the program gave it -> value that holds it. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Values that go into the layers of a model, where they are to be computed again (passes/recompute-layers.ts). */
  readonly layers?: readonly string[];
  /** Type of every value: inputs, constants and node outputs. */
  readonly types: ReadonlyMap<string, ValueType>;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

export function typeOf(graph: Graph, name: string): ValueType {
  const type = graph.types.get(name);
  if (!type) throw new Error(`graph: value ${name} has no type`);
  return type;
}

/** The node that defines each value. */
export function producers(graph: Graph): Map<string, Node> {
  const by = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) by.set(output, node);
  return by;
}
