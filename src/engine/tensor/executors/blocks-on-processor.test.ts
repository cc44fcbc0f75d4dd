import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Random } from '../../data/random.ts';
import { linear, valueAndGrads } from '../ops/index.ts';
import { meantBy, quantizeBothWays } from './blocks.ts';
import type { TensorSpec } from './executor.ts';
import { createOnnxRuntimeExecutor } from './onnxruntime.ts';

const random = new Random(7);
const normal = (size: number) => Float32Array.from({ length: size }, () => random.float() + random.float() - 1);
const f32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('held weights on a processor', () => {
  const [m, r, c] = [3, 96, 64];
  const [x, dy, w, b] = [normal(m * c), normal(m * r), normal(r * c), normal(r)];

  /** A layer's output, and the gradient of what went in. */
  async function computed(weight: TensorSpec, given: Float32Array): Promise<Record<'y' | 'dx', Float32Array>> {
    const executor = await createOnnxRuntimeExecutor();
    const compiled = await executor.compile(
      ({ x, dy, w, b }) => {
        const { grads } = valueAndGrads((p) => tf.sum(tf.mul(linear(p.x as tf.Tensor2D, w!, b!), dy!)) as tf.Scalar, {
          x: x!,
        });
        return { y: linear(x as tf.Tensor2D, w!, b!), dx: grads.x! };
      },
      { x: f32(m, c), dy: f32(m, r), w: weight, b: f32(r) },
    );
    const found = { y: new Float32Array(m * r), dx: new Float32Array(m * c) };
    await compiled.run({ x, dy, w: given, b }, found);
    compiled.dispose();
    executor.dispose();
    return found;
  }

  it.each([8, 4] as const)('are computed with in blocks where a study asks for it: %i bits', async (held) => {
    vi.stubEnv('LUTHIER_TEST_BLOCKS', '1');
    const found = await computed({ ...f32(r, c), held }, w);
    vi.unstubAllEnvs();
    const both = quantizeBothWays(w, [r, c], held, 'rows');
    const { y } = await computed(f32(r, c), meantBy(both.rows, { n: r, k: c, transposed: true }));
    const { dx } = await computed(f32(r, c), meantBy(both.columns, { n: c, k: r, transposed: false }));
    found.y.forEach((value, i) => {
      expect(value).toBeCloseTo(y[i]!, 4);
    });
    found.dx.forEach((value, i) => {
      expect(value).toBeCloseTo(dx[i]!, 4);
    });
  });

  it('are floats otherwise, where they are to be in 4 bits', async () => {
    expect(await computed({ ...f32(r, c), held: 4 }, w)).toEqual(await computed(f32(r, c), w));
  });
});
