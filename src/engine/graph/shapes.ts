import type { Attribute, Constant, Node, ValueType } from './ir.ts';

type TypeOf = (name: string) => ValueType;
type ConstantOf = (name: string) => Constant | undefined;
type Rule = (node: Node, inputs: ValueType[], constantOf: ConstantOf) => ValueType[];

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

const int = (node: Node, name: string, fallback: number): number => {
  const value: Attribute | undefined = node.attributes[name];
  return typeof value === 'number' ? value : fallback;
};
const ints = (node: Node, name: string): readonly number[] => node.attributes[name] as readonly number[];

const same: Rule = (_, [x]) => [x!];
const binary: Rule = (_, [a, b]) => [{ shape: broadcast(a!.shape, b!.shape), dtype: a!.dtype }];
const compare: Rule = (_, [a, b]) => [{ shape: broadcast(a!.shape, b!.shape), dtype: 'bool' }];

const reduce: Rule = (node, [x], constantOf) => {
  const axesInput = node.inputs[1];
  const axes = axesInput ? Array.from(constantOf(axesInput)?.data ?? [], Number) : x!.shape.map((_, i) => i);
  const at = new Set(axes.map((a) => (a < 0 ? a + x!.shape.length : a)));
  const keep = int(node, 'keepdims', 1) === 1;
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

/** Output types by operator; an operator that is not here may not appear in a graph. */
const RULES: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'And', 'Or'].map((op) => [op, binary])),
  ...Object.fromEntries(['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'].map((op) => [op, compare])),
  ...Object.fromEntries(
    ['Neg', 'Sqrt', 'Exp', 'Log', 'Erf', 'Tanh', 'Sigmoid', 'Reciprocal', 'Abs', 'Relu', 'Sin', 'Cos', 'Not', 'Sign']
      .concat(['Floor', 'Identity', 'Softmax', 'LogSoftmax', 'Gelu', 'QuickGelu'])
      .map((op) => [op, same]),
  ),
  ...Object.fromEntries(['ReduceSum', 'ReduceMax', 'ReduceMean'].map((op) => [op, reduce])),
  Sum: (_, inputs) => [inputs.reduce((a, b) => ({ shape: broadcast(a.shape, b.shape), dtype: a.dtype }))],
  MatMul: (_, [a, b]) => [{ shape: matMulShape(a!.shape, b!.shape, false, false), dtype: a!.dtype }],
  FusedMatMul: (node, [a, b]) => [
    {
      shape: matMulShape(a!.shape, b!.shape, int(node, 'transA', 0) === 1, int(node, 'transB', 0) === 1),
      dtype: a!.dtype,
    },
  ],
  Gemm: (node, [a, b]) => [
    {
      shape: matMulShape(a!.shape, b!.shape, int(node, 'transA', 0) === 1, int(node, 'transB', 0) === 1),
      dtype: a!.dtype,
    },
  ],
  LayerNormalization: (_, [x]) => {
    const rows = { shape: [...x!.shape.slice(0, -1), 1], dtype: x!.dtype };
    return [x!, rows, rows];
  },
  BiasGelu: same,
  Cast: (node, [x]) => [{ shape: x!.shape, dtype: CAST_TYPES[int(node, 'to', 1)]! }],
  Where: (_, [c, a, b]) => [{ shape: broadcast(c!.shape, broadcast(a!.shape, b!.shape)), dtype: a!.dtype }],
  Reshape: (node, [x], constantOf) => [{ shape: constantShape(node, 1, constantOf), dtype: x!.dtype }],
  Expand: (node, [x], constantOf) => [
    { shape: broadcast(x!.shape, constantShape(node, 1, constantOf)), dtype: x!.dtype },
  ],
  Tile: (node, [x], constantOf) => {
    const repeats = constantShape(node, 1, constantOf);
    return [{ shape: x!.shape.map((d, i) => d * repeats[i]!), dtype: x!.dtype }];
  },
  Transpose: (node, [x]) => [{ shape: ints(node, 'perm').map((p) => x!.shape[p]!), dtype: x!.dtype }],
  Gather: (node, [x, indices]) => {
    const axis = normalized(int(node, 'axis', 0), x!.shape.length);
    return [{ shape: [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)], dtype: x!.dtype }];
  },
  Slice: (node, [x], constantOf) => {
    const starts = constantShape(node, 1, constantOf);
    const ends = constantShape(node, 2, constantOf);
    return [{ shape: starts.map((s, i) => ends[i]! - s), dtype: x!.dtype }];
  },
  Pad: (node, [x], constantOf) => {
    const pads = constantShape(node, 1, constantOf);
    const rank = x!.shape.length;
    return [{ shape: x!.shape.map((d, i) => pads[i]! + d + pads[rank + i]!), dtype: x!.dtype }];
  },
  Concat: (node, inputs) => {
    const axis = normalized(int(node, 'axis', 0), inputs[0]!.shape.length);
    const total = inputs.reduce((n, t) => n + t.shape[axis]!, 0);
    return [{ shape: inputs[0]!.shape.map((d, i) => (i === axis ? total : d)), dtype: inputs[0]!.dtype }];
  },
  ScatterElements: same,
  ArgMax: (node, [x]) => {
    const axis = normalized(int(node, 'axis', 0), x!.shape.length);
    return [{ shape: x!.shape.filter((_, i) => i !== axis), dtype: 'int64' }];
  },
  DynamicQuantizeMatMul: (_, [a, b]) => [{ shape: matMulShape(a!.shape, b!.shape, false, false), dtype: 'float32' }],
  SegmentSum: (node, [x]) => [{ shape: [int(node, 'segments', 0), ...x!.shape.slice(1)], dtype: x!.dtype }],
};

/** TensorProto's element type numbers. */
export const CAST_TYPES: Readonly<Record<number, ValueType['dtype']>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  6: 'int32',
  7: 'int64',
  9: 'bool',
};

export function inferTypes(node: Node, typeOf: TypeOf, constantOf: ConstantOf): ValueType[] {
  const rule = RULES[node.op];
  if (!rule) throw new Error(`graph: operator ${node.op} is not known`);
  return rule(node, node.inputs.filter((name) => name !== '').map(typeOf), constantOf);
}
