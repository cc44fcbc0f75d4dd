import type { Constant, Node, ValueType } from './ir.ts';
import { ELEMENT_TYPE_NUMBER, type ElementType, type Op } from './operators.ts';

type TypeOf = (name: string) => ValueType;
type ConstantOf = (name: string) => Constant | undefined;
type Rule<O extends Op = Op> = (node: Node<O>, inputs: ValueType[], constantOf: ConstantOf) => ValueType[];

/** Shape of two operands broadcast together, as NumPy and ONNX do. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`graph: shapes [${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

const same: Rule = (_, [x]) => [x!];
const binary: Rule = (_, [a, b]) => [{ shape: broadcast(a!.shape, b!.shape), dtype: a!.dtype }];
const compare: Rule = (_, [a, b]) => [{ shape: broadcast(a!.shape, b!.shape), dtype: 'bool' }];

const reduce: Rule<'ReduceL2' | 'ReduceMax' | 'ReduceMean' | 'ReduceSum'> = (node, [x], constantOf) => {
  const axesInput = node.inputs[1];
  const axes = axesInput ? Array.from(constantOf(axesInput)?.data ?? [], Number) : x!.shape.map((_, i) => i);
  const at = new Set(axes.map((a) => (a < 0 ? a + x!.shape.length : a)));
  const keep = node.attributes.keepdims === 1;
  const shape = x!.shape.flatMap((d, i) => (at.has(i) ? (keep ? [1] : []) : [d]));
  return [{ shape, dtype: x!.dtype }];
};

/** Product of two stacks of matrices; `transA`/`transB` swap the last two axes first. */
function matMulShape(a: readonly number[], b: readonly number[], transA: boolean, transB: boolean): number[] {
  const [m, k] = transA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [k2, n] = transB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  if (k !== k2) throw new Error(`graph: inner dimensions of [${a}] and [${b}] differ`);
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), m, n];
}

const normalized = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

const constantShape = (node: Node, i: number, constantOf: ConstantOf): number[] => {
  const constant = constantOf(node.inputs[i]!);
  if (!constant) throw new Error(`graph: ${node.op} needs a constant as input ${i}`);
  return Array.from(constant.data, Number);
};

const product: Rule<'FusedMatMul' | 'Gemm'> = ({ attributes: { transA, transB } }, [a, b]) => [
  { shape: matMulShape(a!.shape, b!.shape, transA === 1, transB === 1), dtype: a!.dtype },
];

/** Output types by operator. */
const RULES: { readonly [O in Op]: Rule<O> } = {
  Abs: same,
  Add: binary,
  And: binary,
  ArgMax: ({ attributes }, [x]) => {
    const axis = normalized(attributes.axis, x!.shape.length);
    return [{ shape: x!.shape.filter((_, i) => i !== axis), dtype: 'int64' }];
  },
  Cast: ({ attributes }, [x]) => [{ shape: x!.shape, dtype: elementTypeOf(attributes.to) }],
  Concat: ({ attributes }, inputs) => {
    const axis = normalized(attributes.axis, inputs[0]!.shape.length);
    const total = inputs.reduce((n, t) => n + t.shape[axis]!, 0);
    return [{ shape: inputs[0]!.shape.map((d, i) => (i === axis ? total : d)), dtype: inputs[0]!.dtype }];
  },
  Cos: same,
  Div: binary,
  DynamicQuantizeMatMul: (_, [a, b]) => [{ shape: matMulShape(a!.shape, b!.shape, false, false), dtype: 'float32' }],
  Einsum: ({ attributes: { equation } }, inputs) => {
    const [operands, result] = equation.split('->') as [string, string];
    const sizes = new Map<string, number>();
    for (const [i, letters] of operands.split(',').entries()) {
      const { shape } = inputs[i]!;
      if (letters.length !== shape.length) throw new Error(`graph: Einsum ${equation} of a shape [${shape}]`);
      for (const [axis, letter] of [...letters].entries()) {
        const size = sizes.get(letter) ?? shape[axis]!;
        if (size !== shape[axis]) throw new Error(`graph: Einsum ${equation} of sizes that differ in ${letter}`);
        sizes.set(letter, size);
      }
    }
    return [{ shape: [...result].map((letter) => sizes.get(letter)!), dtype: inputs[0]!.dtype }];
  },
  Equal: compare,
  Erf: same,
  Exp: same,
  Expand: (node, [x], constantOf) => [
    { shape: broadcast(x!.shape, constantShape(node, 1, constantOf)), dtype: x!.dtype },
  ],
  Floor: same,
  FusedMatMul: product,
  Gather: ({ attributes }, [x, indices]) => {
    const axis = normalized(attributes.axis, x!.shape.length);
    return [{ shape: [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)], dtype: x!.dtype }];
  },
  GatherElements: (_, [x, indices]) => [{ shape: indices!.shape, dtype: x!.dtype }],
  Gelu: same,
  Gemm: product,
  Greater: compare,
  GreaterOrEqual: compare,
  Identity: same,
  LayerNormalization: (_, [x]) => {
    const rows = { shape: [...x!.shape.slice(0, -1), 1], dtype: x!.dtype };
    return [x!, rows, rows];
  },
  Less: compare,
  LessOrEqual: compare,
  Log: same,
  MatMul: (_, [a, b]) => [{ shape: matMulShape(a!.shape, b!.shape, false, false), dtype: a!.dtype }],
  MatMulIntegerToFloat: (_, [a, b]) => [{ shape: matMulShape(a!.shape, b!.shape, false, false), dtype: 'float32' }],
  MatMulNBits: ({ attributes: { N } }, [x]) => [{ shape: [...x!.shape.slice(0, -1), N], dtype: 'float32' }],
  Max: binary,
  Min: binary,
  Mul: binary,
  Neg: same,
  Not: same,
  Or: binary,
  Pad: (node, [x], constantOf) => {
    const pads = constantShape(node, 1, constantOf);
    const rank = x!.shape.length;
    return [{ shape: x!.shape.map((d, i) => pads[i]! + d + pads[rank + i]!), dtype: x!.dtype }];
  },
  Pow: binary,
  QuantizeLinear: (_, [x]) => [{ shape: x!.shape, dtype: 'uint8' }],
  Reciprocal: same,
  ReduceL2: reduce,
  ReduceMax: reduce,
  ReduceMean: reduce,
  ReduceSum: reduce,
  Relu: same,
  Reshape: (node, [x], constantOf) => [{ shape: constantShape(node, 1, constantOf), dtype: x!.dtype }],
  RotaryEmbedding: same,
  ScatterElements: same,
  SegmentSum: ({ attributes }, [x]) => [{ shape: [attributes.segments, ...x!.shape.slice(1)], dtype: x!.dtype }],
  Shape: (_, [x]) => [{ shape: [x!.shape.length], dtype: 'int64' }],
  Sigmoid: same,
  SimplifiedLayerNormalization: same,
  Sin: same,
  Slice: (node, [x], constantOf) => {
    const starts = constantShape(node, 1, constantOf);
    const ends = constantShape(node, 2, constantOf);
    return [{ shape: starts.map((s, i) => ends[i]! - s), dtype: x!.dtype }];
  },
  Softmax: same,
  Sqrt: same,
  Sub: binary,
  Sum: (_, inputs) => [inputs.reduce((a, b) => ({ shape: broadcast(a.shape, b.shape), dtype: a.dtype }))],
  Tanh: same,
  Tile: (node, [x], constantOf) => {
    const repeats = constantShape(node, 1, constantOf);
    return [{ shape: x!.shape.map((d, i) => d * repeats[i]!), dtype: x!.dtype }];
  },
  Transpose: ({ attributes }, [x]) => [{ shape: attributes.perm.map((p) => x!.shape[p]!), dtype: x!.dtype }],
  Where: (_, [c, a, b]) => [{ shape: broadcast(c!.shape, broadcast(a!.shape, b!.shape)), dtype: a!.dtype }],
};

const elementTypeOf = (number: number): ElementType =>
  (Object.keys(ELEMENT_TYPE_NUMBER) as ElementType[]).find((type) => ELEMENT_TYPE_NUMBER[type] === number)!;

/** The types of a node's outputs, from those of its inputs and its attributes. */
export function inferTypes<O extends Op>(node: Node<O>, typeOf: TypeOf, constantOf: ConstantOf): ValueType[] {
  const rule = RULES[node.op] as Rule<O>;
  return rule(node, node.inputs.filter((name) => name !== '').map(typeOf), constantOf);
}
