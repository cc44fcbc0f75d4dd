import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { architectureFor, isTrainedIn } from '../../src/engine/strategies/apply.ts';
import { strategySchema } from '../../src/engine/strategies/index.ts';
import { continuationLoss } from '../../src/engine/tasks/continuation-loss.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import type { LabelledItem, Loss } from '../../src/engine/tasks/task.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import { copyWeights, startOver } from '../../src/engine/train/trainer-state.ts';
import type { Recipe } from '../../src/protocol/index.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, weight } from './values.ts';

/** What pretraining_figures.py wrote. */
const f = JSON.parse(readFileSync(figures('pretraining.json'), 'utf8')) as {
  settings: Recipe;
  batch: number;
  num_labels: number;
  deviation: number;
  cases: Record<
    string,
    {
      config: Record<string, unknown>;
      texts: { ids: number[]; second_from: number; label: number }[];
      goes_on: number[];
      losses: number[];
      row_losses: number[];
      logits: number[][];
      num_virtual_tokens: number;
    }
  >;
};

/** Steps of each part where more would take long. */
const FEW = 4;

describe.each(EXECUTORS)(
  'a prompt that is pre-trained, beside peft’s: $title',
  ({ title, isThere, create, lossTolerance }) => {
    const isWhole = title === 'onnxruntime';
    let executor: Executor;
    beforeAll(async () => {
      if (isThere) executor = await create();
    });
    afterAll(() => executor?.dispose());

    test.skipIf(!isThere).each(Object.entries(f.cases))(
      '%s: losses of its steps, and those of rows after it, with classifier and moments from the beginning',
      { timeout: 300_000 },
      async (_, { config, texts, goes_on, losses, row_losses, logits, num_virtual_tokens }) => {
        const strategy = strategySchema.parse({ type: 'prompt-tuning', num_virtual_tokens });
        const architecture = architectureFor(strategy, architectureOf(config, 'figures'));
        const rows = classLoss();
        const pairs = continuationLoss();
        const model = new TaskModel({
          ...{ executor, architecture, padId: 0, accumulate: false, seed: 1, numLabels: f.num_labels, loss: rows },
          isTrained: isTrainedIn(strategy, architecture),
          maxBatch: { texts: f.batch, tokens: 13 },
        });
        const { store, device } = model;
        for (const { name, weight: target } of store.parameters.values())
          target.set(weight(name, target.length, f.deviation));
        const beginning = copyWeights(model, (name) => name !== 'prompt_embeddings');
        expect([...beginning.keys()].every((name) => /^(classifier|score)\./.test(name))).toBe(true);

        const train = async (items: readonly LabelledItem[], expected: readonly number[], otherLoss?: Loss) => {
          const learnt = otherLoss ?? rows;
          for (const [step, loss] of expected.entries()) {
            const batch = Array.from({ length: f.batch }, (_, i) => items[(step * f.batch + i) % items.length]!);
            const weight = learnt.weight(batch);
            const done = await model.gradients(batch, { weight, microStep: step, slots: f.batch, otherLoss });
            const rate = f.settings.learning_rate;
            if (device) await device.step(f.settings, rate, step + 1, () => {});
            else adamWStep(store, f.settings, rate, step + 1, gradientNorm(store));
            expect(Math.abs(done.loss - loss), `step ${step + 1}: ${done.loss}, ${loss}`).toBeLessThan(lossTolerance);
          }
        };
        const itemsOf = (labels: (i: number) => LabelledItem['labels']): LabelledItem[] =>
          texts.map(({ ids, second_from }, i) => ({
            ids: Int32Array.from(ids),
            typeIds: Uint8Array.from(ids, (_, at) => (at < second_from ? 0 : 1)),
            labels: labels(i),
          }));
        const of = (all: readonly number[]) => all.slice(0, isWhole ? undefined : FEW);
        await train(
          itemsOf((i) => Float32Array.of(goes_on[i]!)),
          of(losses),
          pairs,
        );
        const after = itemsOf((i) => Int32Array.of(texts[i]!.label));
        // What comes next depends on every step before it.
        if (isWhole) {
          await startOver(beginning, model);
          await train(after, row_losses);
          expect(relativeError(await model.logits(after), logits.flat())).toBeLessThan(lossTolerance);
        }
        model.dispose();
      },
    );
  },
);
