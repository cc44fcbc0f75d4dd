import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SafetensorsFile } from '../../src/engine/hub/safetensors.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { isTrainedBy, isTrainedIn } from '../../src/engine/strategies/apply.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { Recipe } from '../../src/protocol/index.ts';
import { allOk, type Figures, judgeAll, read, run, TOLERANCE } from './bert-run.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, weight } from './values.ts';

/** What bitfit_figures.py wrote. */
const f = read('bitfit.json') as Figures & { settings: Recipe; losses: number[]; grad_norms: number[] };
const architecture = architectureOf(f.config, 'figures');
const isTrained = (name: string) => isTrainedBy({ type: 'bitfit' }, architecture)(name);

describe.each(EXECUTORS)("BitFit against PyTorch's in float64: $title", ({ isThere, create, lossTolerance }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere)('logits, loss and every gradient of what is trained', { timeout: 240_000 }, async () => {
    for (const packedInto of [undefined, 26]) {
      const result = await run(executor, f, { isTrained, ...(packedInto ? { packedInto } : {}) });
      expect(relativeError(result.logits, f.logits.flat())).toBeLessThan(TOLERANCE);
      expect(relativeError([result.loss], [f.loss])).toBeLessThan(TOLERANCE);
      expect(await judgeAll(result.gradients, f, 'bitfit.safetensors')).toEqual(allOk(result.gradients.keys()));
    }
  });

  test.skipIf(!isThere)('losses, norms and weights of a few steps of AdamW', { timeout: 240_000 }, async () => {
    const texts = f.texts.map(({ ids, second_from, label }) => ({
      ids: Int32Array.from(ids),
      typeIds: Uint8Array.from(ids, (_, i) => (i < second_from ? 0 : 1)),
      labels: Int32Array.of(label),
    }));
    const model = new TaskModel({
      ...{
        executor,
        architecture,
        numLabels: f.num_labels,
        padId: 0,
        isTrained: isTrainedIn({ type: 'bitfit' }, architecture),
        accumulate: false,
        loss: classLoss(),
      },
      ...{ maxBatch: { texts: texts.length, tokens: 16 }, seed: 1 },
    });
    const { store, device } = model;
    for (const { name, weight: target } of store.parameters.values())
      target.set(weight(name, target.length, f.deviation));
    for (const [i, expected] of f.losses.entries()) {
      const [options, lr] = [{ weight: 1 / texts.length, microStep: i, slots: texts.length }, f.settings.learning_rate];
      const { loss } = await model.gradients(texts, options);
      const norm = device ? await device.step(f.settings, lr, i + 1, () => {}) : gradientNorm(store);
      if (!device) adamWStep(store, f.settings, lr, i + 1, norm);
      expect(Math.abs(loss / expected - 1)).toBeLessThan(lossTolerance);
      expect(Math.abs(norm / f.grad_norms[i]! - 1)).toBeLessThan(10 * lossTolerance);
    }
    await device?.collect();
    const file = await SafetensorsFile.open(fileURLToPath(figures('bitfit-after.safetensors')));
    expect(store.trainedNames().sort()).toEqual([...file.tensors.keys()].sort());
    for (const [name, { size }] of file.tensors) {
      const expected = new Float32Array(size);
      await file.readInto(name, expected);
      // A key's bias has no gradient but rounding (bert-run.ts), by which AdamW moves it, and changes no answer.
      if (!name.endsWith('key.bias'))
        expect(relativeError(store.get(name).weight, expected), name).toBeLessThan(10 * lossTolerance);
    }
    await file.close();
    model.dispose();
  });
});
