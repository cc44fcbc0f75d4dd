import type { Graph, Node } from '../ir.ts';
import { Rewriter } from './rewriter.ts';

/** A weight in 8 bits, fed beside the float one that it is made of (tensor/executors/eight-bit.ts). */
export interface EightBitOperand {
  /** Graph input with the float weight `[N, K]`. */
  readonly of: string;
  /** `values` is `[K, N]` for forward products, x · wᵀ; else `[N, K]` for backward ones, dy · w. */
  readonly transposed: boolean;
  /** Graph input, int8. */
  readonly values: string;
  /** Graph input, float32, a scale for each column of `values`. */
  readonly scales: string;
}

/** What a row of zeros is divided by, and the least that any is. */
const TINY = 1e-30;

/**
 * Computes the products with frozen weights in 8 bits: onnxruntime's DynamicQuantizeMatMul takes a third of the time of
 * a float product (bench/quantisation.md). It has one scale for the whole left side. Rows of activations are alike, but
 * those of gradients differ by orders of magnitude, so each is scaled to a largest value of one before, and back after.
 * @param isHeld inputs that are the same in every run
 */
export function eightBitLinears(
  graph: Graph,
  isHeld: (input: string) => boolean,
): { graph: Graph; operands: EightBitOperand[] } {
  const r = new Rewriter(graph);
  const operands = new Map<string, EightBitOperand>();
  const operandOf = (weight: string, transposed: boolean): EightBitOperand => {
    const name = `${weight} int8${transposed ? 'ᵀ' : ''}`;
    const known = operands.get(name);
    if (known) return known;
    const [n, k] = r.typeOf(weight).shape as [number, number];
    const operand = { of: weight, transposed, values: name, scales: `${name} scales` };
    r.value(operand.values, { shape: transposed ? [k, n] : [n, k], dtype: 'int8' });
    r.value(operand.scales, { shape: [transposed ? n : k], dtype: 'float32' });
    operands.set(name, operand);
    return operand;
  };
  for (const node of graph.nodes) {
    const weight = node.inputs[1];
    if (weight === undefined || !isHeld(weight)) r.keep(node);
    else if (isForward(node)) forward(r, node, operandOf(weight, true));
    else if (isBackward(node)) backward(r, node, operandOf(weight, false));
    else r.keep(node);
  }
  const made = [...operands.values()];
  if (made.length === 0) return { graph, operands: made };
  const inputs = [...graph.inputs, ...made.flatMap(({ values, scales }) => [values, scales])];
  return { graph: { ...r.graph(), inputs }, operands: made };
}

/** What tensor/ops/linear.ts is recorded as. */
const isForward = ({ op, attributes }: Node): boolean =>
  op === 'Gemm' && attributes.transB === 1 && Object.keys(attributes).length === 1;

/** What its gradient is recorded as. */
const isBackward = ({ op }: Node): boolean => op === 'MatMul';

function forward(r: Rewriter, { inputs, outputs }: Node, { values, scales }: EightBitOperand): void {
  const [x, , bias] = inputs as [string, string, string];
  r.node('DynamicQuantizeMatMul', [x, values, scales, '', bias], outputs[0]!);
}

function backward(r: Rewriter, { inputs, outputs }: Node, { values, scales }: EightBitOperand): void {
  const [dy] = inputs as [string];
  const dx = outputs[0]!;
  const type = r.typeOf(dy);
  const rows = { ...type, shape: [type.shape[0]!, 1] };
  const magnitudes = r.node('Abs', [dy], r.value(`${dx}.magnitudes`, type));
  const axes = r.ints(`${dx}.axes`, [1]);
  const largest = r.node('ReduceMax', [magnitudes, axes], r.value(`${dx}.largest`, rows), { keepdims: 1 });
  const rowScale = r.node('Max', [largest, r.scalar(`${dx}.tiny`, TINY)], r.value(`${dx}.row_scale`, rows));
  const scaled = r.node('Div', [dy, rowScale], r.value(`${dx}.scaled`, type));
  const product = r.value(`${dx}.product`, r.typeOf(dx));
  r.node('DynamicQuantizeMatMul', [scaled, values, scales], product);
  r.node('Mul', [product, rowScale], dx);
}
