import { factorsOf, type Rounding, stepOf, zeroOf } from '../../executors/executor.ts';
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
  /** What each row of `values` was multiplied by before it was rounded, where anything. */
  readonly factors?: Float32Array | undefined;
}

/** What a row of zeros is divided by, and the least that any is. */
const TINY = 1e-30;

/** A product with a weight `[N, K]`: x · wᵀ where `isTransposed`, x · w otherwise. */
export interface Product {
  isTransposed: boolean;
  /** One scale for the whole left side, and a bias. */
  bias?: string;
}

/** What tensor/ops/linear.ts and tensor/ops/matmul.ts are recorded as. */
export function productOf({ op, attributes, inputs }: Node): Product | undefined {
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
 * without a bias is a decoder's. Where it is known beforehand how the left side is to be rounded, it is rounded so: a row's
 * product is then the same whatever the other rows are.
 * @param isHeld inputs that are the same in every run
 * @param besideOf of such an input, how what is multiplied with it is rounded
 */
export function eightBitLinears(
  graph: Graph,
  isHeld: (input: string) => boolean,
  besideOf: (input: string) => Rounding | undefined = () => undefined,
): { graph: Graph; operands: EightBitOperand[] } {
  const r = new Rewriter(graph);
  const operands = new Map<string, EightBitOperand>();
  const operandOf = (weight: string, transposed: boolean, factors?: Float32Array): EightBitOperand => {
    const name = `${weight} int8${transposed ? 'ᵀ' : ''}`;
    const known = operands.get(name);
    if (known) return known;
    const [n, k] = r.typeOf(weight).shape as [number, number];
    const operand = { of: weight, transposed, values: name, scales: `${name} scales`, ...(factors && { factors }) };
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
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    const rounding = besideOf(weight!);
    const factors = rounding && factorsOf(rounding, r.typeOf(x).shape[1]!);
    const { values, scales } = operandOf(weight!, product.isTransposed, factors);
    const { bias } = product;
    if (rounding) {
      const key = [x, rounding.range, rounding.columns].join(' ');
      const left = rounded.get(key) ?? roundInto(r, x, rounding, rounded.size);
      rounded.set(key, left);
      const added = shifted(r, y, bias, rounding.shift);
      const inputs = [left.values, values, left.scale, scales, left.zero, ...(added === undefined ? [] : ['', added])];
      if (rounding.apart) {
        const rest = r.node('MatMulIntegerToFloat', inputs, r.value(`${y}.rest`, r.typeOf(y)));
        addApart(r, { x, weight: weight!, isTransposed: product.isTransposed, apart: rounding.apart, rest }, y);
      } else r.node('MatMulIntegerToFloat', inputs, y);
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

/** A matrix in uint8: `scale · (values - zero)`, times what its columns were divided by. */
interface Rounded {
  values: string;
  scale: string;
  zero: string;
}

/** @param number of what was rounded before, for names */
function roundInto(r: Rewriter, x: string, { range, columns }: Rounding, number: number): Rounded {
  const name = `${x}.uint8.${number}`;
  const scale = r.scalar(`${name}.scale`, stepOf(range));
  const zero = r.constant(`${name}.zero`, { shape: [], dtype: 'uint8', data: Uint8Array.of(zeroOf(range)) });
  let divided = x;
  if (columns) {
    const data = columns.map((column) => 1 / column);
    const inverse = r.constant(`${name}.columns`, { shape: [columns.length], dtype: 'float32', data });
    divided = r.node('Mul', [x, inverse], r.value(`${name}.divided`, r.typeOf(x)));
  }
  const values = r.value(name, { ...r.typeOf(x), dtype: 'uint8' });
  return { values: r.node('QuantizeLinear', [divided, scale, zero], values), scale, zero };
}

/** The share of some columns in a product, in float, added to that of the rest. */
function addApart(
  r: Rewriter,
  {
    x,
    weight,
    isTransposed,
    apart,
    rest,
  }: { x: string; weight: string; isTransposed: boolean; apart: Int32Array; rest: string },
  y: string,
): void {
  const numbers = r.ints(`${y}.apart`, Array.from(apart));
  const [rows, count] = [r.typeOf(x).shape[0]!, apart.length];
  const [n, k] = r.typeOf(weight).shape as [number, number];
  const float = (name: string, ...shape: number[]) => r.value(`${y}.${name}`, { shape, dtype: 'float32' });
  const left = r.node('Gather', [x, numbers], float('left', rows, count), { axis: 1 });
  const right = isTransposed
    ? r.node('Gather', [weight, numbers], float('right', n, count), { axis: 1 })
    : r.node('Gather', [weight, numbers], float('right', count, k), { axis: 0 });
  r.node('Gemm', [left, right, rest], y, isTransposed ? { transB: 1 } : {});
}

/** What is added to a product with the output `y`: the layer's bias, and what rounding takes from it. */
function shifted(r: Rewriter, y: string, bias: string | undefined, shift: Float32Array | undefined) {
  if (!shift) return bias;
  const constant = r.constant(`${y}.shift`, { shape: [shift.length], dtype: 'float32', data: shift });
  return bias === undefined ? constant : r.node('Add', [bias, constant], r.value(`${y}.bias`, r.typeOf(bias)));
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
