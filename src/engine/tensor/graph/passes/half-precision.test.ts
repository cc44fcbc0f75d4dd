import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { createOnnxRuntimeExecutor } from '../../executors/onnxruntime.ts';
import { matMul } from '../../ops/index.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import { printGraph } from '../print.ts';
import { expandSegmentSums } from './expand-segment-sums.ts';
import { halfPrecision } from './half-precision.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

/** A product of which another is taken, moved in between, and something else; `a` goes into both products. */
const program = ({ a, b }: Record<string, tf.Tensor>) => {
  const product = matMul(a!, b!);
  return { y: tf.relu(product), z: matMul(tf.transpose(product), a!) };
};
const graph = () => record(program, { a: f32(2, 2), b: f32(2, 2) });

it('casts what goes into products once, nothing between products that only moves, and what comes out of the graph', () => {
  const rewritten = halfPrecision(graph(), false);
  checkGraph(rewritten, 'test');
  expect(printGraph(rewritten)).toMatchInlineSnapshot(`
    "input %a:f32[2,2]
    input %b:f32[2,2]
    %a.half:f16[2,2] = Cast(%a) {to=10}
    %b.half:f16[2,2] = Cast(%b) {to=10}
    %v0:f16[2,2] = MatMul(%a.half, %b.half)
    %v0.float:f32[2,2] = Cast(%v0) {to=1}
    %v1:f32[2,2] = Relu(%v0.float)
    %v2:f16[2,2] = Transpose(%v0) {perm=[1,0]}
    %v3:f16[2,2] = MatMul(%v2, %a.half)
    %v3.float:f32[2,2] = Cast(%v3) {to=1}
    output y = %v1
    output z = %v3.float"
  `);
});

it('rounds operands and results where nothing is computed in float16', () => {
  const rewritten = halfPrecision(graph(), true);
  checkGraph(rewritten, 'test');
  expect(printGraph(rewritten)).toMatchInlineSnapshot(`
    "input %a:f32[2,2]
    input %b:f32[2,2]
    %a.half.float16:f16[2,2] = Cast(%a) {to=10}
    %a.half:f32[2,2] = Cast(%a.half.float16) {to=1}
    %b.half.float16:f16[2,2] = Cast(%b) {to=10}
    %b.half:f32[2,2] = Cast(%b.half.float16) {to=1}
    %v0.whole:f32[2,2] = MatMul(%a.half, %b.half)
    %v0.float16:f16[2,2] = Cast(%v0.whole) {to=10}
    %v0:f32[2,2] = Cast(%v0.float16) {to=1}
    %v1:f32[2,2] = Relu(%v0)
    %v2:f32[2,2] = Transpose(%v0) {perm=[1,0]}
    %v3.whole:f32[2,2] = MatMul(%v2, %a.half)
    %v3.float16:f16[2,2] = Cast(%v3.whole) {to=10}
    %v3:f32[2,2] = Cast(%v3.float16) {to=1}
    output y = %v1
    output z = %v3"
  `);
});

it('a product with zeros and ones, which is a sum, stays in float32', () => {
  const sums = record(({ x, ids }) => ({ y: tf.mul(tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4), 2) }), {
    x: f32(3, 2),
    ids: { shape: [3], dtype: 'int32' },
  });
  const expanded = expandSegmentSums(sums);
  expect(printGraph(expanded)).toContain('FusedMatMul');
  expect(printGraph(halfPrecision(expanded, false))).toBe(printGraph(expanded));
});

it('the rounded numbers are float16’s, also between two products, and an overflow is infinite', async () => {
  const executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
  vi.stubEnv('LUTHIER_TEST_FLOAT16', '1');
  expect(await executor.computesInFloat16!()).toBe(true);
  vi.unstubAllEnvs();
  expect(await executor.computesInFloat16!()).toBe(false);
  const inputs = { a: f32(1, 1), b: f32(1, 1), c: f32(1, 1) };
  const product = ({ a, b, c }: Record<string, tf.Tensor>) => ({ y: matMul(matMul(a!, b!), c!) });
  const compiled = await executor.compile(product, inputs, { float16: true });
  const run = async (...[a, b, c]: [number, number, number]) => {
    const y = new Float32Array(1);
    await compiled.run({ a: Float32Array.of(a), b: Float32Array.of(b), c: Float32Array.of(c) }, { y });
    return y[0];
  };
  // (1 + 2⁻¹⁰)(1 + 2⁻⁹) is nearly 1027.002 · 2⁻¹⁰, rounded 1027; three times that is 1540.5 · 2⁻⁹, and the even one is 1540.
  expect(await run(1 + 2 ** -10, 1 + 2 ** -9, 3)).toBe(1540 / 512);
  expect(await run(1000, 65, 1)).toBe(64_992);
  expect(await run(1000, 66, 0.5)).toBe(Number.POSITIVE_INFINITY);
  compiled.dispose();
  executor.dispose();
});
