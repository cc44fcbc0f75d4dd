import { readFileSync } from 'node:fs';
import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { crossEntropy, valueAndGrads } from '../../src/engine/tensor/ops/index.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, uniform } from './values.ts';

interface Figures {
  rows: number;
  words: number;
  labels: number[];
  kept: number[];
  cases: Record<string, { loss: number; at_label: number[]; kept: number[][]; squares: number[] }>;
}

/** What vocabulary_loss.py wrote. */
const { rows, words, labels, kept, cases }: Figures = JSON.parse(readFileSync(figures('vocabulary-loss.json'), 'utf8'));
const TOLERANCE = 1e-5;

const classWeights = Float32Array.from(uniform('vocabulary/weights', words), (u) => 1 + u / 2);

/** One over the rows that count, or each one's share of their classes' weights. */
function weightsOf(isWeighted: boolean): Float32Array {
  const each = labels.map((label) => (label < 0 ? 0 : isWeighted ? classWeights[label]! : 1));
  const total = each.reduce((a, b) => a + b, 0);
  // What an ignored row weighs must not matter.
  return Float32Array.from(each, (weight) => (weight === 0 ? 7 : weight / total));
}

describe.each(EXECUTORS)("cross entropy over 50,000 words against PyTorch's: $title", ({ isThere, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere).each(Object.entries(cases))('%s', async (name, expected) => {
    const smoothing = name.includes('smoothed') ? 0.1 : 0;
    const isWeighted = name.startsWith('weighted');
    const compiled = await executor.compile(
      ({ logits, labels, weights, classes }) => {
        const { value, grads } = valueAndGrads(
          (p) =>
            crossEntropy(
              p.logits as tf.Tensor2D,
              labels as tf.Tensor1D,
              weights as tf.Tensor1D,
              smoothing,
              isWeighted ? (classes as tf.Tensor1D) : undefined,
            ),
          { logits: logits! },
        );
        return { loss: value, gradient: grads.logits! };
      },
      {
        logits: { shape: [rows, words], dtype: 'float32' },
        labels: { shape: [rows], dtype: 'int32' },
        weights: { shape: [rows], dtype: 'float32' },
        classes: { shape: [words], dtype: 'float32' },
      },
    );
    const fetches = { loss: new Float32Array(1), gradient: new Float32Array(rows * words) };
    const logits = Float32Array.from(uniform('vocabulary/logits', rows * words), (u) => 4 * u);
    const weights = weightsOf(isWeighted);
    await compiled.run({ logits, labels: Int32Array.from(labels), weights, classes: classWeights }, fetches);
    compiled.dispose();
    const at = (row: number, word: number): number => fetches.gradient[row * words + word]!;
    expect(relativeError(fetches.loss, [expected.loss])).toBeLessThan(TOLERANCE);
    const atLabels = labels.map((label, row) => at(row, Math.max(label, 0)));
    expect(relativeError(atLabels, expected.at_label)).toBeLessThan(TOLERANCE);
    const others = labels.flatMap((label, row) => kept.map((word) => (word === label ? 0 : at(row, word))));
    const theirs = labels.flatMap((label, row) =>
      kept.map((word, i) => (word === label ? 0 : expected.kept[row]![i]!)),
    );
    expect(relativeError(others, theirs)).toBeLessThan(TOLERANCE);
    const squares = labels.map((_, row) =>
      fetches.gradient.subarray(row * words, (row + 1) * words).reduce((sum, g) => sum + g * g, 0),
    );
    expect(relativeError(squares, expected.squares)).toBeLessThan(TOLERANCE);
  });
});
