import * as tf from '@tensorflow/tfjs-core';
import { matMul } from '../tensor/ops/index.ts';
import type { Adapters, Architecture } from './architecture.ts';
import { decorate, type ParameterInfo } from './scope.ts';

/** Names of a module's two matrices, A `[r, in]` and B `[out, r]`: peft's, without the prefix of its files. */
const loraNames = (module: string) => ({ a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` });

/** alpha / r, as peft scales what an adapter adds. */
const loraScaling = ({ lora_alpha, r }: Adapters): number => lora_alpha / r;

/**
 * An architecture whose linear layers named by `targets` compute `x Wᵀ + b + (alpha / r) dropout(x) Aᵀ Bᵀ` (Hu et al.
 * 2021, LoRA), each with A and B of its own. They begin as peft's: A by PyTorch's kaiming_uniform_ with a = √5, which is
 * uniform within 1/√(its input's width); B zero, so that training begins at the pretrained model's answers.
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
          const narrow = matMul(inner.drop(`${name}.lora_dropout`, x, lora_dropout, true), a, { transposeB: true });
          return tf.add(y, matMul(narrow, b, { transposeB: true, alpha }));
        },
      })),
  };
}

/**
 * Adds the adapters to a copy of the weights that they adapt, `W + (alpha / r) B A`, and leaves the adapters out: the
 * weights of a plain model that answers alike.
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
    if (declared.get(name)?.layout === 'in,out')
      addProduct(sum, transposed(a, r), transposed(b, shape[1]!), r, scaling);
    else addProduct(sum, b, a, r, scaling);
    merged.set(name, { shape, weight: sum });
    for (const adapter of Object.values(names)) merged.delete(adapter);
  }
  return merged;
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
