import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyDropout, embedding, valueAndGrads } from '../ops/index.ts';
import type { Executor } from './executor.ts';
import { createTensorflowExecutor, findTfjsNode } from './tensorflow.ts';

const folder = fileURLToPath(new URL('../../../../test/node_modules/@tensorflow/tfjs-node', import.meta.url));
const isBuilt = existsSync(path.join(folder, 'lib/napi-v8/tfjs_binding.node'));

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const i32 = (...shape: number[]) => ({ shape, dtype: 'int32' as const });

describe('a tfjs-node that cannot be used', () => {
  const work = mkdtempSync(path.join(tmpdir(), 'luthier-tfjs-'));
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  /** A package that looks like tfjs-node. */
  function fake(name: string, manifest: object, index = ''): string {
    const at = path.join(work, name);
    mkdirSync(at, { recursive: true });
    writeFileSync(path.join(at, 'package.json'), JSON.stringify(manifest));
    writeFileSync(path.join(at, 'index.js'), index);
    return at;
  }

  it('is reported as not installed, with the command that installs it', () => {
    expect(() => findTfjsNode(path.join(work, 'nowhere'))).toThrow(
      expect.objectContaining({
        code: 'backend-unavailable',
        message: `@tensorflow/tfjs-node is not installed in ${path.join(work, 'nowhere')}.`,
        hint: expect.stringContaining('npm i --ignore-scripts=false @tensorflow/tfjs-node'),
      }),
    );
  });

  it('is refused when it is another package or of another major version', () => {
    const at = fake('old', { name: '@tensorflow/tfjs-node', version: '3.21.0' });
    expect(() => findTfjsNode(at)).toThrow(
      'contains @tensorflow/tfjs-node 3.21.0; @tensorflow/tfjs-node 4.x is needed',
    );
    expect(() => findTfjsNode(fake('other', { name: 'left-pad', version: '4.0.0' }))).toThrow(
      'contains left-pad 4.0.0',
    );
  });

  it('says in one line why it does not load, and how to mend it', async () => {
    const broken = "throw new Error('The Node.js native addon module can not be found\\nand so on')";
    const at = fake('broken', { name: '@tensorflow/tfjs-node', version: '4.22.0' }, broken);
    await expect(createTensorflowExecutor({ folder: at })).rejects.toThrow(
      expect.objectContaining({
        code: 'backend-unavailable',
        message: `@tensorflow/tfjs-node in ${at} does not load: The Node.js native addon module can not be found`,
        hint: expect.stringContaining('npm rebuild --ignore-scripts=false @tensorflow/tfjs-node'),
      }),
    );
  });
});

describe.skipIf(!isBuilt)("tensorflow executor (skipped where tfjs-node's native part is not built)", () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createTensorflowExecutor({ folder, numThreads: 2 });
  });
  afterAll(() => executor?.dispose());

  it('says which libraries compute', () => {
    expect(executor.library).toMatch(/^tfjs-node 4\.\d+\.\d+, TensorFlow \d+\.\d+\.\d+$/);
  });

  it('is found by LUTHIER_TFJS_NODE', () => {
    const previous = process.env.LUTHIER_TFJS_NODE;
    process.env.LUTHIER_TFJS_NODE = folder;
    try {
      expect(findTfjsNode()).toBe(folder);
    } finally {
      if (previous === undefined) delete process.env.LUTHIER_TFJS_NODE;
      else process.env.LUTHIER_TFJS_NODE = previous;
    }
  });

  it('writes outputs into the arrays it is given, scalars and bool inputs too', async () => {
    const compiled = await executor.compile(
      ({ a, mask }) => ({ kept: applyDropout(a!, mask!, 0.5), sum: tf.sum(a!) }),
      { a: f32(2, 2), mask: { shape: [2, 2], dtype: 'bool' } },
    );
    expect(compiled.outputs).toEqual({ kept: f32(2, 2), sum: f32() });
    const fetches = { kept: new Float32Array(4), sum: new Float32Array(1) };
    await compiled.run({ a: Float32Array.of(1, 2, 3, 4), mask: Uint8Array.of(1, 0, 0, 1) }, fetches);
    expect([...fetches.kept]).toEqual([2, 0, 0, 8]);
    expect([...fetches.sum]).toEqual([10]);
  });

  it('leaves no tensor behind over steps with gradients and kept values, and another backend in use', async () => {
    tf.registerBackend('idle', () => new tf.KernelBackend());
    await tf.setBackend('idle');
    const compiled = await executor.compile(
      ({ table, ids }) => {
        const { value, grads, kept } = valueAndGrads(
          (p, keep) => {
            const rows = embedding(p.table!, ids as tf.Tensor1D);
            keep('rows', rows);
            return tf.sum(tf.square(rows)) as tf.Scalar;
          },
          { table: table! },
        );
        return { loss: value, rows: kept.rows!, 'grad:table': grads.table! };
      },
      { table: f32(4, 2), ids: i32(3) },
    );
    const fetches = { loss: new Float32Array(1), rows: new Float32Array(6), 'grad:table': new Float32Array(8) };
    const feeds = { table: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), ids: Int32Array.of(2, 0, 2) };
    const before = tf.engine().state.numTensors;
    for (let step = 0; step < 20; step++) await compiled.run(feeds, fetches);
    expect(tf.engine().state.numTensors).toBe(before);
    expect(tf.getBackend()).toBe('idle');
    expect([...fetches['grad:table']]).toEqual([2, 4, 0, 0, 20, 24, 0, 0]);
    expect([...fetches.rows]).toEqual([5, 6, 1, 2, 5, 6]);
    expect([...fetches.loss]).toEqual([25 + 36 + 1 + 4 + 25 + 36]);
  });

  it('a program that keeps a tensor for no one is a defect, and said so', async () => {
    const compiled = await executor.compile(
      ({ a }) => {
        tf.keep(tf.neg(a!));
        return { y: tf.add(a!, 1) };
      },
      { a: f32(1) },
    );
    await expect(compiled.run({ a: Float32Array.of(1) }, { y: new Float32Array(1) })).rejects.toThrow(
      'left 1 tensors behind',
    );
  });

  it('names the array that has another size', async () => {
    const compiled = await executor.compile(({ a }) => ({ y: tf.add(a!, 1) }), { a: f32(3) });
    const a = new Float32Array(3);
    await expect(compiled.run({ a: new Float32Array(2) }, { y: a })).rejects.toThrow('a needs 3 values, got 2');
    await expect(compiled.run({ a }, { y: new Float32Array(4) })).rejects.toThrow('y needs 3 values, got 4');
    await expect(compiled.run({ a }, {})).rejects.toThrow('y needs 3 values, got none');
  });
});
