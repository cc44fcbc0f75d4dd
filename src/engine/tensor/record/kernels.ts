import {
  type ArgMaxAttrs,
  type BatchMatMulAttrs,
  type ConcatAttrs,
  type ExpandDimsAttrs,
  type SliceAttrs,
  type SoftmaxAttrs,
  type SplitVAttrs,
  slice_util,
  type TensorInfo,
  type TileAttrs,
  type TransposeAttrs,
  type UnsortedSegmentSumAttrs,
} from '@tensorflow/tfjs-core';
import { ELEMENT_TYPE_NUMBER, type Op, type Operators } from '../graph/operators.ts';
import { FUSED_RULES } from './fused.ts';
import type { Recording } from './recording.ts';
import type { Kernel, Rule, Rules } from './rule.ts';

type Unary = Kernel<'x'>;
type Binary = Kernel<'a' | 'b'>;
/** Any number of tensors, which tfjs numbers "0", "1", … */
type Listed<Attributes extends object = object> = Kernel<string, Attributes>;
/** No axis stands for all of them. */
type Reduction = Kernel<'x', { axis?: number | readonly number[] | null; keepDims?: boolean }>;
type DType = 'float32' | 'int32' | 'bool';

/** tfjs-core's kernels that a program may use, with their tensors and attributes. */
interface CoreKernels {
  Abs: Unary;
  Add: Binary;
  AddN: Listed;
  ArgMax: Kernel<'x', ArgMaxAttrs>;
  BatchMatMul: Kernel<'a' | 'b', BatchMatMulAttrs>;
  Cast: Kernel<'x', { dtype: DType }>;
  Concat: Listed<ConcatAttrs>;
  Cos: Unary;
  Equal: Binary;
  Erf: Unary;
  Exp: Unary;
  ExpandDims: Kernel<'input', ExpandDimsAttrs>;
  Fill: Kernel<never, { shape: readonly number[]; value: number; dtype: DType }>;
  Floor: Unary;
  GatherV2: Kernel<'x' | 'indices', { axis: number }>;
  Greater: Binary;
  GreaterEqual: Binary;
  Identity: Unary;
  Less: Binary;
  LessEqual: Binary;
  Log: Unary;
  LogicalAnd: Binary;
  LogicalNot: Unary;
  LogicalOr: Binary;
  Max: Kernel<'x', { reductionIndices?: number | readonly number[] | null; keepDims?: boolean }>;
  Maximum: Binary;
  Mean: Reduction;
  Minimum: Binary;
  Multiply: Binary;
  Neg: Unary;
  OnesLike: Unary;
  PadV2: Kernel<'x', { paddings: readonly (readonly [before: number, after: number])[]; constantValue: number }>;
  Pow: Binary;
  RealDiv: Binary;
  Reciprocal: Unary;
  Relu: Unary;
  Reshape: Kernel<'x', { shape: readonly number[] }>;
  Rsqrt: Unary;
  Select: Kernel<'condition' | 't' | 'e'>;
  Sigmoid: Unary;
  Sin: Unary;
  Slice: Kernel<'x', SliceAttrs>;
  Softmax: Kernel<'logits', SoftmaxAttrs>;
  SplitV: Kernel<'x', SplitVAttrs>;
  Sqrt: Unary;
  Square: Unary;
  SquaredDifference: Binary;
  Step: Kernel<'x', { alpha?: number }>;
  Sub: Binary;
  Sum: Reduction;
  Tanh: Unary;
  Tile: Kernel<'x', TileAttrs>;
  Transpose: Kernel<'x', TransposeAttrs>;
  UnsortedSegmentSum: Kernel<'x' | 'segmentIds', UnsortedSegmentSumAttrs>;
  ZerosLike: Unary;
}

/** Operators without attributes that are what a kernel of one or two tensors is. */
type PlainOp = { [O in Op]: Record<never, never> extends Operators[O] ? O : never }[Op];

const unary =
  (op: PlainOp): Rule<Unary> =>
  (r, { x }) =>
    r.emit<PlainOp>(op, [x]);
const binary =
  (op: PlainOp): Rule<Binary> =>
  (r, { a, b }) =>
    r.emit<PlainOp>(op, [a, b]);
const shapeOf = (r: Recording, name: string) => r.typeOf(name).shape;
const rankOf = (r: Recording, name: string) => shapeOf(r, name).length;

const axesOf = (given: number | readonly number[] | null | undefined, rank: number): number[] => {
  const axes = given === undefined || given === null ? Array.from({ length: rank }, (_, i) => i) : [given].flat();
  return axes.map((a) => (a < 0 ? a + rank : a));
};

const reduction =
  (op: 'ReduceMean' | 'ReduceSum'): Rule<Reduction> =>
  (r, { x }, { axis, keepDims }) =>
    r.emit(op, [x, r.ints(axesOf(axis, rankOf(r, x)))], { keepdims: keepDims ? 1 : 0 });

const filled =
  (value: number): Rule<Unary> =>
  (r, { x }) => {
    const { shape, dtype } = r.typeOf(x);
    return fill(r, shape, value, dtype === 'int32' ? 'int32' : 'float32');
  };

const fill = (r: Recording, shape: readonly number[], value: number, dtype: 'float32' | 'int32') =>
  shape.length === 0 ? r.scalar(value, dtype) : r.emit('Expand', [r.scalar(value, dtype), r.ints(shape)]);

const reshape = (r: Recording, x: string, shape: readonly number[]) => {
  const size = shapeOf(r, x).reduce((a, b) => a * b, 1);
  const known = shape.reduce((a, b) => (b < 0 ? a : a * b), 1);
  const full = shape.map((d) => (d < 0 ? size / known : d));
  if (full.reduce((a, b) => a * b, 1) !== size) {
    throw new Error(`[${shapeOf(r, x)}] has ${size} values and cannot be reshaped to [${shape}]`);
  }
  return r.emit('Reshape', [x, r.ints(full)]);
};

const slice = (r: Recording, x: string, begin: readonly number[], size: readonly number[]) => {
  const ends = begin.map((b, i) => b + size[i]!);
  return r.emit('Slice', [x, r.ints(begin), r.ints(ends), r.ints(begin.map((_, i) => i))]);
};

const listed = (inputs: Listed['inputs']): string[] => Object.values(inputs);

const CORE_RULES: Rules<CoreKernels> = {
  Abs: unary('Abs'),
  Add: binary('Add'),
  AddN: (r, inputs) => r.emit('Sum', listed(inputs)),
  ArgMax: (r, { x }, { axis }) =>
    r.emit('Cast', [r.emit('ArgMax', [x], { axis, keepdims: 0 })], { to: ELEMENT_TYPE_NUMBER.int32 }),
  BatchMatMul: (r, { a, b }, { transposeA, transposeB }) =>
    transposeA || transposeB
      ? r.emit('FusedMatMul', [a, b], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 })
      : r.emit('MatMul', [a, b]),
  Cast: (r, { x }, { dtype }) => r.emit('Cast', [x], { to: ELEMENT_TYPE_NUMBER[dtype] }),
  Concat: (r, inputs, { axis }) => r.emit('Concat', listed(inputs), { axis }),
  Cos: unary('Cos'),
  Equal: binary('Equal'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  ExpandDims: (r, { input }, { dim }) => {
    const shape = [...shapeOf(r, input)];
    const at = dim < 0 ? shape.length + 1 + dim : dim;
    shape.splice(at, 0, 1);
    return reshape(r, input, shape);
  },
  Fill: (r, _, { shape, value, dtype }) => fill(r, shape, value, dtype === 'int32' ? 'int32' : 'float32'),
  Floor: unary('Floor'),
  GatherV2: (r, { x, indices }, { axis }) => r.emit('Gather', [x, indices], { axis }),
  Greater: binary('Greater'),
  GreaterEqual: binary('GreaterOrEqual'),
  Identity: (_, { x }) => x,
  Less: binary('Less'),
  LessEqual: binary('LessOrEqual'),
  Log: unary('Log'),
  LogicalAnd: binary('And'),
  LogicalNot: unary('Not'),
  LogicalOr: binary('Or'),
  Max: (r, { x }, { reductionIndices, keepDims }) =>
    r.emit('ReduceMax', [x, r.ints(axesOf(reductionIndices, rankOf(r, x)))], { keepdims: keepDims ? 1 : 0 }),
  Maximum: binary('Max'),
  Mean: reduction('ReduceMean'),
  Minimum: binary('Min'),
  Multiply: binary('Mul'),
  Neg: unary('Neg'),
  OnesLike: filled(1),
  PadV2: (r, { x }, { paddings, constantValue }) => {
    const pads = r.ints([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
    return r.emit('Pad', [x, pads, r.scalar(constantValue)]);
  },
  Pow: binary('Pow'),
  RealDiv: binary('Div'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Reshape: (r, { x }, { shape }) => reshape(r, x, shape),
  Rsqrt: (r, { x }) => r.emit('Reciprocal', [r.emit('Sqrt', [x])]),
  Select: (r, { condition, t, e }) => r.emit('Where', [condition, t, e]),
  Sigmoid: unary('Sigmoid'),
  Sin: unary('Sin'),
  Slice: (r, { x }, { begin, size }) => {
    // A number stands for the first axis, a short list for the first axes.
    const whole: TensorInfo = { dataId: {}, shape: [...shapeOf(r, x)], dtype: 'float32' };
    const [from, sizes] = slice_util.parseSliceParams(whole, begin, size);
    return slice(r, x, from!, sizes!);
  },
  Softmax: (r, { logits }, { dim }) => r.emit('Softmax', [logits], { axis: dim }),
  SplitV: (r, { x }, { numOrSizeSplits, axis }) => {
    const shape = shapeOf(r, x);
    const at = axesOf(axis, shape.length)[0]!;
    const sizes = Array.isArray(numOrSizeSplits)
      ? numOrSizeSplits
      : Array.from({ length: numOrSizeSplits }, () => shape[at]! / numOrSizeSplits);
    let begin = 0;
    return sizes.map((size) => {
      const starts = shape.map((_, i) => (i === at ? begin : 0));
      begin += size;
      return slice(
        r,
        x,
        starts,
        shape.map((d, i) => (i === at ? size : d)),
      );
    });
  },
  Sqrt: unary('Sqrt'),
  Square: (r, { x }) => r.emit('Mul', [x, x]),
  SquaredDifference: (r, { a, b }) => {
    const difference = r.emit('Sub', [a, b]);
    return r.emit('Mul', [difference, difference]);
  },
  // 1 above zero, alpha below it, as the derivative of a leaky ReLU; alpha is 0 in every gradient used here.
  Step: (r, { x }, { alpha }) =>
    r.emit('Where', [r.emit('Greater', [x, r.scalar(0)]), r.scalar(1), r.scalar(alpha ?? 0)]),
  Sub: binary('Sub'),
  Sum: reduction('ReduceSum'),
  Tanh: unary('Tanh'),
  Tile: (r, { x }, { reps }) => r.emit('Tile', [x, r.ints(reps)]),
  Transpose: (r, { x }, { perm }) => r.emit('Transpose', [x], { perm: [...perm] }),
  UnsortedSegmentSum: (r, { x, segmentIds }, { numSegments }) =>
    r.emit('SegmentSum', [x, segmentIds], { segments: numSegments }),
  ZerosLike: filled(0),
};

export const KERNEL_RULES = { ...CORE_RULES, ...FUSED_RULES };
