import { type Graph, type Node, producers } from '../ir.ts';
import { eliminateDeadNodes } from './dead-nodes.ts';

/**
 * A product of two matrices (Gemm) of which only a multiple is read is that from the start, also where it is reshaped or
 * transposed in between: a node less and, on a device, a pass over the result less.
 */
export function scaledProducts(graph: Graph): Graph {
  const made = producers(graph);
  const readers = new Map<string, number>();
  for (const value of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.values()])
    readers.set(value, (readers.get(value) ?? 0) + 1);
  const productOf = (value: string): Node<'Gemm'> | undefined => {
    const node = readers.get(value) === 1 ? made.get(value) : undefined;
    if (node?.op === 'Gemm') return node;
    return node?.op === 'Reshape' || node?.op === 'Transpose' ? productOf(node.inputs[0]!) : undefined;
  };
  const numberOf = (value: string): number | undefined => {
    const constant = graph.constants.get(value);
    return constant?.dtype === 'float32' && constant.shape.length === 0 ? Number(constant.data[0]) : undefined;
  };
  const factors = new Map<Node, number>();
  const same = new Map<string, string>();
  for (const { op, inputs, outputs } of graph.nodes) {
    const factor = op === 'Mul' ? numberOf(inputs[1]!) : undefined;
    const product = factor === undefined ? undefined : productOf(inputs[0]!);
    if (product === undefined || factors.has(product)) continue;
    factors.set(product, factor!);
    same.set(outputs[0]!, inputs[0]!);
  }
  if (same.size === 0) return graph;
  const nodes = graph.nodes.map((node): Node => {
    const inputs = node.inputs.map((input) => same.get(input) ?? input);
    const factor = factors.get(node);
    if (node.op !== 'Gemm' || factor === undefined) return { ...node, inputs } as Node;
    const { alpha, beta } = node.attributes;
    const by = (given: typeof alpha) => ({ float: factor * (given?.float ?? 1) });
    const attributes = { ...node.attributes, alpha: by(alpha), ...(inputs.length > 2 ? { beta: by(beta) } : {}) };
    return { ...node, inputs, attributes };
  });
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, same.get(value) ?? value]));
  return eliminateDeadNodes({ ...graph, nodes, outputs });
}
