import type { Range } from '../../executors/executor.ts';
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

/** A product with a weight `[N, K]`: x · wᵀ where `isTransposed`, x · w otherwise. */
interface Product {
  isTransposed: boolean;
  /** One scale for the whole left side, and a bias. */
  bias?: string;
}

/** What tensor/ops/linear.ts and tensor/ops/matmul.ts are recorded as. */
function productOf({ op, attributes, inputs }: Node): Product | undefined {
  if (op === 'Gemm') {
    const isPlain = attributes.transB === 1 && Object.keys(attributes).length === 1;
    return isPlain ? { isTransposed: true, bias: inputs[2]! } : undefined;
  }
  if (op === 'MatMul') return { isTransposed: false };
  if (op !== 'FusedMatMul' || attributes.transA === 1 || (attributes.alpha?.float ?? 1) !== 1) return undefined;
  return { isTransposed: attributes.transB === 1 };
}

/**
 * Computes the products with frozen weights in 8 bits: onnxruntime's DynamicQuantizeMatMul takes a third of the time of
 * a float product (bench/quantisation.md). It has one scale for the whole left side. Rows of an encoder's activations
 * are alike, but those of gradients differ by orders of magnitude, and so do a decoder's, whose first token has some
 * values in the thousands: there each row is scaled to a largest value of one before, and back after. A linear layer
 * without a bias is a decoder's. Where the range of the left side is known beforehand, it is rounded by that: a row's
 * product is then the same whatever the other rows are.
 * @param isHeld inputs that are the same in every run
 * @param rangeBeside of such an input, what is multiplied with it lies in
 */
export function eightBitLinears(
  graph: Graph,
  isHeld: (input: string) => boolean,
  rangeBeside: (input: string) => Range | undefined = () => undefined,
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
  const scaled = new Map<string, ScaledRows>();
  const rounded = new Map<string, Rounded>();
  for (const node of graph.nodes) {
    const weight = node.inputs[1];
    const product = weight !== undefined && isHeld(weight) ? productOf(node) : undefined;
    if (!product) {
      r.keep(node);
      continue;
    }
    const { values, scales } = operandOf(weight!, product.isTransposed);
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    const { bias } = product;
    const range = rangeBeside(weight!);
    if (range) {
      const key = `${x} ${range.join(' ')}`;
      const left = rounded.get(key) ?? roundInto(r, x, range, rounded.size);
      rounded.set(key, left);
      const inputs = [left.values, values, left.scale, scales, left.zero, ...(bias === undefined ? [] : ['', bias])];
      r.node('MatMulIntegerToFloat', inputs, y);
      continue;
    }
    // The scale of a single row is that of the whole: scaled before and back after, it would give the same numbers.
    if (bias !== undefined || r.typeOf(x).shape[0] === 1) {
      r.node('DynamicQuantizeMatMul', [x, values, scales, ...(bias === undefined ? [] : ['', bias])], y);
      continue;
    }
    const rows = scaled.get(x) ?? scaleRows(r, x);
    scaled.set(x, rows);
    const narrow = r.value(`${y}.product`, r.typeOf(y));
    r.node('DynamicQuantizeMatMul', [rows.values, values, scales], narrow);
    r.node('Mul', [narrow, rows.scale], y);
  }
  const made = [...operands.values()];
  if (made.length === 0) return { graph, operands: made };
  const inputs = [...graph.inputs, ...made.flatMap(({ values, scales }) => [values, scales])];
  return { graph: { ...r.graph(), inputs }, operands: made };
}

/** A matrix in uint8: `scale · (values - zero)`. */
interface Rounded {
  values: string;
  scale: string;
  zero: string;
}

/** @param number of what was rounded before, for names */
function roundInto(r: Rewriter, x: string, [low, high]: Range, number: number): Rounded {
  const step = (high - low) / 255 || 1;
  const name = `${x}.uint8.${number}`;
  const scale = r.scalar(`${name}.scale`, step);
  const zero = r.constant(`${name}.zero`, { shape: [], dtype: 'uint8', data: Uint8Array.of(Math.round(-low / step)) });
  const values = r.value(name, { ...r.typeOf(x), dtype: 'uint8' });
  return { values: r.node('QuantizeLinear', [x, scale, zero], values), scale, zero };
}

/** A matrix `[M, K]` whose rows have a largest magnitude of one, and what they are to be multiplied by, `[M, 1]`. */
interface ScaledRows {
  values: string;
  scale: string;
}

/** Made once for all products with the same left side, as queries, keys and values are. */
function scaleRows(r: Rewriter, x: string): ScaledRows {
  const type = r.typeOf(x);
  const rows = { ...type, shape: [type.shape[0]!, 1] };
  const magnitudes = r.node('Abs', [x], r.value(`${x}.magnitudes`, type));
  const axes = r.ints(`${x}.axes`, [1]);
  const largest = r.node('ReduceMax', [magnitudes, axes], r.value(`${x}.largest`, rows), { keepdims: 1 });
  const scale = r.node('Max', [largest, r.scalar(`${x}.tiny`, TINY)], r.value(`${x}.row_scale`, rows));
  return { values: r.node('Div', [x, scale], r.value(`${x}.scaled`, type)), scale };
}
