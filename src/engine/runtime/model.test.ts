import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../data/random.ts';
import { initializeAll } from '../model-files/load-weights.ts';
import { architectureOf } from '../models/registry.ts';
import { isTrainedIn } from '../strategies/apply.ts';
import { Phases } from '../strategies/phases.ts';
import { classLoss } from '../tasks/loss.ts';
import type { LabelledItem } from '../tasks/task.ts';
import type { Executor } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { TaskModel, type TaskModelOptions } from './model.ts';

const CONFIG = {
  model_type: 'bert',
  vocab_size: 50,
  hidden_size: 24,
  num_hidden_layers: 3,
  num_attention_heads: 3,
  intermediate_size: 40,
  max_position_embeddings: 64,
};

const random = new Random(7);
const textOf = (length: number, label = 0): LabelledItem => ({
  ids: Int32Array.from({ length }, () => random.below(50)),
  typeIds: null,
  labels: Int32Array.of(label),
});

describe('TaskModel', () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  });
  afterAll(() => executor.dispose());

  const make = ({
    dropout = 0,
    strategy = { type: 'full' } as Parameters<typeof isTrainedIn>[0],
    accumulate = false,
    isTrained = undefined as TaskModelOptions['isTrained'] | undefined,
    phases = new Phases(),
  } = {}) => {
    const architecture = architectureOf(
      { ...CONFIG, hidden_dropout_prob: dropout, attention_probs_dropout_prob: dropout, initializer_range: 0.2 },
      'config.json',
    );
    const classifier = new TaskModel({
      executor,
      architecture,
      numLabels: 3,
      padId: 0,
      isTrained: isTrained ?? isTrainedIn(strategy, architecture),
      phases,
      accumulate,
      loss: classLoss(),
      maxBatch: { texts: 8, tokens: 32 },
      seed: 11,
    });
    initializeAll(architecture, classifier.store, 3);
    return classifier;
  };
  const gradient = (c: TaskModel) => Float32Array.from(c.store.trained.gradient);
  const closeTo = (a: Float32Array, b: Float32Array, tolerance: number) => {
    const scale = b.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    expect(a.length).toBe(b.length);
    expect(Math.max(...a.map((x, i) => Math.abs(x - b[i]!))) / scale).toBeLessThan(tolerance);
  };

  it('gives texts that share a row the logits they have alone', async () => {
    const c = make();
    const texts = [5, 9, 3, 14, 7].map((n) => textOf(n));
    const together = await c.logits(texts);
    for (const [i, text] of texts.entries()) closeTo(together.slice(i * 3, i * 3 + 3), await c.logits([text]), 1e-5);
    c.dispose();
  });

  it('leaves the gradients of packed texts equal to the sum of each text’s own', async () => {
    const c = make();
    const texts = [5, 9, 3, 14].map((n, i) => textOf(n, i % 3));
    await c.gradients(texts, { weight: 1 / 4, microStep: 0, slots: 4 });
    const together = gradient(c);
    const sum = new Float32Array(together.length);
    for (const text of texts) {
      await c.gradients([text], { weight: 1 / 4, microStep: 0, slots: 1 });
      gradient(c).forEach((g, i) => {
        sum[i]! += g;
      });
    }
    closeTo(together, sum, 1e-5);
    c.dispose();
  });

  it('is not moved by the slots that fill a short batch', async () => {
    const c = make();
    const texts = [5, 9].map((n, i) => textOf(n, i));
    const exact = await c.gradients(texts, { weight: 1 / 2, microStep: 0, slots: 2 });
    const alone = gradient(c);
    const filled = await c.gradients(texts, { weight: 1 / 2, microStep: 0, slots: 8 });
    expect(filled.loss).toBeCloseTo(exact.loss, 6);
    closeTo(gradient(c), alone, 1e-5);
    c.dispose();
  });

  it('drops by seed and step alone: the same step repeats bit for bit, another differs', async () => {
    const c = make({ dropout: 0.2 });
    const texts = [5, 9, 20].map((n, i) => textOf(n, i));
    const run = (microStep: number) => c.gradients(texts, { weight: 1 / 3, microStep, slots: 3 });
    const { loss } = await run(4);
    const first = gradient(c);
    expect((await run(5)).loss).not.toBe(loss);
    expect((await run(4)).loss).toBe(loss);
    expect(gradient(c)).toEqual(first);
    c.dispose();
  });

  it('trains the head on features as on texts', async () => {
    const c = make({ strategy: { type: 'head' } });
    expect(c.headOnly).toBe(true);
    const texts = [5, 9, 20].map((n, i) => textOf(n, i));
    await c.gradients(texts, { weight: 1 / 3, microStep: 0, slots: 3 });
    const fromTexts = gradient(c);
    const features = await c.features(texts);
    await c.gradients(texts, { weight: 1 / 3, microStep: 0, slots: 3, features });
    closeTo(gradient(c), fromTexts, 1e-5);
    closeTo(await c.headLogits(features), await c.logits(texts), 1e-5);
    c.dispose();
  });

  it('gives frozen layers no gradient, and the others what they have when nothing is frozen', async () => {
    const texts = [5, 9, 20].map((n, i) => textOf(n, i));
    const all = make();
    const frozen = make({ strategy: { type: 'freeze', num_frozen_layers: 2 } });
    for (const c of [all, frozen]) await c.gradients(texts, { weight: 1 / 3, microStep: 0, slots: 3 });
    const names = frozen.store.trainedNames();
    expect(names.some((n) => n.includes('embeddings') || n.includes('layer.1.'))).toBe(false);
    expect(names.some((n) => n.includes('layer.2.'))).toBe(true);
    for (const name of names) {
      // A key's bias moves all scores of a query alike, so its true gradient is 0.
      if (name.endsWith('key.bias')) continue;
      closeTo(frozen.store.get(name).trained!.gradient, all.store.get(name).trained!.gradient, 1e-5);
    }
    all.dispose();
    frozen.dispose();
  });

  it('trains what the phase of the run trains, with programs of its own', async () => {
    const isTrained = (phase: number, name: string) => name.startsWith('classifier') || phase === 1;
    const phases = new Phases([0, 1]);
    const [c, all] = [make({ isTrained, phases }), make()];
    const texts = [5, 9, 3, 14].map((n, i) => textOf(n, i % 3));
    const gradients = (one: TaskModel) => one.gradients(texts, { weight: 1 / 4, microStep: 0, slots: 4 });
    await gradients(all);
    const expected = all.store.get('bert.pooler.dense.weight').trained!.gradient;
    const ours = c.store.get('bert.pooler.dense.weight').trained!.gradient;
    await gradients(c);
    expect(ours.every((value) => value === 0)).toBe(true);
    c.enter(1);
    // The same shape of batch: the program of the phase before would leave this as it was.
    await gradients(c);
    closeTo(ours, expected, 1e-6);
    for (const one of [c, all]) one.dispose();
  });
});
