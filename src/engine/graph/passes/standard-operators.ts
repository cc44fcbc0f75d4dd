import type { Attribute, Constant, Graph, Node, ValueType } from '../ir.ts';
import { isFloatAttribute, typeOf } from '../ir.ts';

/**
 * Writes onnxruntime's contributed operators in ONNX's own, so that an exported model runs wherever ONNX does.
 * (onnxruntime fuses them again when it loads the model.)
 */
export function standardOperators(graph: Graph): Graph {
  const rewrite = new Rewrite(graph);
  for (const node of graph.nodes) {
    if (node.domain !== 'com.microsoft') rewrite.nodes.push(node);
    else if (node.op === 'FusedMatMul') rewrite.matMul(node);
    else if (node.op === 'Gelu') rewrite.gelu(node);
    else throw new Error(`export: ${node.op} has no standard form here`);
  }
  return { ...graph, nodes: rewrite.nodes, types: rewrite.types, constants: rewrite.constants };
}

class Rewrite {
  readonly nodes: Node[] = [];
  readonly types: Map<string, ValueType>;
  readonly constants: Map<string, Constant>;

  constructor(private readonly graph: Graph) {
    this.types = new Map(graph.types);
    this.constants = new Map(graph.constants);
  }

  matMul(node: Node): void {
    const output = node.outputs[0]!;
    const [a, b] = node.inputs as [string, string];
    const left = node.attributes.transA === 1 ? this.#transposed(a, `${output}.a`) : a;
    const right = node.attributes.transB === 1 ? this.#transposed(b, `${output}.b`) : b;
    const alpha = floatOf(node.attributes.alpha);
    const type = typeOf(this.graph, output);
    const product = alpha === 1 ? output : this.#value(`${output}.product`, type);
    this.#node('MatMul', [left, right], product);
    if (alpha !== 1) this.#node('Mul', [product, this.#scalar(`${output}.alpha`, alpha)], output);
  }

  gelu(node: Node): void {
    const [x] = node.inputs as [string];
    const output = node.outputs[0]!;
    const type = typeOf(this.graph, output);
    const step = (op: string, inputs: string[], name: string) =>
      this.#node(op, inputs, this.#value(`${output}.${name}`, type));
    const scaled = step('Mul', [x, this.#scalar(`${output}.sqrt1_2`, Math.SQRT1_2)], 'scaled');
    const erf = step('Erf', [scaled], 'erf');
    const plusOne = step('Add', [erf, this.#scalar(`${output}.one`, 1)], 'plus_one');
    const product = step('Mul', [x, plusOne], 'product');
    this.#node('Mul', [product, this.#scalar(`${output}.half`, 0.5)], output);
  }

  #transposed(x: string, name: string): string {
    const { shape, dtype } = typeOf(this.graph, x);
    const rank = shape.length;
    const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
    return this.#node('Transpose', [x], this.#value(name, { shape: perm.map((p) => shape[p]!), dtype }), { perm });
  }

  #node(op: string, inputs: string[], output: string, attributes: Record<string, Attribute> = {}): string {
    this.nodes.push({ op, domain: '', inputs, outputs: [output], attributes });
    return output;
  }

  #value(name: string, type: ValueType): string {
    this.types.set(name, type);
    return name;
  }

  #scalar(name: string, value: number): string {
    this.constants.set(name, { shape: [], dtype: 'float32', data: Float32Array.of(value) });
    return this.#value(name, { shape: [], dtype: 'float32' });
  }
}

const floatOf = (a: Attribute | undefined): number => (a !== undefined && isFloatAttribute(a) ? a.float : 1);
