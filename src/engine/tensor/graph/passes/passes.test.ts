import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor } from '../../executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../executors/onnxruntime.ts';
import { embedding, gelu, matMul, valueAndGrads } from '../../ops/index.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import { printGraph } from '../print.ts';
import { eliminateDeadNodes } from './dead-nodes.ts';
import { expandSegmentSums } from './expand-segment-sums.ts';
import { liftSegmentSums } from './lift-segment-sums.ts';
import { openDimensions, unmistakable } from './open-dimensions.ts';
import { standardOperators } from './standard-operators.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const i32 = (...shape: number[]) => ({ shape, dtype: 'int32' as const });

/** An embedding whose gradient is an output. */
const lookup = () =>
  record(
    ({ table, ids }) => {
      const { value, grads } = valueAndGrads((p) => tf.sum(embedding(p.table!, ids as tf.Tensor1D)) as tf.Scalar, {
        table: table!,
      });
      return { loss: value, 'grad:table': grads.table! };
    },
    { table: f32(5, 2), ids: i32(3) },
  );

describe('liftSegmentSums', () => {
  it('lets an embedding’s gradient leave as rows', () => {
    const { graph, sums } = liftSegmentSums(lookup());
    expect(sums).toEqual([{ output: 'grad:table', rows: 'rows:grad:table', ids: 'ids', segments: 5 }]);
    expect(graph.nodes.some((n) => n.op === 'SegmentSum')).toBe(false);
    checkGraph(graph, 'test');
  });

  it('leaves a sum alone that the graph goes on with', () => {
    const graph = record(({ x, ids }) => ({ y: tf.mul(tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4), 2) }), {
      x: f32(3, 2),
      ids: i32(3),
    });
    expect(liftSegmentSums(graph)).toEqual({ graph, sums: [] });
  });
});

describe('expandSegmentSums', () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  });
  afterAll(() => executor.dispose());

  it('keeps the sum of repeated segments, at every rank', async () => {
    const program = ({ x, ids }: Record<string, tf.Tensor>) => ({
      y: tf.mul(tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4), 2),
    });
    const compiled = await executor.compile(program, { x: f32(3, 2, 2), ids: i32(3) });
    const y = new Float32Array(16);
    await compiled.run({ x: Float32Array.from({ length: 12 }, (_, i) => i), ids: Int32Array.of(2, 0, 2) }, { y });
    expect([...y]).toEqual([8, 10, 12, 14, 0, 0, 0, 0, 16, 20, 24, 28, 0, 0, 0, 0]);
    compiled.dispose();
  });

  it('returns the very graph when there is nothing to do', () => {
    const graph = record(({ x }) => ({ y: tf.exp(x!) }), { x: f32(2) });
    expect(expandSegmentSums(graph)).toBe(graph);
  });
});

describe('eliminateDeadNodes', () => {
  it('drops a node that an output no longer needs, with its constants', () => {
    const graph = record(({ x }) => ({ y: tf.exp(x!), z: tf.add(x!, 3) }), { x: f32(2) });
    const pruned = eliminateDeadNodes({ ...graph, outputs: new Map([...graph.outputs].slice(0, 1)) });
    expect(printGraph(pruned)).toMatchInlineSnapshot(`
      "input %x:f32[2]
      %v0:f32[2] = Exp(%x)
      output y = %v0"
    `);
    expect(pruned.constants.size).toBe(0);
  });
});

describe('standardOperators', () => {
  it('leaves ONNX’s own operators alone', () => {
    const graph = standardOperators(
      record(({ a, b }) => ({ y: gelu(matMul(a!, b!, { transposeB: true, alpha: 0.5 })) }), {
        a: f32(2, 3),
        b: f32(4, 3),
      }),
    );
    checkGraph(graph, 'test');
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input %a:f32[2,3]
      input %b:f32[4,3]
      %v0.b:f32[3,4] = Transpose(%b) {perm=[1,0]}
      %v0.product:f32[2,4] = MatMul(%a, %v0.b)
      %v0:f32[2,4] = Mul(%v0.product, 0.5)
      %v1.scaled:f32[2,4] = Mul(%v0, 0.7071068)
      %v1.erf:f32[2,4] = Erf(%v1.scaled)
      %v1.plus_one:f32[2,4] = Add(%v1.erf, 1)
      %v1.product:f32[2,4] = Mul(%v0, %v1.plus_one)
      %v1:f32[2,4] = Mul(%v1.product, 0.5)
      output y = %v1"
    `);
  });
});

describe('openDimensions', () => {
  it('computes shapes from the inputs instead', () => {
    const [R, S] = unmistakable([undefined, 16], [3]) as [number, number];
    const graph = record(({ x }) => ({ y: tf.reshape(x!, [R * S, 3]) }), { x: f32(R, S, 3) });
    const open = openDimensions(graph, [
      { size: R, input: 'x', axis: 0 },
      { size: S, input: 'x', axis: 1 },
    ]);
    expect(printGraph(open)).toMatchInlineSnapshot(`
      "input %x:f32[1009,13,3]
      %open.0.shape:i64[3] = Shape(%x)
      %open.0:i64[1] = Gather(%open.0.shape, [0]) {axis=0}
      %open.1.shape:i64[3] = Shape(%x)
      %open.1:i64[1] = Gather(%open.1.shape, [1]) {axis=0}
      %open.0.1:i64[1] = Mul(%open.0, %open.1)
      %c0.open:i64[2] = Concat(%open.0.1, [3]) {axis=0}
      %v1:f32[13117,3] = Reshape(%x, %c0.open)
      output y = %v1"
    `);
  });

  it('opens any number of dimensions, and their products', () => {
    const [B, T, P] = unmistakable([undefined, 16, 16], [4]) as [number, number, number];
    const graph = record(({ x, past }) => ({ y: tf.reshape(x!, [B * T, 4]), keys: tf.reshape(past!, [B * P, 4]) }), {
      x: f32(B, T, 4),
      past: f32(B, P, 4),
    });
    const open = openDimensions(graph, [
      { size: B, input: 'x', axis: 0 },
      { size: T, input: 'x', axis: 1 },
      { size: P, input: 'past', axis: 1 },
    ]);
    expect(printGraph(open)).toMatchInlineSnapshot(`
      "input %x:f32[1009,13,4]
      input %past:f32[1009,11,4]
      %open.0.shape:i64[3] = Shape(%x)
      %open.0:i64[1] = Gather(%open.0.shape, [0]) {axis=0}
      %open.1.shape:i64[3] = Shape(%x)
      %open.1:i64[1] = Gather(%open.1.shape, [1]) {axis=0}
      %open.0.1:i64[1] = Mul(%open.0, %open.1)
      %open.2.shape:i64[3] = Shape(%past)
      %open.2:i64[1] = Gather(%open.2.shape, [1]) {axis=0}
      %open.0.2:i64[1] = Mul(%open.0, %open.2)
      %c0.open:i64[2] = Concat(%open.0.1, [4]) {axis=0}
      %c2.open:i64[2] = Concat(%open.0.2, [4]) {axis=0}
      %v1:f32[13117,4] = Reshape(%x, %c0.open)
      %v3:f32[11099,4] = Reshape(%past, %c2.open)
      output y = %v1
      output keys = %v3"
    `);
  });

  it('takes primes that nothing else uses', () => {
    expect(unmistakable([undefined, 16], [13])).toEqual([1009, 11]);
    expect(unmistakable([undefined, 512], [509, 1009])).toEqual([1013, 503]);
    expect(unmistakable([undefined, 16, 16], [])).toEqual([1009, 13, 11]);
    expect(unmistakable([undefined, 16], [1009 * 13])).toEqual([1013, 11]);
    expect(() => unmistakable([3], [3])).toThrow();
  });
});

describe('checkGraph', () => {
  const good = () => record(({ x }) => ({ y: tf.exp(tf.neg(x!)) }), { x: f32(2) });
  it('names the pass after which a value is read before it is defined', () => {
    const graph = good();
    expect(() => checkGraph({ ...graph, nodes: [...graph.nodes].reverse() }, 'a pass')).toThrow(
      /after a pass: .*before it is defined/,
    );
  });
  it('finds a value defined twice', () => {
    const graph = good();
    expect(() => checkGraph({ ...graph, nodes: [graph.nodes[0]!, ...graph.nodes] }, 'a pass')).toThrow(/defined twice/);
  });
  it('finds a dead node', () => {
    const graph = good();
    expect(() => checkGraph({ ...graph, outputs: new Map([['y', graph.nodes[0]!.outputs[0]!]]) }, 'a pass')).toThrow(
      /is dead/,
    );
  });
  it('finds a type that its node does not make', () => {
    const graph = good();
    const types = new Map(graph.types).set(graph.nodes[0]!.outputs[0]!, { shape: [3], dtype: 'float32' });
    expect(() => checkGraph({ ...graph, types }, 'a pass')).toThrow(/makes float32\[2\], recorded as float32\[3\]/);
  });
});
