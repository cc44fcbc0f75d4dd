import type { HeldBits } from '../executors/executor.ts';

/** A number is an int to ONNX unless it is wrapped as `{ float }`. */
export type Attribute = number | string | readonly number[] | FloatAttribute;
export interface FloatAttribute {
  readonly float: number;
}

export const isFloatAttribute = (a: Attribute): a is FloatAttribute => typeof a === 'object' && !Array.isArray(a);

type None = Readonly<Record<never, never>>;
type Flag = 0 | 1;
type Reduction = { readonly keepdims: Flag };

/** TensorProto.DataType: the numbers by which ONNX calls element types. */
export const ELEMENT_TYPE_NUMBER = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const;
export type ElementType = keyof typeof ELEMENT_TYPE_NUMBER;

/** ONNX's own operators (opset 18) that a graph may hold, with their attributes. */
interface OnnxOperators {
  Abs: None;
  Add: None;
  And: None;
  ArgMax: { readonly axis: number; readonly keepdims: Flag };
  Cast: { readonly to: (typeof ELEMENT_TYPE_NUMBER)[ElementType] };
  Concat: { readonly axis: number };
  Cos: None;
  Div: None;
  /** Recorded are products of equal shapes and scalars (tensor/ops/flat.ts) and dot products (head-dots.ts). */
  Einsum: { readonly equation: string };
  Equal: None;
  Erf: None;
  Exp: None;
  Expand: None;
  Floor: None;
  Gather: { readonly axis: number };
  GatherElements: { readonly axis: number };
  Gemm: {
    readonly transA?: Flag;
    readonly transB?: Flag;
    readonly alpha?: FloatAttribute;
    readonly beta?: FloatAttribute;
  };
  Greater: None;
  GreaterOrEqual: None;
  Identity: None;
  LayerNormalization: { readonly axis: number; readonly epsilon: FloatAttribute };
  Less: None;
  LessOrEqual: None;
  Log: None;
  MatMul: None;
  Max: None;
  Min: None;
  Mul: None;
  Neg: None;
  Not: None;
  Or: None;
  Pad: None;
  Pow: None;
  /** To uint8, by a scale and a zero point. */
  QuantizeLinear: None;
  Reciprocal: None;
  ReduceL2: Reduction;
  ReduceMax: Reduction;
  ReduceMean: Reduction;
  ReduceSum: Reduction;
  Relu: None;
  Reshape: None;
  /** Indices must differ: of equal ones, which is last is not said. */
  ScatterElements: { readonly axis: number };
  Shape: None;
  Sigmoid: None;
  /** Norm by the root mean square: onnxruntime's, though in ONNX's own domain. */
  SimplifiedLayerNormalization: { readonly axis: number; readonly epsilon: FloatAttribute; readonly stash_type: 1 };
  Sin: None;
  Slice: None;
  Softmax: { readonly axis: number };
  Sqrt: None;
  Sub: None;
  Sum: None;
  Tanh: None;
  Tile: None;
  Transpose: { readonly perm: readonly number[] };
  Where: None;
}

/** onnxruntime's contributed operators, whose domain is `com.microsoft`. */
interface ContributedOperators {
  DynamicQuantizeMatMul: None;
  FusedMatMul: { readonly transA?: Flag; readonly transB?: Flag; readonly alpha?: FloatAttribute };
  Gelu: None;
  /** Of uint8 and int8, with their scales, the left one's zero point, none of the right one's, and a bias. */
  MatMulIntegerToFloat: None;
  MatMulNBits: {
    readonly K: number;
    readonly N: number;
    readonly bits: HeldBits;
    readonly block_size: number;
    /** What the left side is computed in: 4 is 8 bits, 0 its own type. */
    readonly accuracy_level: 0 | 4;
  };
  /** Of `[rows, heads, T, D]`, by the number of the first token and tables `[positions, D / 2]` of cosines and sines. */
  RotaryEmbedding: None;
}

/** Ours, which a pass must have removed before ONNX is written. */
interface OwnOperators {
  /** `output[ids[i]] += x[i]` over a table of zeros with `segments` rows. */
  SegmentSum: { readonly segments: number };
}

/**
 * Every operator that a graph may hold. Tables by operator are typed by this, so that one added here without its rule
 * (tensor/graph/shapes.ts), or emitted with another's attributes, does not compile.
 */
export interface Operators extends OnnxOperators, ContributedOperators, OwnOperators {}
export type Op = keyof Operators;

const CONTRIBUTED: Readonly<Record<keyof ContributedOperators, true>> = {
  DynamicQuantizeMatMul: true,
  FusedMatMul: true,
  Gelu: true,
  MatMulIntegerToFloat: true,
  MatMulNBits: true,
  RotaryEmbedding: true,
};

export const isContributed = (op: Op): op is keyof ContributedOperators => op in CONTRIBUTED;

/** What a call gives beside inputs: attributes, which may be left out where none is required. */
export type AttributesOf<O extends Op> = None extends Operators[O] ? [attributes?: Operators[O]] : [Operators[O]];
