import * as tf from '@tensorflow/tfjs-core';
import { matMul, productInPieces } from '../tensor/ops/index.ts';
import type { Adapters, Architecture } from './architecture.ts';
import { decorate, type Layout, type LinearOptions, type ParameterInfo, type Scope } from './scope.ts';

/**
 * Names of a module's two matrices, A `[r, in]` and B `[out, r]`, and of DoRA's magnitudes `[out]`: peft's, without the
 * prefix of its files.
 */
const loraNames = (module: string) => ({
  a: `${module}.lora_A.weight`,
  b: `${module}.lora_B.weight`,
  magnitude: `${module}.lora_magnitude_vector`,
});

/** The least that is divided by: outputs whose weights are all zero stay zero. */
const TINY = 1e-12;

/** What an adapter adds is scaled, as peft does, by alpha / r, or by alpha / √r (Kalajdzievski 2023, rank-stabilised). */
const loraScaling = ({ lora_alpha, r, use_rslora }: Adapters): number => lora_alpha / (use_rslora ? Math.sqrt(r) : r);

/**
 * An architecture whose linear layers named by `targets` compute `x Wᵀ + b + s dropout(x) Aᵀ Bᵀ` (Hu et al. 2021, LoRA),
 * each with A and B of its own, s being their scale. They begin as peft's: A by PyTorch's kaiming_uniform_ with a = √5,
 * which is uniform within 1/√(its input's width); B zero, so that training begins at the pretrained model's answers.
 */
export function withLora(architecture: Architecture, adapters: Adapters): Architecture {
  const isTarget = new Set(adapters.targets);
  const { r, lora_dropout } = adapters;
  const alpha = loraScaling(adapters);
  return {
    ...architecture,
    adapters,
    scope: (source) =>
      decorate(architecture.scope(source), (inner) => ({
        linear: (name, x, out, options) => {
          const y = inner.linear(name, x, out, options);
          if (!isTarget.has(inner.nameOf(name))) return y;
          const [, width] = x.shape;
          const names = loraNames(name);
          const a = inner.parameter(names.a, [r, width], { uniform: 1 / Math.sqrt(width) }, { isAdapter: true });
          const b = inner.parameter(names.b, [out, r], 'zeros', { isAdapter: true });
          const dropped = inner.drop(`${name}.lora_dropout`, x, lora_dropout, true);
          const narrow = matMul(dropped, a, { transposeB: true });
          const added = matMul(narrow, b, { transposeB: true, alpha });
          if (!adapters.use_dora) return tf.add(y, added);
          return withMagnitudes({ inner, name, options }, { x, y, dropped, added }, { a, b, alpha });
        },
      })),
  };
}

/**
 * DoRA (Liu et al. 2024): each output's weights `V = W + s B A` keep their direction and get a length m of their own,
 * `x (m V / ‖V‖)ᵀ + b`. As in peft, dropout is before the whole difference to the layer as it was, and the lengths ‖V‖
 * are no part of the gradient (section 4.3). They begin as W's.
 */
function withMagnitudes(
  { inner, name, options }: { inner: Scope; name: string; options: LinearOptions | undefined },
  { x, y, dropped, added }: Record<'x' | 'dropped', tf.Tensor2D> & Record<'y' | 'added', tf.Tensor>,
  { a, b, alpha }: { a: tf.Tensor; b: tf.Tensor; alpha: number },
): tf.Tensor2D {
  const [out] = b.shape as [number];
  const { bias = true, layout = 'out,in' } = options ?? {};
  const isTransposed = layout === 'out,in';
  const shape: [number, number] = isTransposed ? [out, x.shape[1]] : [x.shape[1], out];
  // Both are the layer's own, asked for again.
  const weight = inner.matrix(`${name}.weight`, shape, 'zeros', { layout });
  const shift = bias ? inner.parameter(`${name}.bias`, [out], 'zeros', { decay: false }) : undefined;
  const init = { norms: layout, of: inner.nameOf(`${name}.weight`) };
  const magnitude = inner.parameter(loraNames(name).magnitude, [out], init, { isAdapter: true });
  const lengths = tf.sqrt(squaredLengths(weight, { a, b, alpha }, isTransposed)); // (out)
  const factor = overConstant(magnitude, tf.maximum(lengths, TINY));
  // Without dropout it has been computed.
  const own =
    dropped !== x
      ? productInPieces(dropped, weight, { transposeB: isTransposed })
      : shift === undefined
        ? y
        : tf.sub(y, shift);
  return tf.add(y, tf.sub(tf.mul(factor, tf.add(own, added)), own)) as tf.Tensor2D;
}

/**
 * Squared lengths of the outputs' weights `V`, `[out]`.
 * @param pieces rows of W: of `[out, in]` if it is transposed, else of `[in, out]`
 */
function squaredLengths(
  pieces: readonly tf.Tensor2D[],
  { a, b, alpha }: { a: tf.Tensor; b: tf.Tensor; alpha: number },
  isTransposed: boolean,
): tf.Tensor {
  let from = 0;
  const parts = pieces.map((piece) => {
    const [rows] = piece.shape;
    const of = (x: tf.Tensor, axis: 0 | 1) => {
      if (x.shape[axis] === rows) return x;
      return axis === 0 ? tf.slice(x, [from, 0], [rows, x.shape[1]!]) : tf.slice(x, [0, from], [x.shape[0]!, rows]);
    };
    const difference = isTransposed
      ? matMul(of(b, 0), a, { alpha })
      : matMul(of(a, 1), b, { transposeA: true, transposeB: true, alpha });
    from += rows;
    return tf.sum(tf.square(tf.add(piece, difference)), isTransposed ? 1 : 0);
  });
  if (parts.length === 1) return parts[0]!;
  return isTransposed ? tf.concat(parts) : parts.reduce((sum, part) => tf.add(sum, part));
}

/** `x / constant`, where the gradient stops at what is divided by, however it was made. */
function overConstant(x: tf.Tensor, constant: tf.Tensor): tf.Tensor {
  const divide = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    save([constant]);
    return {
      value: tf.div(args[0] as tf.Tensor, constant),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.div(dy, saved[0]!),
    };
  });
  return divide(x);
}

/**
 * Lengths of the rows (`out,in`) or columns (`in,out`) of a linear layer's weight, one for each of its outputs.
 * @param of a matrix by its shape
 */
export function outputNorms(
  { shape, weight }: { readonly shape: readonly number[]; readonly weight: Float32Array },
  layout: Layout,
): Float64Array {
  const [rows, columns] = shape as [number, number];
  const isTransposed = layout === 'out,in';
  const squares = new Float64Array(isTransposed ? rows : columns);
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at++) squares[isTransposed ? i : j]! += weight[at]! ** 2;
  return squares.map(Math.sqrt);
}

/**
 * Adds the adapters to a copy of the weights that they adapt, `W + s B A`, with DoRA at the lengths that were learnt, and
 * leaves the adapters out: the weights of a plain model that answers alike.
 * @param declared how each weight lies
 */
export function mergeLora(
  adapters: Adapters,
  weights: ReadonlyMap<string, { readonly shape: readonly number[]; readonly weight: Float32Array }>,
  declared: ReadonlyMap<string, Pick<ParameterInfo, 'layout'>>,
): Map<string, { shape: readonly number[]; weight: Float32Array }> {
  const merged = new Map(weights);
  const { r, targets } = adapters;
  const scaling = loraScaling(adapters);
  for (const module of targets) {
    const name = `${module}.weight`;
    const { shape, weight } = weights.get(name)!;
    const names = loraNames(module);
    const [a, b] = [names.a, names.b].map((adapter) => weights.get(adapter)!.weight) as [Float32Array, Float32Array];
    const sum = Float32Array.from(weight);
    const { layout = 'out,in' } = declared.get(name) ?? {};
    if (layout === 'in,out') addProduct(sum, transposed(a, r), transposed(b, shape[1]!), r, scaling);
    else addProduct(sum, b, a, r, scaling);
    if (adapters.use_dora) setNorms({ shape, weight: sum }, layout, weights.get(names.magnitude)!.weight);
    merged.set(name, { shape, weight: sum });
    for (const adapter of Object.values(names)) merged.delete(adapter);
  }
  return merged;
}

/** Stretches each output's weights to the length that is given for it. */
function setNorms(
  matrix: { readonly shape: readonly number[]; readonly weight: Float32Array },
  layout: Layout,
  lengths: Float32Array,
): void {
  const { shape, weight } = matrix;
  const factors = outputNorms(matrix, layout).map((norm, i) => lengths[i]! / Math.max(norm, TINY));
  const columns = shape[1]!;
  for (let at = 0; at < weight.length; at++)
    weight[at]! *= factors[layout === 'out,in' ? Math.floor(at / columns) : at % columns]!;
}

/** `sum += scale · left right` for left `[rows, inner]` and right `[inner, columns]`. */
function addProduct(sum: Float32Array, left: Float32Array, right: Float32Array, inner: number, scale: number): void {
  const columns = right.length / inner;
  const row = new Float64Array(columns);
  for (let i = 0; i * columns < sum.length; i++) {
    row.fill(0);
    for (let k = 0; k < inner; k++) {
      const factor = left[i * inner + k]!;
      for (let j = 0; j < columns; j++) row[j]! += factor * right[k * columns + j]!;
    }
    for (let j = 0; j < columns; j++) sum[i * columns + j]! += scale * row[j]!;
  }
}

/** `[rows, columns]` -> `[columns, rows]` */
function transposed(matrix: Float32Array, rows: number): Float32Array {
  const columns = matrix.length / rows;
  return Float32Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
}
