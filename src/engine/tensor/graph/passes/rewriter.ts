import { type Constant, elementCount, type Graph, type Node, type ValueType } from '../ir.ts';
import type { AttributesOf, Op } from '../operators.ts';

/** Collects the nodes, types and constants of a graph that a pass makes out of another. */
export class Rewriter {
  readonly #graph: Graph;
  readonly #nodes: Node[] = [];
  readonly #types: Map<string, ValueType>;
  readonly #constants: Map<string, Constant>;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#types = new Map(graph.types);
    this.#constants = new Map(graph.constants);
  }

  graph(): Graph {
    return { ...this.#graph, nodes: this.#nodes, types: this.#types, constants: this.#constants };
  }

  typeOf(name: string): ValueType {
    const type = this.#types.get(name);
    if (!type) throw new Error(`graph: value ${name} has no type`);
    return type;
  }

  constantOf(name: string): Constant | undefined {
    return this.#constants.get(name);
  }

  keep(node: Node): void {
    this.#nodes.push(node);
  }

  /** A node whose output has a type already: one of the first graph, or made by `value`. */
  node<O extends Op>(op: O, inputs: readonly string[], output: string, ...[attributes]: AttributesOf<O>): string {
    this.#nodes.push({ op, inputs, outputs: [output], attributes: attributes ?? {} } as Node);
    return output;
  }

  value(name: string, { shape, dtype }: ValueType): string {
    this.#types.set(name, { shape, dtype });
    return name;
  }

  scalar(name: string, value: number): string {
    return this.constant(name, { shape: [], dtype: 'float32', data: Float32Array.of(value) });
  }

  /** An int64 vector, as ONNX wants shapes and axes. */
  ints(name: string, values: readonly number[]): string {
    return this.constant(name, { shape: [values.length], dtype: 'int64', data: BigInt64Array.from(values, BigInt) });
  }

  constant(name: string, constant: Constant): string {
    if (constant.data.length !== elementCount(constant.shape))
      throw new Error(`graph: constant ${name} has another size`);
    this.#constants.set(name, constant);
    return this.value(name, constant);
  }

  /** The last two axes of x swapped. */
  transposed(x: string, name: string): string {
    const { shape, dtype } = this.typeOf(x);
    const rank = shape.length;
    const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
    return this.node('Transpose', [x], this.value(name, { shape: perm.map((p) => shape[p]!), dtype }), { perm });
  }
}
