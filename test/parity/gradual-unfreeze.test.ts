import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SafetensorsFile } from '../../src/engine/hub/safetensors.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { learningRate } from '../../src/engine/recipes/schedule.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { isTrainedIn, phasesOf, rateOf } from '../../src/engine/strategies/apply.ts';
import { strategySchema } from '../../src/engine/strategies/index.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { Recipe, Strategy } from '../../src/protocol/index.ts';
import { type Figures, read } from './bert-run.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, weight } from './values.ts';

/** What gradual_figures.py wrote. */
const f = read('gradual-unfreeze.json') as Figures & {
  settings: Recipe;
  strategy: Strategy;
  losses: number[];
  grad_norms: number[];
};
const architecture = architectureOf(f.config, 'figures');
const strategy = strategySchema.parse(f.strategy);
const steps = f.losses.length;
const phases = phasesOf(strategy, architecture, { perEpoch: 1, total: steps });
const rows = f.texts.map(({ ids, second_from, label }) => ({
  ids: Int32Array.from(ids),
  typeIds: Uint8Array.from(ids, (_, i) => (i < second_from ? 0 : 1)),
  labels: Int32Array.of(label),
}));

function modelOf(executor: Executor, accumulate: boolean): TaskModel {
  const model = new TaskModel({
    ...{ executor, architecture, numLabels: f.num_labels, padId: 0, phases, accumulate, loss: classLoss() },
    isTrained: isTrainedIn(strategy, architecture),
    rateOf: rateOf(strategy, architecture),
    ...{ maxBatch: { texts: rows.length, tokens: 16 }, seed: 1 },
  });
  for (const { name, weight: target } of model.store.parameters.values())
    target.set(weight(name, target.length, f.deviation));
  return model;
}

describe.each(EXECUTORS)("gradual unfreezing against PyTorch's in float64: $title", (executorCase) => {
  const { isThere, create, lossTolerance } = executorCase;
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  const title = `losses of ${steps} steps through ${phases.starts.length} phases, with discriminative rates under a slanted triangle`;
  test.skipIf(!isThere)(title, { timeout: 240_000 }, async () => {
    expect(phases.starts).toEqual([0, 13, 26, 39]);
    const model = modelOf(executor, false);
    const { store, device } = model;
    for (const [step, expected] of f.losses.entries()) {
      model.enter(phases.at(step));
      const options = { weight: 1 / rows.length, microStep: step, slots: rows.length };
      const { loss } = await model.gradients(rows, options);
      const lr = learningRate(f.settings, step, steps);
      const norm = device ? await device.step(f.settings, lr, step + 1, () => {}) : gradientNorm(store);
      if (!device) adamWStep(store, f.settings, lr, step + 1, norm);
      const said = `step ${step + 1}: ${loss} against ${expected}`;
      // What the issue asks for, and what each executor keeps elsewhere.
      expect(Math.abs(loss / expected - 1), said).toBeLessThan(Math.min(1e-4, 10 * lossTolerance));
      expect(Math.abs(norm / f.grad_norms[step]! - 1), `norm of ${said}`).toBeLessThan(1e-3);
    }
    await device?.collect();
    const file = await SafetensorsFile.open(fileURLToPath(figures('gradual-unfreeze-after.safetensors')));
    expect(store.trainedNames().sort()).toEqual([...file.tensors.keys()].sort());
    for (const [name, { size }] of file.tensors) {
      const expected = new Float32Array(size);
      await file.readInto(name, expected);
      // A key's bias has no gradient but rounding (bert-run.ts), by which AdamW moves it, and changes no answer.
      if (!name.endsWith('key.bias')) expect(relativeError(store.get(name).weight, expected), name).toBeLessThan(1e-3);
    }
    await file.close();
    model.dispose();
  });
});
