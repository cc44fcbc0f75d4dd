import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openModelFolder } from '../../src/engine/hub/model-folder.ts';
import { loadWeights } from '../../src/engine/model-files/load-weights.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { learningRate } from '../../src/engine/recipes/schedule.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { Recipe } from '../../src/protocol/index.ts';
import { minilmFolder } from '../minilm.ts';
import { EXECUTORS, figures } from './executors.ts';
import { weight } from './values.ts';

/** What minilm_training.py wrote. */
const f = JSON.parse(readFileSync(figures('minilm-training.json'), 'utf8')) as {
  settings: Recipe;
  batch: number;
  num_labels: number;
  deviation: number;
  ids: number[][];
  labels: number[];
  losses: number[];
};

const folder = minilmFolder();

/** The other two are far slower at this size; they are held to a smaller model. */
const fast = EXECUTORS.filter(({ title }) => /^(onnxruntime|tensorflow)/.test(title));

describe.each(fast)('$title', ({ isThere, create }) => {
  const title = `${f.losses.length} steps of MiniLM follow PyTorch's losses (skipped where the model is not to be had)`;
  test.skipIf(!isThere || !folder)(title, { timeout: 900_000 }, async () => {
    const executor = await create();
    const model = await openModelFolder(folder!);
    const dropoutOff = { hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
    const architecture = architectureOf({ ...model.config, ...dropoutOff }, 'config.json');
    const classifier = new TaskModel({
      executor,
      architecture,
      numLabels: f.num_labels,
      padId: 0,
      isTrained: () => true,
      accumulate: false,
      loss: classLoss(),
      maxBatch: { texts: f.batch, tokens: Math.max(...f.ids.map((ids) => ids.length)) },
      seed: 0,
    });
    const { store } = classifier;
    await loadWeights(model, architecture, store, { classifierRows: null, seed: 0, note: () => {} });
    await model.weights.close();
    for (const name of ['classifier.weight', 'classifier.bias']) {
      const target = store.get(name).weight;
      target.set(weight(name, target.length, f.deviation));
    }

    const rows = f.ids.map((ids, i) => ({
      ids: Int32Array.from(ids),
      typeIds: null,
      labels: Int32Array.of(f.labels[i]!),
    }));
    let worst = 0;
    for (const [step, expected] of f.losses.entries()) {
      const texts = Array.from({ length: f.batch }, (_, i) => rows[(step * f.batch + i) % rows.length]!);
      const { loss } = await classifier.gradients(texts, { weight: 1 / f.batch, microStep: step, slots: f.batch });
      adamWStep(store, f.settings, learningRate(f.settings, step, f.losses.length), step + 1, gradientNorm(store));
      worst = Math.max(worst, Math.abs(loss / expected - 1));
      expect(worst, `step ${step + 1}: ${loss} against ${expected}`).toBeLessThan(1e-4);
    }
    // It is a task that can be learned: the figures would say little if nothing moved.
    expect(f.losses.at(-1)!).toBeLessThan(f.losses[0]! / 2);
    classifier.dispose();
    executor.dispose();
  });
});
