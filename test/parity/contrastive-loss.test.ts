import { readFileSync } from 'node:fs';
import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cosineSimilarityLoss } from '../../src/engine/tasks/contrastive-loss.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { valueAndGrads } from '../../src/engine/tensor/ops/index.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, uniform } from './values.ts';

interface Figures {
  width: number;
  cases: Record<string, { classes: number[]; loss: number; gradient: number[] }>;
}

/** What contrastive_loss.py wrote. */
const { width, cases }: Figures = JSON.parse(readFileSync(figures('contrastive-loss.json'), 'utf8'));
const TOLERANCE = 1e-5;

/** Texts that fill up a short batch: nothing of them counts. */
const FILLED = 2;

describe.each(EXECUTORS)("the loss of all pairs against sentence-transformers': $title", ({ isThere, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere).each(Object.entries(cases))('%s', async (name, expected) => {
    const texts = expected.classes.length;
    const states = texts + FILLED;
    const loss = cosineSimilarityLoss();
    const compiled = await executor.compile(
      ({ embeddings, targets, weights }) => {
        const { value, grads } = valueAndGrads(
          (p) => loss.value(p.embeddings as tf.Tensor2D, targets!, weights as tf.Tensor1D),
          { embeddings: embeddings! },
        );
        return { loss: value, gradient: grads.embeddings! };
      },
      {
        embeddings: { shape: [states, width], dtype: 'float32' },
        targets: loss.targets(states, width),
        weights: { shape: [states], dtype: 'float32' },
      },
    );
    const embeddings = new Float32Array(states * width);
    embeddings.set(uniform('contrastive/embeddings', texts * width));
    if (name === 'zero') embeddings.fill(0, 3 * width, 4 * width);
    const items = expected.classes.map((label) => Int32Array.of(label));
    const each = loss.weight(items.map((labels) => ({ ids: new Int32Array(1), typeIds: null, labels })));
    const weights = new Float32Array(states).fill(each as number, 0, texts);
    const fetches = { loss: new Float32Array(1), gradient: new Float32Array(states * width) };
    const given = new Int32Array(states);
    for (const [i, label] of items.entries()) given.set(label, i);
    await compiled.run({ embeddings, targets: given, weights }, fetches);
    compiled.dispose();
    expect(relativeError(fetches.loss, [expected.loss])).toBeLessThan(TOLERANCE);
    const counted = texts * width;
    expect(relativeError(fetches.gradient.subarray(0, counted), expected.gradient)).toBeLessThan(TOLERANCE);
    expect(fetches.gradient.subarray(counted).every((g) => g === 0)).toBe(true);
  });
});
