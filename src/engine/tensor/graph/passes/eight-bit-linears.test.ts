import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../data/random.ts';
import type { Executor, Rounding, TensorSpec } from '../../executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../executors/onnxruntime.ts';
import { linear, matMul, valueAndGrads } from '../../ops/index.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import { printGraph } from '../print.ts';
import { eightBitLinears } from './eight-bit-linears.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

/** A trained layer beneath a frozen one: the gradient passes through it. */
const program = ({ x, w, b, frozen, bias, scale }: Record<string, tf.Tensor>) => {
  const { value, grads } = valueAndGrads(
    (p) => {
      const h = tf.tanh(linear(x as tf.Tensor2D, p.w!, p.b!));
      const y = linear(h as tf.Tensor2D, frozen!, bias!);
      return tf.sum(tf.mul(y, scale!)) as tf.Scalar;
    },
    { w: w!, b: b! },
  );
  return { loss: value, 'grad:w': grads.w!, 'grad:b': grads.b! };
};
const specs = (rows: number, inner: number, out: number): Record<string, TensorSpec> => ({
  ...{ x: f32(rows, 3), w: f32(inner, 3), b: f32(inner) },
  ...{ frozen: f32(out, inner), bias: f32(out), scale: f32(rows, out) },
});
const isHeld = (input: string) => input === 'frozen';

describe('eightBitLinears', () => {
  it('takes a frozen layer’s products, forward and backward, and no other', () => {
    const graph = record(program, specs(4, 5, 2));
    const { graph: narrow, operands } = eightBitLinears(graph, isHeld);
    checkGraph(narrow, 'test');
    expect(operands).toEqual([
      { of: 'frozen', transposed: true, values: 'frozen int8ᵀ', scales: 'frozen int8ᵀ scales' },
      { of: 'frozen', transposed: false, values: 'frozen int8', scales: 'frozen int8 scales' },
    ]);
    expect(
      printGraph(narrow)
        .split('\n')
        .filter((line) => !/Reshape|Tile/.test(line))
        .join('\n'),
    ).toMatchInlineSnapshot(`
      "input %x:f32[4,3]
      input %w:f32[5,3]
      input %b:f32[5]
      input %frozen:f32[2,5]
      input %bias:f32[2]
      input %scale:f32[4,2]
      input %frozen int8ᵀ:i8[5,2]
      input %frozen int8ᵀ scales:f32[2]
      input %frozen int8:i8[2,5]
      input %frozen int8 scales:f32[5]
      %v0:f32[4,5] = Gemm(%x, %w, %b) {transB=1}
      %v1:f32[4,5] = Tanh(%v0)
      %v2:f32[4,2] = DynamicQuantizeMatMul(%v1, %frozen int8ᵀ, %frozen int8ᵀ scales, _, %bias)
      %v3:f32[4,2] = Mul(%v2, %scale)
      %v5:f32[] = ReduceSum(%v3, [0,1]) {keepdims=0}
      %v10:f32[4,2] = Mul(%v8, [1,1,1,1,1,1,1,1])
      %v11:f32[4,2] = Cast(%scale) {to=1}
      %v12:f32[4,2] = Mul(%v10, %v11)
      %v12.magnitudes:f32[4,2] = Abs(%v12)
      %v12.largest:f32[4,1] = ReduceMax(%v12.magnitudes, [1]) {keepdims=1}
      %v12.row_scale:f32[4,1] = Max(%v12.largest, 1e-30)
      %v12.scaled:f32[4,2] = Div(%v12, %v12.row_scale)
      %v13.product:f32[4,5] = DynamicQuantizeMatMul(%v12.scaled, %frozen int8, %frozen int8 scales)
      %v13:f32[4,5] = Mul(%v13.product, %v12.row_scale)
      %v14:f32[4,5] = Mul(%v1, %v1)
      %v15:f32[4,5] = Sub(1, %v14)
      %v16:f32[4,5] = Mul(%v15, %v13)
      %v17:f32[5,3] = FusedMatMul(%v16, %x) {transA=1, transB=0, alpha=1}
      %v19:f32[5] = ReduceSum(%v16, [0]) {keepdims=0}
      output loss = %v5
      output grad:w = %v17
      output grad:b = %v19"
    `);
  });

  it.each([
    ['out, in', [7, 5], true],
    ['in, out', [5, 7], false],
  ] as const)('takes layers without a bias, [%s], each row by its own scale', (_, shape, transposeB) => {
    const layers = ({ x, w, q, k, loss }: Record<string, tf.Tensor>) => {
      const { value, grads } = valueAndGrads(
        (p) => {
          const h = tf.mul(x!, p.w!);
          const of = (weight: tf.Tensor) => matMul(h, weight, { transposeB });
          return tf.sum(tf.mul(tf.add(of(q!), of(k!)), loss!)) as tf.Scalar;
        },
        { w: w! },
      );
      return { loss: value, 'grad:w': grads.w! };
    };
    const specs = { x: f32(4, 5), w: f32(4, 5), q: f32(...shape), k: f32(...shape), loss: f32(4, 7) };
    const { graph, operands } = eightBitLinears(record(layers, specs), (name) => name === 'q' || name === 'k');
    checkGraph(graph, 'test');
    // Forward and backward, of both.
    expect(operands.map(({ of, transposed }) => [of, transposed])).toEqual([
      ['q', transposeB],
      ['k', transposeB],
      ['k', !transposeB],
      ['q', !transposeB],
    ]);
    const count = (op: string) => graph.nodes.filter((node) => node.op === op).length;
    expect([count('DynamicQuantizeMatMul'), count('FusedMatMul') + count('MatMul')]).toEqual([4, 0]);
    // Both read the same rows; each has a gradient of its own.
    expect(count('ReduceMax')).toBe(3);
  });

  const layers = ({ x, q, k, b }: Record<string, tf.Tensor>) => ({
    q: linear(x as tf.Tensor2D, q!, b!),
    k: linear(x as tf.Tensor2D, k!, b!),
  });
  const rounded = (besideOf: (weight: string) => Rounding) => {
    const graph = record(layers, { x: f32(4, 5), q: f32(7, 5), k: f32(7, 5), b: f32(7) });
    const { graph: narrow, operands } = eightBitLinears(graph, (name) => name === 'q' || name === 'k', besideOf);
    checkGraph(narrow, 'test');
    return { lines: printGraph(narrow).split('\n').slice(8, -2), operands };
  };

  it('rounds what goes into a layer as is known, once for all layers that read it', () => {
    expect(rounded(() => ({ range: [-1, 4.1] })).lines).toEqual([
      '%x.uint8.0:u8[4,5] = QuantizeLinear(%x, 0.02, 50)',
      expect.stringContaining('MatMulIntegerToFloat(%x.uint8.0, %q int8ᵀ, 0.02, %q int8ᵀ scales, 50, _, %b)'),
      expect.stringContaining('MatMulIntegerToFloat(%x.uint8.0, %k int8ᵀ, 0.02, %k int8ᵀ scales, 50, _, %b)'),
    ]);
  });

  it('divides columns before, multiplies the weight’s, and adds what rounding takes from the outputs', () => {
    const columns = Float32Array.of(1, 2, 4, 1, 0.5);
    const shift = Float32Array.of(0.5, 0, 0, 0, 0, 0, 0);
    const { lines, operands } = rounded((weight) => ({
      range: [-1, 4.1],
      columns: Float32Array.from(columns),
      ...(weight === 'k' && { shift }),
    }));
    expect(lines).toEqual([
      '%x.uint8.0.divided:f32[4,5] = Mul(%x, [1,0.5,0.25,1,2])',
      '%x.uint8.0:u8[4,5] = QuantizeLinear(%x.uint8.0.divided, 0.02, 50)',
      expect.stringContaining('MatMulIntegerToFloat(%x.uint8.0, %q int8ᵀ, 0.02, %q int8ᵀ scales, 50, _, %b)'),
      expect.stringMatching(/^%.*\.bias:f32\[7\] = Add\(%b, \[0.5,0,0,0,0,0,0\]\)$/),
      expect.stringMatching(/MatMulIntegerToFloat\(%x.uint8.0, %k int8ᵀ, 0.02, %k int8ᵀ scales, 50, _, %.*\.bias\)$/),
    ]);
    expect(operands.map(({ factors }) => factors)).toEqual([columns, columns]);
  });

  it('adds columns that are computed apart in float, and takes them out of the weight', () => {
    const apart = Int32Array.of(1, 4);
    const { lines, operands } = rounded((weight) => ({ range: [-1, 4.1], ...(weight === 'k' && { apart }) }));
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(/^%.*\.rest:f32\[4,7\] = MatMulIntegerToFloat\(%x.uint8.0, %k int8ᵀ, .*%b\)$/),
      expect.stringMatching(/^%.*\.left:f32\[4,2\] = Gather\(%x, \[1,4\]\) {axis=1}$/),
      expect.stringMatching(/^%.*\.right:f32\[7,2\] = Gather\(%k, \[1,4\]\) {axis=1}$/),
      expect.stringMatching(/:f32\[4,7\] = Gemm\(%.*\.left, %.*\.right, %.*\.rest\) {transB=1}$/),
    ]);
    expect(operands.map(({ factors }) => factors && Array.from(factors))).toEqual([undefined, [1, 0, 1, 1, 0]]);
  });

  it('leaves a graph without frozen layers as it is', () => {
    const graph = record(program, specs(4, 5, 2));
    expect(eightBitLinears(graph, () => false)).toEqual({ graph, operands: [] });
  });
});

describe('a frozen layer in 8 bits', () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  });
  afterAll(() => executor.dispose());

  const [rows, inner, out] = [33, 48, 70];
  const random = new Random(5);
  const normal = (size: number, deviation: number) =>
    Float32Array.from({ length: size }, () => deviation * (random.float() + random.float() + random.float() - 1.5));
  const feeds = {
    ...{ x: normal(rows * 3, 1), w: normal(inner * 3, 1), b: normal(inner, 0.1) },
    ...{ frozen: normal(out * inner, 0.05), bias: normal(out, 0.1) },
    // Rows of gradients of very different size, as a model has them; one is nothing.
    scale: normal(rows * out, 1).map((v, i) => (i < out ? 0 : v * 10 ** -(Math.floor(i / out) % 6))),
  };
  const run = async (held: boolean) => {
    const inputs = specs(rows, inner, out);
    if (held) inputs.frozen = { ...inputs.frozen!, held: 8 };
    const compiled = await executor.compile(program, inputs);
    const results = {
      loss: new Float32Array(1),
      'grad:w': new Float32Array(inner * 3),
      'grad:b': new Float32Array(inner),
    };
    await compiled.run(feeds, results);
    compiled.dispose();
    return results;
  };
  const relative = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((v, i) => v - b[i]!)) / Math.hypot(...b);

  it('gives nearly what floats give', async () => {
    const [narrow, exact] = [await run(true), await run(false)];
    for (const name of ['grad:w', 'grad:b'] as const) {
      const error = relative(narrow[name], exact[name]);
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(0.02);
    }
    expect(Math.abs(narrow.loss[0]! - exact.loss[0]!)).toBeLessThan(0.05 * Math.abs(exact.loss[0]!));
    expect(await run(true)).toEqual(narrow);
  });

  it('with a column far larger than the others, is nearer to floats where that is divided or computed apart', async () => {
    const wide = feeds.x.map((x, i) => (i % 3 === 0 ? 40 * x : x));
    const small = feeds.w.map((v, i) => (i % 3 === 0 ? v / 40 : v));
    const layer = ({ x, w, b }: Record<string, tf.Tensor>) => ({ y: linear(x as tf.Tensor2D, w!, b!) });
    const products = async (beside?: Rounding) => {
      const w: TensorSpec = beside ? { ...f32(inner, 3), held: 8, beside } : f32(inner, 3);
      const compiled = await executor.compile(layer, { x: f32(rows, 3), w, b: f32(inner) });
      const y = new Float32Array(rows * inner);
      await compiled.run({ x: wide, w: small, b: feeds.b }, { y });
      compiled.dispose();
      return y;
    };
    const exact = await products();
    const far = Math.max(...wide.map(Math.abs));
    const plain = relative(await products({ range: [-far, far] }), exact);
    const divided = relative(await products({ range: [-1.5, 1.5], columns: Float32Array.of(40, 1, 1) }), exact);
    const apart = relative(await products({ range: [-1.5, 1.5], apart: Int32Array.of(0) }), exact);
    for (const error of [divided, apart]) {
      expect(error).toBeLessThan(0.02);
      expect(plain).toBeGreaterThan(5 * error);
    }
    const shift = new Float32Array(inner).fill(0.25);
    const shifted = await products({ range: [-1.5, 1.5], columns: Float32Array.of(40, 1, 1), shift });
    const least = await products({ range: [-1.5, 1.5], columns: Float32Array.of(40, 1, 1) });
    shifted.forEach((y, i) => {
      expect(y - least[i]!).toBeCloseTo(0.25, 5);
    });
  });
});
