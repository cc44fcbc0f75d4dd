import type { Pooling } from '../../protocol/index.ts';
import { type Architecture, declarationOf } from './architecture.ts';

/**
 * How much the mean of all tokens outweighs the first token, whose state the layer's residual connection adds:
 * x̄ + x₀ / 2¹⁰. A power of two, so that the product is exact; with more, a model in 16-bit floats would overflow.
 */
export const MEAN_SCALE = 2 ** 10;

/** What stands between the encoder and the answers scales states by this: tanh is nearly a straight line there. */
export const DENSE_SCALE = 2 ** -3;

/** A tensor that is made rather than read. */
export interface MadeTensor {
  readonly shape: readonly number[];
  fill(target: Float32Array): void;
}

/**
 * The weights by which a classifier reads its texts otherwise than by its first token through a trained pooler, as an
 * ordinary model of the family has them. For `mean` the architecture's last layer is one that pools: queries and keys
 * are zero, so that attention is uniform over a text's tokens; values pass the states on, the output 2¹⁰ of them; the
 * feed-forward layer adds nothing; and the norms give the mean unit variance. What stands before the answers becomes a
 * multiple of the identity, whose tanh is nearly that, or whose bias keeps a ReLU from cutting anything off.
 * @param architecture with that layer
 * @param norm weight and bias `[H]` of the norm behind the layer that is read; without them 1 and 0
 */
export function poolingTensors(
  architecture: Architecture,
  pooling: Exclude<Pooling, 'pooler'>,
  norm?: { weight: Float32Array; bias: Float32Array },
): Map<string, MadeTensor> {
  const { hiddenSize: H, numLayers } = architecture;
  const { layer, value, output, dense, activation } = architecture.pooling!;
  const identity = (by: number) => (target: Float32Array) => {
    target.fill(0);
    for (let i = 0; i < H; i++) target[i * H + i] = by;
  };
  const own = layer(numLayers - 1);
  const fills: Record<string, MadeTensor['fill']> = {
    [`${own}.${value}.weight`]: identity(1),
    [`${own}.${output}.weight`]: identity(MEAN_SCALE),
    [`${dense}.weight`]: identity(DENSE_SCALE),
    [`${dense}.bias`]: (target) => {
      // A state is never further from a norm's bias than √H times its weight.
      const reach = (i: number) => Math.sqrt(H) * Math.abs(norm?.weight[i] ?? 1) + Math.abs(norm?.bias[i] ?? 0);
      for (let i = 0; i < H; i++) target[i] = activation === 'relu' ? DENSE_SCALE * reach(i) : 0;
    },
  };
  const made = new Map<string, MadeTensor>();
  for (const { name, shape, init } of declarationOf(architecture).parameters.values()) {
    const isMade = name.startsWith(`${dense}.`) || (pooling === 'mean' && name.startsWith(`${own}.`));
    const plain = (target: Float32Array) => void target.fill(init === 'ones' ? 1 : 0);
    if (isMade) made.set(name, { shape, fill: fills[name] ?? plain });
  }
  return made;
}

/** Whether a parameter belongs to what stands between the encoder and the answers. */
export const isDense = ({ pooling }: Architecture, name: string): boolean =>
  pooling !== undefined && name.startsWith(`${pooling.dense}.`);
