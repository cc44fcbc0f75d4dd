import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../data/random.ts';
import { loadOnnxRuntime } from '../../executors/onnxruntime-library.ts';
import { rmsNorm, rotary } from '../../ops/index.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import { elementCount, type Graph, typeOf } from '../ir.ts';
import { writeOnnx } from '../onnx.ts';
import { asSingleNodes } from './single-nodes.ts';

const [HEADS, WIDTH] = [3, 8];
const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

/** So many tokens of so many texts: normalised, divided into heads and turned, all of them by the same tables. */
const attended = (rows: number, tokens: number): Graph =>
  record(
    ({ x, gamma, cos, sin }) => {
      const normed = rmsNorm(x!, gamma!, 1e-5);
      const heads = tf.transpose(tf.reshape(normed, [rows, tokens, HEADS, WIDTH]), [0, 2, 1, 3]);
      const [c, s] = [cos!, sin!].map((table) => tf.reshape(table, [rows, 1, tokens, WIDTH / 2]));
      return { normed, y: rotary(heads, c!, s!) };
    },
    {
      ...{ x: f32(rows * tokens, HEADS * WIDTH), gamma: f32(HEADS * WIDTH) },
      ...{ cos: f32(rows * tokens, WIDTH / 2), sin: f32(rows * tokens, WIDTH / 2) },
    },
  );

async function run(graph: Graph): Promise<Record<string, number[]>> {
  const ort = await loadOnnxRuntime();
  const session = await ort.InferenceSession.create(writeOnnx(graph), { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const random = new Random(3);
  const feeds = graph.inputs.map((name) => {
    const { shape } = typeOf(graph, name);
    const data = Float32Array.from({ length: elementCount(shape) }, () => 2 * random.float() - 1);
    return [name, new ort.Tensor('float32', data, shape)] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => [name, [...((value as Tensor).data as Float32Array)]]),
  );
}
const ops = (graph: Graph) => graph.nodes.map(({ op }) => op);

describe('asSingleNodes', () => {
  it.each([1, 5])(
    'takes norms and rotations of a text as one node each, with the same numbers: %d tokens',
    async (n) => {
      const graph = attended(1, n);
      const fused = asSingleNodes(graph);
      checkGraph(fused, 'test');
      expect(ops(fused)).toEqual(['SimplifiedLayerNormalization', 'Reshape', 'Transpose', 'RotaryEmbedding']);
      const [wanted, got] = await Promise.all([run(graph), run(fused)]);
      for (const name of ['normed', 'y'])
        for (const [i, value] of wanted[name]!.entries()) expect(Math.abs(got[name]![i]! - value)).toBeLessThan(1e-6);
    },
  );

  it('leaves alone the rotations of several texts, and what only looks like a norm', () => {
    expect(ops(asSingleNodes(attended(2, 1)))).not.toContain('RotaryEmbedding');
    const others = record(
      ({ x, y, gamma }) => ({
        // Of another axis, of another value, and without a scale for each.
        a: tf.mul(tf.mul(x!, tf.rsqrt(tf.add(tf.mean(tf.square(x!), 0, true), 1e-5))), gamma!),
        b: tf.mul(tf.mul(x!, tf.rsqrt(tf.add(tf.mean(tf.mul(x!, y!), -1, true), 1e-5))), gamma!),
        c: tf.mul(tf.mul(x!, tf.rsqrt(tf.add(tf.mean(tf.square(x!), -1, true), 1e-5))), 2),
      }),
      { x: f32(4, 4), y: f32(4, 4), gamma: f32(4) },
    );
    expect(asSingleNodes(others)).toEqual(others);
  });
});
