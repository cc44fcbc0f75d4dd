import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { learningRate } from '../../src/engine/recipes/schedule.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { Recipe } from '../../src/protocol/index.ts';
import { EXECUTORS, figures } from './executors.ts';
import { weight } from './values.ts';

/** What small_training.py wrote. */
const f = JSON.parse(readFileSync(figures('small-training.json'), 'utf8')) as {
  config: Record<string, unknown>;
  settings: Recipe;
  batch: number;
  num_labels: number;
  deviation: number;
  ids: number[][];
  labels: number[];
  losses: number[];
  grad_norms: number[];
};
const rows = f.ids.map((ids, i) => ({ ids: Int32Array.from(ids), typeIds: null, labels: Int32Array.of(f.labels[i]!) }));
const longest = Math.max(...f.ids.map((ids) => ids.length));

/** The model of the figures, ready to be trained. */
function classifierOf(executor: Executor, dropout: number): TaskModel {
  const config = { ...f.config, hidden_dropout_prob: dropout, attention_probs_dropout_prob: dropout };
  const classifier = new TaskModel({
    executor,
    architecture: architectureOf(config, 'config.json'),
    numLabels: f.num_labels,
    padId: 0,
    isTrained: () => true,
    accumulate: false,
    loss: classLoss(),
    maxBatch: { texts: f.batch, tokens: longest },
    seed: 5,
  });
  for (const { name, weight: target } of classifier.store.parameters.values()) {
    target.set(weight(name, target.length, f.deviation));
  }
  return classifier;
}

/** One step, wherever the executor has the parameters. */
async function trainStep(classifier: TaskModel, step: number): Promise<{ loss: number; norm: number }> {
  const texts = Array.from({ length: f.batch }, (_, i) => rows[(step * f.batch + i) % rows.length]!);
  const { loss } = await classifier.gradients(texts, { weight: 1 / f.batch, microStep: step, slots: f.batch });
  const lr = learningRate(f.settings, step, f.losses.length);
  if (classifier.device) return { loss, norm: await classifier.device.step(f.settings, lr, step + 1, () => {}) };
  const norm = gradientNorm(classifier.store);
  adamWStep(classifier.store, f.settings, lr, step + 1, norm);
  return { loss, norm };
}

const bits = (values: Float32Array) => Buffer.from(Float32Array.from(values).buffer).toString('base64');

describe.each(EXECUTORS)('a BERT of 2 layers of 128: $title', ({ isThere, create, lossTolerance }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  const title = `${f.losses.length} steps follow PyTorch's losses within ${lossTolerance}, gradient norms within ${10 * lossTolerance}`;
  test.skipIf(!isThere)(title, { timeout: 900_000 }, async () => {
    const classifier = classifierOf(executor, 0);
    let worst = 0;
    for (const [step, expected] of f.losses.entries()) {
      const { loss, norm } = await trainStep(classifier, step);
      worst = Math.max(worst, Math.abs(loss / expected - 1));
      expect(worst, `step ${step + 1}: ${loss} against ${expected}`).toBeLessThan(lossTolerance);
      expect(Math.abs(norm / f.grad_norms[step]! - 1), `norm of step ${step + 1}`).toBeLessThan(10 * lossTolerance);
    }
    expect(f.losses.at(-1)!).toBeLessThan(f.losses[0]! / 2);
    classifier.dispose();
  });

  test.skipIf(!isThere)(
    'with dropout, equal seeds give equal bits, also when taken up in the middle',
    { timeout: 300_000 },
    async () => {
      const [half, end] = [3, 6];
      const run = async (classifier: TaskModel, from: number, to: number) => {
        const losses: number[] = [];
        for (let step = from; step < to; step++) losses.push((await trainStep(classifier, step)).loss);
        await classifier.device?.collect();
        return losses;
      };
      const state = ({ store }: TaskModel) =>
        [store.trained.weight, store.trained.expAvg, store.trained.expAvgSq].map(bits);

      const first = classifierOf(executor, 0.1);
      const losses = await run(first, 0, half);
      const middle = [first.store.trained.weight, first.store.trained.expAvg, first.store.trained.expAvgSq].map((x) =>
        x.slice(),
      );
      losses.push(...(await run(first, half, end)));

      const again = classifierOf(executor, 0.1);
      expect(await run(again, 0, end)).toEqual(losses);
      expect(state(again)).toEqual(state(first));

      const resumed = classifierOf(executor, 0.1);
      const { weight: w, expAvg, expAvgSq } = resumed.store.trained;
      for (const [i, target] of [w, expAvg, expAvgSq].entries()) target.set(middle[i]!);
      resumed.store.retouch();
      expect(await run(resumed, half, end)).toEqual(losses.slice(half));
      expect(state(resumed)).toEqual(state(first));

      const without = classifierOf(executor, 0);
      expect(await run(without, 0, 1)).not.toEqual(losses.slice(0, 1));
      for (const classifier of [first, again, resumed, without]) classifier.dispose();
    },
  );
});
