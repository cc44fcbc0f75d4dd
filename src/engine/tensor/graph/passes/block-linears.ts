import { BLOCK } from '../../executors/blocks.ts';
import type { BlockForms } from '../../executors/executor.ts';
import type { Graph } from '../ir.ts';
import { productOf } from './eight-bit-linears.ts';
import { Rewriter } from './rewriter.ts';

/**
 * Multiplies by matrices that are there in 8 or 4 bits alone, in blocks with a scale each, by onnxruntime's MatMulNBits. The left
 * side stays as it is.
 * @param formsOf the inputs that have such a matrix
 * @throws Error where anything but a product reads one
 */
export function blockLinears(graph: Graph, formsOf: (input: string) => BlockForms | undefined): Graph {
  const held = new Set(graph.inputs.filter((input) => formsOf(input)));
  if (held.size === 0) return graph;
  const r = new Rewriter(graph);
  const fed = new Set<string>();
  for (const node of graph.nodes) {
    const weight = node.inputs.find((input) => held.has(input));
    if (weight === undefined) {
      r.keep(node);
      continue;
    }
    const product = node.inputs[1] === weight ? productOf(node) : undefined;
    if (!product) throw new Error(`graph: ${weight} is there in blocks alone, which ${node.op} cannot read`);
    const [rows, columns] = r.typeOf(weight).shape as [number, number];
    const { bits, ...forms } = formsOf(weight)!;
    const { values, scales } = forms[product.isTransposed ? 'rows' : 'columns'];
    const [n, k] = product.isTransposed ? [rows, columns] : [columns, rows];
    const blocks = Math.ceil(k / BLOCK);
    fed.add(r.value(values, { shape: [n, blocks, (BLOCK * bits) / 8], dtype: 'uint8' }));
    fed.add(r.value(scales, { shape: [n * blocks], dtype: 'float32' }));
    const bias = product.bias === undefined ? [] : ['', '', product.bias];
    const attributes = { K: k, N: n, bits, block_size: BLOCK, accuracy_level: 0 } as const;
    r.node('MatMulNBits', [node.inputs[0]!, values, scales, ...bias], node.outputs[0]!, attributes);
  }
  return { ...r.graph(), inputs: [...graph.inputs.filter((input) => !held.has(input)), ...fed] };
}
