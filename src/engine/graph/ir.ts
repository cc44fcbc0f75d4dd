/**
 * The graph that a recorded program becomes: values in single-assignment form, nodes in execution order,
 * operators named as ONNX names them (domain '' is ONNX's own, 'com.microsoft' onnxruntime's contributed ones),
 * and one of ours, `luthier.SegmentSum`, which a pass must have removed before ONNX is written.
 */
export type ElementType = 'float32' | 'int32' | 'int64' | 'bool' | 'int8' | 'uint8';

export interface ValueType {
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;

export interface Constant extends ValueType {
  readonly data: ConstantData;
}

/** Numbers are ints unless wrapped as `{ float }`. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

export type Domain = '' | 'com.microsoft' | 'luthier';

export interface Node {
  readonly op: string;
  readonly domain: Domain;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  /** Names of what is fed, in order. */
  readonly inputs: readonly string[];
  /** Output name as the program gave it -> value that holds it. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Type of every value: inputs, constants and node outputs. */
  readonly types: ReadonlyMap<string, ValueType>;
}

export const isFloatAttribute = (a: Attribute): a is { readonly float: number } =>
  typeof a === 'object' && !Array.isArray(a);

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

/** How many nodes and graph outputs read each value. */
export function useCounts(graph: Graph): Map<string, number> {
  const uses = new Map<string, number>();
  const use = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const node of graph.nodes) for (const input of node.inputs) use(input);
  for (const value of graph.outputs.values()) use(value);
  return uses;
}
