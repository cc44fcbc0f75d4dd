import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor } from '../executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../executors/onnxruntime.ts';
import { dropoutScales, rowWords, valueAndGrads } from './index.ts';

const [rows, columns] = [2048, 256];
interface Key {
  seed: number;
  step: number;
  site: number;
}
const KEY = { seed: 42, step: 7, site: 3 };

function wordsOf(key: Key, count = rows): Int32Array {
  const words = new Int32Array(count);
  rowWords(words, key);
  return words;
}

/** Scales of the mask, made where the executor makes them. */
async function scalesOf(executor: Executor, words: Int32Array, rate: number, width = columns): Promise<Float32Array> {
  const specs = { words: { shape: [words.length, 1], dtype: 'int32' } } as const;
  const compiled = await executor.compile(({ words }) => ({ scales: dropoutScales(words!, width, rate) }), specs);
  const scales = new Float32Array(words.length * width);
  await compiled.run({ words }, { scales });
  compiled.dispose();
  return scales;
}

describe('what dropout multiplies by', () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  });
  afterAll(() => executor.dispose());

  /** Dropped or not, less what is expected of it, over its deviation: a mean of 0 and a variance of 1. */
  const normalised = async (key: Key, rate: number) => {
    const scales = await scalesOf(executor, wordsOf(key), rate);
    return Float64Array.from(scales, (scale) => (Number(scale === 0) - rate) / Math.sqrt(rate * (1 - rate)));
  };
  const sum = (count: number, of: (i: number) => number) => {
    let total = 0;
    for (let i = 0; i < count; i++) total += of(i);
    return total;
  };
  /** Deviations of a sum of so many independent terms. */
  const deviations = (count: number, of: (i: number) => number) => sum(count, of) / Math.sqrt(count);

  it.each([0.05, 0.1, 0.5, 0.9])('drops a share of %d, in each row and in each column', async (rate) => {
    const x = await normalised(KEY, rate);
    expect(Math.abs(deviations(x.length, (i) => x[i]!))).toBeLessThan(4);
    // Squares of deviations are 1 on average if rows and columns are as random as they should be.
    const ofRows = sum(rows, (i) => deviations(columns, (j) => x[i * columns + j]!) ** 2) / rows;
    const ofColumns = sum(columns, (j) => deviations(rows, (i) => x[i * columns + j]!) ** 2) / columns;
    expect(Math.abs(ofRows - 1)).toBeLessThan(5 * Math.sqrt(2 / rows));
    expect(Math.abs(ofColumns - 1)).toBeLessThan(5 * Math.sqrt(2 / columns));
  });

  it.each([0.1, 0.5])('drops %d without regard to what lies beside, in twos, threes and fours', async (rate) => {
    const x = await normalised(KEY, rate);
    const at = (i: number, j: number) => x[(i % rows) * columns + (j % columns)]!;
    for (const [di, dj] of [
      [0, 1],
      [1, 0],
      [1, 1],
      [0, 2],
      [2, 0],
      [0, 64],
      [64, 0],
    ] as const) {
      const [two, three, four] = [
        (i: number, j: number) => at(i, j) * at(i + di, j + dj),
        (i: number, j: number) => at(i, j) * at(i + di, j + dj) * at(i + 2 * di, j + 2 * dj),
        (i: number, j: number) => at(i, j) * at(i + 1 + di, j) * at(i, j + 1 + dj) * at(i + 1 + di, j + 1 + dj),
      ];
      for (const of of [two, three, four])
        expect(Math.abs(deviations(x.length, (k) => of(Math.floor(k / columns), k % columns)))).toBeLessThan(4.5);
    }
    // Any two rows agree as often as chance has it.
    const pairs = sum(rows / 2, (i) => deviations(columns, (j) => at(i, j) * at(rows - 1 - i, j)) ** 2) / (rows / 2);
    expect(Math.abs(pairs - 1)).toBeLessThan(5 * Math.sqrt(2 / (rows / 2)) * 2);
  });

  it('is another mask for each step, each site and each seed', async () => {
    const rate = 0.1;
    const x = await normalised(KEY, rate);
    for (const other of [
      ...[{ step: 8 }, { step: 6 }, { site: 4 }, { site: 2 }, { seed: 43 }, { seed: 42 + 2 ** 32 }],
      ...[{ step: 3, site: 7 }, { step: 7 + 2 ** 31 }],
    ]) {
      const y = await normalised({ ...KEY, ...other }, rate);
      expect(Math.abs(deviations(x.length, (i) => x[i]! * y[i]!))).toBeLessThan(4.5);
    }
    const firsts = new Set<string>();
    for (let step = 0; step < 300; step++)
      for (let site = 0; site < 40; site++) firsts.add(wordsOf({ seed: 1, step, site }, 2).join());
    expect(firsts.size).toBe(300 * 40);
  });

  it('depends on its key alone', () => {
    expect(wordsOf(KEY)).toEqual(wordsOf(KEY));
    expect(wordsOf(KEY, 10)).toEqual(wordsOf(KEY).subarray(0, 10));
    expect([...wordsOf({ seed: 2 ** 53 - 1, step: 2 ** 32 - 1, site: 0 }, 3)]).toEqual([
      1565370510, -535494994, 1803254490,
    ]);
  });

  it('has no gradient, and leaves that of what is multiplied', async () => {
    const specs = { x: { shape: [2, 4], dtype: 'float32' }, words: { shape: [2, 1], dtype: 'int32' } } as const;
    const words = wordsOf(KEY, 2);
    const compiled = await executor.compile(({ x, words }) => {
      const { value, grads } = valueAndGrads((p) => tf.sum(tf.mul(p.x!, dropoutScales(words!, 4, 0.5))), { x: x! });
      return { value, grad: grads.x! };
    }, specs);
    const fetches = { value: new Float32Array(1), grad: new Float32Array(8) };
    await compiled.run({ x: new Float32Array(8).fill(1), words }, fetches);
    compiled.dispose();
    expect(fetches.grad).toEqual(await scalesOf(executor, words, 0.5, 4));
    expect(new Set(fetches.grad)).toEqual(new Set([0, 2]));
  });
});
