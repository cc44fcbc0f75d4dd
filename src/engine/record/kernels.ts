import { slice_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { ELEMENT_TYPE_NUMBER } from '../graph/onnx.ts';
import { FUSED_RULES } from './fused.ts';
import type { Recording } from './recorder.ts';

/** tfjs-core's kernels that a program may use. A name added here without a rule below does not compile. */
type CoreKernel =
  | 'Abs'
  | 'Add'
  | 'AddN'
  | 'ArgMax'
  | 'BatchMatMul'
  | 'Cast'
  | 'Concat'
  | 'Cos'
  | 'Equal'
  | 'Erf'
  | 'Exp'
  | 'ExpandDims'
  | 'Fill'
  | 'Floor'
  | 'GatherV2'
  | 'Greater'
  | 'GreaterEqual'
  | 'Identity'
  | 'Less'
  | 'LessEqual'
  | 'Log'
  | 'LogicalAnd'
  | 'LogicalNot'
  | 'LogicalOr'
  | 'Max'
  | 'Maximum'
  | 'Mean'
  | 'Minimum'
  | 'Multiply'
  | 'Neg'
  | 'OnesLike'
  | 'PadV2'
  | 'Pow'
  | 'RealDiv'
  | 'Reciprocal'
  | 'Relu'
  | 'Reshape'
  | 'Rsqrt'
  | 'Select'
  | 'Sigmoid'
  | 'Sin'
  | 'Slice'
  | 'Softmax'
  | 'SplitV'
  | 'Sqrt'
  | 'Square'
  | 'SquaredDifference'
  | 'Step'
  | 'Sub'
  | 'Sum'
  | 'Tanh'
  | 'Tile'
  | 'Transpose'
  | 'UnsortedSegmentSum'
  | 'ZerosLike';

type Inputs = Readonly<Record<string, string>>;
type Attrs = Record<string, unknown>;
/** Adds a kernel's nodes to the recording and returns the value (or values) that it makes. */
export type KernelRule = (r: Recording, inputs: Inputs, attrs: Attrs) => string | string[];

const unary =
  (op: string): KernelRule =>
  (r, { x }) =>
    r.emit(op, [x!]);
const binary =
  (op: string): KernelRule =>
  (r, { a, b }) =>
    r.emit(op, [a!, b!]);
const shapeOf = (r: Recording, name: string) => r.typeOf(name).shape;
const rankOf = (r: Recording, name: string) => shapeOf(r, name).length;

const axesOf = (attr: unknown, rank: number): number[] => {
  const axes = attr === undefined || attr === null ? Array.from({ length: rank }, (_, i) => i) : [attr].flat();
  return (axes as number[]).map((a) => (a < 0 ? a + rank : a));
};

const reduction =
  (op: string, attribute: string): KernelRule =>
  (r, { x }, attrs) => {
    const axes = axesOf(attrs[attribute], rankOf(r, x!));
    return r.emit(op, [x!, r.ints(axes)], { keepdims: attrs.keepDims ? 1 : 0 });
  };

const filled =
  (value: number): KernelRule =>
  (r, { x }) => {
    const { shape, dtype } = r.typeOf(x!);
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

/** The `list` of kernels that take any number of tensors, which tfjs numbers "0", "1", … */
const listed = (inputs: Inputs): string[] => Object.keys(inputs).map((key) => inputs[key]!);

const CORE_RULES: Readonly<Record<CoreKernel, KernelRule>> = {
  Abs: unary('Abs'),
  Add: binary('Add'),
  AddN: (r, inputs) => r.emit('Sum', listed(inputs)),
  ArgMax: (r, { x }, { axis }) =>
    r.emit('Cast', [r.emit('ArgMax', [x!], { axis: axis as number, keepdims: 0 })], { to: 6 }),
  BatchMatMul: (r, { a, b }, { transposeA, transposeB }) =>
    transposeA || transposeB
      ? r.emit('FusedMatMul', [a!, b!], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }, 'com.microsoft')
      : r.emit('MatMul', [a!, b!]),
  Cast: (r, { x }, { dtype }) => r.emit('Cast', [x!], { to: ELEMENT_TYPE_NUMBER[dtype as 'float32'] }),
  Concat: (r, inputs, { axis }) => r.emit('Concat', listed(inputs), { axis: axis as number }),
  Cos: unary('Cos'),
  Equal: binary('Equal'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  ExpandDims: (r, { input }, { dim }) => {
    const shape = [...shapeOf(r, input!)];
    const at = (dim as number) < 0 ? shape.length + 1 + (dim as number) : (dim as number);
    shape.splice(at, 0, 1);
    return reshape(r, input!, shape);
  },
  Fill: (r, _, { shape, value, dtype }) =>
    fill(r, shape as number[], value as number, dtype === 'int32' ? 'int32' : 'float32'),
  Floor: unary('Floor'),
  GatherV2: (r, { x, indices }, { axis }) => r.emit('Gather', [x!, indices!], { axis: axis as number }),
  Greater: binary('Greater'),
  GreaterEqual: binary('GreaterOrEqual'),
  Identity: (_, { x }) => x!,
  Less: binary('Less'),
  LessEqual: binary('LessOrEqual'),
  Log: unary('Log'),
  LogicalAnd: binary('And'),
  LogicalNot: unary('Not'),
  LogicalOr: binary('Or'),
  Max: (r, { x }, attrs) =>
    r.emit('ReduceMax', [x!, r.ints(axesOf(attrs.reductionIndices, rankOf(r, x!)))], {
      keepdims: attrs.keepDims ? 1 : 0,
    }),
  Maximum: binary('Max'),
  Mean: reduction('ReduceMean', 'axis'),
  Minimum: binary('Min'),
  Multiply: binary('Mul'),
  Neg: unary('Neg'),
  OnesLike: filled(1),
  PadV2: (r, { x }, { paddings, constantValue }) => {
    const pairs = paddings as [number, number][];
    const pads = r.ints([...pairs.map(([before]) => before), ...pairs.map(([, after]) => after)]);
    return r.emit('Pad', [x!, pads, r.scalar(constantValue as number)]);
  },
  Pow: binary('Pow'),
  RealDiv: binary('Div'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Reshape: (r, { x }, { shape }) => reshape(r, x!, shape as number[]),
  Rsqrt: (r, { x }) => r.emit('Reciprocal', [r.emit('Sqrt', [x!])]),
  Select: (r, { condition, t, e }) => r.emit('Where', [condition!, t!, e!]),
  Sigmoid: unary('Sigmoid'),
  Sin: unary('Sin'),
  Slice: (r, { x }, { begin, size }) => {
    // A number stands for the first axis, a short list for the first axes.
    const whole: TensorInfo = { dataId: {}, shape: [...shapeOf(r, x!)], dtype: 'float32' };
    const [from, sizes] = slice_util.parseSliceParams(whole, begin as number | number[], size as number | number[]);
    return slice(r, x!, from!, sizes!);
  },
  Softmax: (r, { logits }, { dim }) => r.emit('Softmax', [logits!], { axis: dim as number }),
  SplitV: (r, { x }, { numOrSizeSplits, axis }) => {
    const shape = shapeOf(r, x!);
    const at = axesOf(axis, shape.length)[0]!;
    const sizes = Array.isArray(numOrSizeSplits)
      ? (numOrSizeSplits as number[])
      : Array.from({ length: numOrSizeSplits as number }, () => shape[at]! / (numOrSizeSplits as number));
    let begin = 0;
    return sizes.map((size) => {
      const starts = shape.map((_, i) => (i === at ? begin : 0));
      begin += size;
      return slice(
        r,
        x!,
        starts,
        shape.map((d, i) => (i === at ? size : d)),
      );
    });
  },
  Sqrt: unary('Sqrt'),
  Square: (r, { x }) => r.emit('Mul', [x!, x!]),
  SquaredDifference: (r, { a, b }) => {
    const difference = r.emit('Sub', [a!, b!]);
    return r.emit('Mul', [difference, difference]);
  },
  // 1 above zero, alpha below it, as the derivative of a leaky ReLU; alpha is 0 in every gradient used here.
  Step: (r, { x }, { alpha }) =>
    r.emit('Where', [r.emit('Greater', [x!, r.scalar(0)]), r.scalar(1), r.scalar((alpha as number | undefined) ?? 0)]),
  Sub: binary('Sub'),
  Sum: reduction('ReduceSum', 'axis'),
  Tanh: unary('Tanh'),
  Tile: (r, { x }, { reps }) => r.emit('Tile', [x!, r.ints(reps as number[])]),
  Transpose: (r, { x }, { perm }) => r.emit('Transpose', [x!], { perm: [...(perm as number[])] }),
  UnsortedSegmentSum: (r, { x, segmentIds }, { numSegments }) =>
    r.emit('SegmentSum', [x!, segmentIds!], { segments: numSegments as number }, 'luthier'),
  ZerosLike: filled(0),
};

export const KERNEL_RULES: Readonly<Record<string, KernelRule>> = { ...CORE_RULES, ...FUSED_RULES };
