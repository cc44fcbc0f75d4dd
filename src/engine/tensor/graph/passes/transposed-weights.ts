import { type Graph, type Node, typeOf } from '../ir.ts';
import type { Op } from '../operators.ts';
import { eliminateDeadNodes } from './dead-nodes.ts';

/**
 * Reads matrices the other way round where they are fed so, too, instead of having a product transpose them, which takes a
 * graphics card more than twice as long. Inputs that nothing reads any more are no inputs.
 * @param transposedOf the input that has a matrix's transpose
 */
export function transposedWeights(graph: Graph, transposedOf: (input: string) => string | undefined): Graph {
  const types = new Map(graph.types);
  const swapped = new Set<string>();
  const nodes = graph.nodes.map((node): Node => {
    if (!isProduct(node) || node.attributes.transB !== 1) return node;
    const [a, b, ...rest] = node.inputs as [string, string, ...string[]];
    const other = graph.inputs.includes(b) ? transposedOf(b) : undefined;
    if (other === undefined) return node;
    const { shape, dtype } = typeOf(graph, b);
    types.set(other, { shape: [...shape].reverse(), dtype });
    swapped.add(other);
    return { ...node, inputs: [a, other, ...rest], attributes: { ...node.attributes, transB: 0 } };
  });
  if (swapped.size === 0) return graph;
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const outputs = new Set(graph.outputs.values());
  const isLeft = (input: string) => read.has(input) || outputs.has(input) || transposedOf(input) === undefined;
  return eliminateDeadNodes({ ...graph, inputs: [...graph.inputs.filter(isLeft), ...swapped], nodes, types });
}

const isProduct = (node: Node<Op>): node is Node<'Gemm' | 'FusedMatMul'> =>
  node.op === 'Gemm' || node.op === 'FusedMatMul';
