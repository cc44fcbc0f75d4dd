import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { labelsLoss, valueLoss } from '../../src/engine/tasks/loss.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, weight } from './values.ts';

/** What problem_type_figures.py wrote. */
interface Figures {
  config: Record<string, unknown>;
  num_labels: number;
  deviation: number;
  texts: { ids: number[]; targets: number[] }[];
  loss: number;
  logits: number[][];
  gradients: Record<string, number[]>;
  learning_rate: number;
  losses: number[];
}
const made = JSON.parse(readFileSync(figures('problem-types.json'), 'utf8')) as Record<string, Record<string, Figures>>;
const LOSSES = { multi_label_classification: labelsLoss(), regression: valueLoss() };
const ADAM = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0, max_grad_norm: 1 };
const CASES = Object.entries(made).flatMap(([problem, families]) =>
  Object.entries(families).map(([family, f]) => [problem as keyof typeof LOSSES, family, f] as const),
);

describe.each(EXECUTORS)('Several labels and values: $title', ({ isThere, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere).each(CASES)(
    '%s, %s: logits, loss, every gradient and a run of AdamW are PyTorch’s',
    { timeout: 120_000 },
    async (problem, _, f) => {
      const items = f.texts.map(({ ids, targets }) => ({
        ids: Int32Array.from(ids),
        typeIds: null,
        labels: Float32Array.from(targets),
      }));
      const loss = LOSSES[problem];
      const model = new TaskModel({
        executor,
        architecture: architectureOf(f.config, 'config.json'),
        numLabels: f.num_labels,
        padId: 0,
        isTrained: () => true,
        accumulate: false,
        loss,
        maxBatch: { texts: 8, tokens: 13 },
        seed: 5,
      });
      const { parameters } = model.store;
      expect([...parameters.keys()].sort()).toEqual(Object.keys(f.gradients).sort());
      for (const { name, weight: target } of parameters.values()) target.set(weight(name, target.length, f.deviation));
      model.device?.replaced('weights');
      expect(relativeError(await model.logits(items), f.logits.flat())).toBeLessThan(1e-5);
      // Places for more texts than there are.
      const step = (microStep: number) => model.gradients(items, { weight: loss.weight(items), microStep, slots: 8 });
      const first = await step(0);
      expect(Math.abs(first.loss / f.loss - 1)).toBeLessThan(1e-5);
      if (model.device) return model.dispose();
      const largest = Math.max(...Object.values(f.gradients).flat().map(Math.abs));
      for (const [name, expected] of Object.entries(f.gradients)) {
        const { gradient } = parameters.get(name)!.trained!;
        // A key's bias has no gradient; what stands there is noise.
        expect(relativeError(gradient, expected, 1e-3 * largest), name).toBeLessThan(1e-4);
      }
      const losses: number[] = [];
      for (let i = 0; i < f.losses.length; i++) {
        losses.push((await step(i)).loss);
        adamWStep(model.store, ADAM, f.learning_rate, i + 1, gradientNorm(model.store));
      }
      expect(relativeError(losses, f.losses)).toBeLessThan(1e-4);
      model.dispose();
    },
  );
});
