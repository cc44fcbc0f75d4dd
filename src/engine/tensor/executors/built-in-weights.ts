import type { Graph, Node } from '../graph/ir.ts';
import type { EightBitOperand } from '../graph/passes/eight-bit-linears.ts';
import { BLOCK, quantizeBlocks } from './blocks.ts';
import type { Feed, TensorSpec } from './executor.ts';

/** The left side in 8 bits, too. */
const EIGHT_BITS = 4;

/**
 * A graph whose weights in 8 bits are constants of it, which onnxruntime lays out once, in blocks with a scale each. Of
 * what goes in from the left each block has its scale, too, so a product is far nearer to the float one than
 * DynamicQuantizeMatMul's, whose scale is that of the whole; with a single row it is as fast.
 * @param range largest magnitude of a value (eight-bit.ts)
 */
export function withBuiltInWeights(
  graph: Graph,
  operands: readonly EightBitOperand[],
  inputs: Record<string, TensorSpec>,
  feeds: Record<string, Feed>,
  range: number,
): Graph {
  const constants = new Map(graph.constants);
  const sizes = new Map<string, { n: number; k: number }>();
  for (const { of, transposed, values, scales } of operands) {
    const [rows, columns] = inputs[of]!.shape as [number, number];
    const { n, k } = transposed ? { n: rows, k: columns } : { n: columns, k: rows };
    const quantized = quantizeBlocks(feeds[of] as Float32Array, { n, k, transposed, range });
    constants.set(values, { shape: quantized.shape, dtype: 'uint8', data: quantized.values });
    constants.set(scales, { shape: [quantized.scales.length], dtype: 'float32', data: quantized.scales });
    sizes.set(values, { n, k });
  }
  const nodes = graph.nodes.map((node): Node => {
    const [x, values, scales, , bias] = node.inputs;
    const size = node.op === 'DynamicQuantizeMatMul' ? sizes.get(values!) : undefined;
    if (!size) return node;
    return {
      op: 'MatMulNBits',
      inputs: [x!, values!, scales!, ...(bias ? ['', '', bias] : [])],
      outputs: node.outputs,
      attributes: { K: size.k, N: size.n, bits: 8, block_size: BLOCK, accuracy_level: EIGHT_BITS },
    };
  });
  const made = new Set(operands.flatMap(({ values, scales }) => [values, scales]));
  const read = new Set([...nodes.flatMap((node) => node.inputs), ...graph.outputs.values()]);
  const types = new Map([...graph.types, ...[...made].map((name) => [name, constants.get(name)!] as const)]);
  return {
    ...graph,
    nodes,
    constants,
    types,
    inputs: graph.inputs.filter((name) => read.has(name) && !made.has(name)),
  };
}
