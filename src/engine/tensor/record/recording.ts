import type { Constant, Node, ValueType } from '../graph/ir.ts';
import type { AttributesOf, Op } from '../graph/operators.ts';
import { inferTypes } from '../graph/shapes.ts';

/** Collects nodes while a program runs. Kernels (tensor/record/kernels.ts) speak to it through `emit` and the constants. */
export class Recording {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Constant>();
  readonly types = new Map<string, ValueType>();
  /** Values that were marked as going into a layer. */
  readonly layers = new Set<string>();
  readonly #byContent = new Map<string, string>();
  #counter = 0;

  #fresh(type: ValueType): string {
    const name = `v${this.#counter++}`;
    this.types.set(name, type);
    return name;
  }

  /** A named input's placeholder. */
  input(name: string, type: ValueType): void {
    this.types.set(name, type);
  }

  /** Adds a node and returns the names of its first outputs, as many as are asked for. */
  emitAll<O extends Op>(count: number, op: O, inputs: readonly string[], ...[given]: AttributesOf<O>): string[] {
    const node = { op, inputs, outputs: [] as string[], attributes: given ?? {} };
    const types = inferTypes(
      node as Node,
      (n) => this.types.get(n)!,
      (n) => this.constants.get(n),
    );
    node.outputs = types.slice(0, count).map((type) => this.#fresh(type));
    this.nodes.push(node as Node);
    return node.outputs;
  }

  /** Adds a node of which one output is read, and returns that one's name. */
  emit<O extends Op>(op: O, inputs: readonly string[], ...attributes: AttributesOf<O>): string {
    return this.emitAll(1, op, inputs, ...attributes)[0]!;
  }

  constant(constant: Constant): string {
    const key =
      constant.data.length <= 16 ? `${constant.dtype}[${constant.shape}]${constant.data.join(',')}` : undefined;
    const known = key && this.#byContent.get(key);
    if (known) return known;
    const name = `c${this.#counter++}`;
    this.types.set(name, { shape: constant.shape, dtype: constant.dtype });
    this.constants.set(name, constant);
    if (key) this.#byContent.set(key, name);
    return name;
  }

  scalar(value: number, dtype: 'float32' | 'int32' = 'float32'): string {
    return this.constant({
      shape: [],
      dtype,
      data: dtype === 'float32' ? Float32Array.of(value) : Int32Array.of(value),
    });
  }

  /** An int64 vector, as ONNX wants shapes and axes. */
  ints(values: readonly number[]): string {
    return this.constant({ shape: [values.length], dtype: 'int64', data: BigInt64Array.from(values, BigInt) });
  }

  typeOf(name: string): ValueType {
    return this.types.get(name)!;
  }
}
