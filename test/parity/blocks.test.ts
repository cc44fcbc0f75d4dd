import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initializeAll } from '../../src/engine/model-files/load-weights.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { ROW } from '../../src/engine/runtime/flat-blocks.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import { EXECUTORS } from './executors.ts';

const LARGEST = 16 * 2 ** 20;
/** A table of 39 MB, which no block holds whole. */
const CONFIG = {
  ...{ model_type: 'bert', vocab_size: 40_000, hidden_size: 256, num_hidden_layers: 1, num_attention_heads: 4 },
  ...{ intermediate_size: 512, max_position_embeddings: 32, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
};
const SETTINGS = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 };
const texts = [3, 6].map((length, t) => ({
  ids: Int32Array.from({ length }, (_, i) => (t * 7919 + i * 12_347) % CONFIG.vocab_size),
  typeIds: null,
  labels: Int32Array.of(t),
}));

function make(executor: Executor): TaskModel {
  const architecture = architectureOf(CONFIG, 'config.json');
  const model = new TaskModel({
    ...{ executor, architecture, numLabels: 2, padId: 0, isTrained: () => true, accumulate: false },
    ...{ loss: classLoss(), maxBatch: { texts: 2, tokens: 8 }, seed: 1 },
  });
  initializeAll(architecture, model.store, 1);
  return model;
}

async function step(model: TaskModel, number: number): Promise<[loss: number, norm: number]> {
  const { loss } = await model.gradients(texts, { weight: 1 / 2, microStep: number, slots: 2 });
  if (model.device) return [loss, await model.device.step(SETTINGS, 1e-3, number + 1, () => {})];
  const norm = gradientNorm(model.store);
  adamWStep(model.store, SETTINGS, 1e-3, number + 1, norm);
  return [loss, norm];
}

const { title, isThere, create } = EXECUTORS.find(({ title }) => title.startsWith('webgpu'))!;

describe(`parameters in blocks of at most 16 MiB: ${title}`, () => {
  let executor: Executor;
  let processor: Executor;
  beforeAll(async () => {
    if (!isThere) return;
    executor = { ...(await create()), largestBinding: LARGEST };
    processor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  });
  afterAll(() => {
    executor?.dispose();
    processor?.dispose();
  });

  it.skipIf(!isThere)('are trained as on the processor, and come back', { timeout: 300_000 }, async () => {
    const [there, here] = [make(executor), make(processor)];
    const blocks = there.device!.trainedNow;
    expect(blocks.length).toBeGreaterThan(2);
    for (const { rows } of blocks) expect(4 * rows * ROW).toBeLessThanOrEqual(LARGEST);
    // Programs are fed the table in pieces (table-pieces.test.ts).
    for (const { shape } of there.device!.tables.get('bert.embeddings.word_embeddings.weight')!)
      expect(4 * shape[0]! * shape[1]!).toBeLessThanOrEqual(LARGEST);
    const [forward, expected] = [await there.logits(texts), await here.logits(texts)];
    for (const [i, value] of forward.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4);
    for (let i = 0; i < 3; i++) {
      const [a, b] = [await step(there, i), await step(here, i)];
      for (const [k, value] of a.entries()) expect(Math.abs(value / b[k]! - 1)).toBeLessThan(1e-4);
    }
    await there.device!.collect();
    const [a, b] = [there.store, here.store].map(({ trained }) => trained) as [
      typeof there.store.trained,
      typeof here.store.trained,
    ];
    // AdamW's first steps move a weight by the rate, whatever its gradient: of tiny ones the sign is chance.
    for (const [ours, theirs, tolerance] of [
      [a.weight, b.weight, 1e-3],
      [a.expAvg, b.expAvg, 1e-6],
      [a.expAvgSq, b.expAvgSq, 1e-6],
    ] as const) {
      let worst = 0;
      for (let i = 0; i < ours.length; i++) worst = Math.max(worst, Math.abs(ours[i]! - theirs[i]!));
      expect(worst).toBeLessThan(tolerance);
    }
    expect(a.expAvg.some((x) => x !== 0)).toBe(true);
    for (const model of [there, here]) model.dispose();
  });
});
