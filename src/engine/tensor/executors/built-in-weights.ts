import type { Graph, Node } from '../graph/ir.ts';
import type { EightBitOperand } from '../graph/passes/eight-bit-linears.ts';
import type { Feed, TensorSpec } from './executor.ts';

/** Numbers of a weight's row that have a scale of their own: what is large among them spoils no others. */
const BLOCK = 32;
const ZERO = 128;

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
    const blocks = Math.ceil(k / BLOCK);
    const quantized = quantizeBlocks(feeds[of] as Float32Array, { n, k, transposed, range });
    constants.set(values, { shape: [n, blocks, BLOCK], dtype: 'uint8', data: quantized.values });
    constants.set(scales, { shape: [n * blocks], dtype: 'float32', data: quantized.scales });
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
      // Level 4: the left side in 8 bits.
      attributes: { K: size.k, N: size.n, bits: 8, block_size: BLOCK, accuracy_level: 4 },
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

/** Rows of N outputs `[N, blocks, 32]`, symmetric around 128, and the scale of each block. */
export function quantizeBlocks(
  weight: Float32Array,
  { n, k, transposed, range }: { n: number; k: number; transposed: boolean; range: number },
): { values: Uint8Array; scales: Float32Array } {
  const blocks = Math.ceil(k / BLOCK);
  const values = new Uint8Array(n * blocks * BLOCK).fill(ZERO);
  const scales = new Float32Array(n * blocks);
  const [row, column] = transposed ? [k, 1] : [1, n];
  for (let i = 0; i < n; i++)
    for (let b = 0; b < blocks; b++) {
      const end = Math.min(k, (b + 1) * BLOCK);
      let largest = 0;
      for (let j = b * BLOCK; j < end; j++) largest = Math.max(largest, Math.abs(weight[i * row + j * column]!));
      const scale = largest / range || 1;
      scales[i * blocks + b] = scale;
      const to = i * blocks * BLOCK;
      for (let j = b * BLOCK; j < end; j++) values[to + j] = ZERO + Math.round(weight[i * row + j * column]! / scale);
    }
  return { values, scales };
}
