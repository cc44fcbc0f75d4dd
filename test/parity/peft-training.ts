import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CachedModel } from '../../src/engine/infer/cached-model.ts';
import type { HeadKind } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { architectureFor, isTrainedIn } from '../../src/engine/strategies/apply.ts';
import { strategySchema } from '../../src/engine/strategies/index.ts';
import { languageLoss } from '../../src/engine/tasks/language/loss.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import { IGNORED, type LabelledItem } from '../../src/engine/tasks/task.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { Recipe, Strategy } from '../../src/protocol/index.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, weight } from './values.ts';

interface Case {
  strategy: Strategy;
  config: Record<string, unknown>;
  task: 'SEQ_CLS' | 'CAUSAL_LM';
  trained: string[];
  texts: { ids: number[]; second_from: number; label: number }[];
  losses: number[];
  logits: number[][];
}

/** What peft_training.py wrote. */
interface Figures {
  settings: Recipe;
  batch: number;
  num_labels: number;
  deviation: number;
  cases: Record<string, Case>;
}

const WRITES: HeadKind = { name: 'text-generation', reads: 'all' };

function itemsOf({ task, texts }: Case): LabelledItem[] {
  return texts.map(({ ids, second_from, label }) => ({
    ids: Int32Array.from(ids),
    typeIds: Uint8Array.from(ids, (_, i) => (i < second_from ? 0 : 1)),
    labels: task === 'SEQ_CLS' ? Int32Array.of(label) : Int32Array.from([...ids.slice(1), IGNORED]),
  }));
}

function modelOf(executor: Executor, { strategy: keys, config, task }: Case, f: Figures): TaskModel {
  const strategy = strategySchema.parse(keys);
  const writes = task === 'CAUSAL_LM';
  const architecture = architectureFor(strategy, architectureOf(config, 'figures', writes ? WRITES : undefined));
  const model = new TaskModel({
    ...{ executor, architecture, padId: 0, accumulate: false, seed: 1 },
    numLabels: architecture.outputs ?? f.num_labels,
    isTrained: isTrainedIn(strategy, architecture),
    loss: writes ? languageLoss({ recipe: { label_smoothing_factor: 0 } }) : classLoss(),
    maxBatch: { texts: f.batch, tokens: 13 },
  });
  for (const { name, weight: target } of model.store.parameters.values())
    target.set(weight(name, target.length, f.deviation));
  return model;
}

/** Steps where more would take long. */
const FEW = 10;

/**
 * Every case of a file on every executor: its losses; on the first also logits, and those of a model with a cache.
 * @param last so many of the last cases alone on executors that are slow
 */
export const besidePeft = (what: string, file: string, last = Number.POSITIVE_INFINITY): void =>
  describe.each(EXECUTORS)(`${what} beside peft's: $title`, ({ title, isThere, isSlow, create, lossTolerance }) => {
    const f = JSON.parse(readFileSync(figures(file), 'utf8')) as Figures;
    const isWhole = title === 'onnxruntime';
    let executor: Executor;
    beforeAll(async () => {
      if (isThere) executor = await create();
    });
    afterAll(() => executor?.dispose());

    test.skipIf(!isThere).each(Object.entries(f.cases).slice(isSlow ? -last : 0))(
      `%s: losses of ${isWhole ? 50 : FEW} steps${isWhole ? ', logits after them, and those of a model with a cache' : ''}`,
      { timeout: 300_000 },
      async (_, given) => {
        const items = itemsOf(given);
        const model = modelOf(executor, given, f);
        const { store, device } = model;
        expect(store.trainedNames().sort()).toEqual(given.trained);
        for (const [step, expected] of given.losses.slice(0, isWhole ? undefined : FEW).entries()) {
          const texts = Array.from({ length: f.batch }, (_, i) => items[(step * f.batch + i) % items.length]!);
          const learnt = texts.reduce((n, { labels }) => n + labels.filter((label) => label !== IGNORED).length, 0);
          const weigh = (label: number) => (label === IGNORED ? 0 : 1 / learnt);
          const { loss } = await model.gradients(texts, { weight: weigh, microStep: step, slots: f.batch });
          const rate = f.settings.learning_rate;
          if (device) await device.step(f.settings, rate, step + 1, () => {});
          else adamWStep(store, f.settings, rate, step + 1, gradientNorm(store));
          expect(Math.abs(loss - expected), `step ${step + 1}: ${loss} against ${expected}`).toBeLessThan(
            lossTolerance,
          );
        }
        if (isWhole) {
          expect(relativeError(await model.logits(items), given.logits.flat())).toBeLessThan(lossTolerance);
          if (given.task === 'CAUSAL_LM') await compareCached(model, items, given.logits, lossTolerance);
        }
        model.dispose();
      },
    );
  });

/** A prompt takes its place once: read in parts, after another one, and a token at a time. */
async function compareCached(
  model: TaskModel,
  items: readonly LabelledItem[],
  logits: readonly number[][],
  tolerance: number,
): Promise<void> {
  const cached = new CachedModel(model, { lengths: [4, 8], capacity: 16 });
  for (const [i, { ids }] of items.entries()) {
    const width = logits[i]!.length / ids.length;
    const after = (count: number) => logits[i]!.slice((count - 1) * width, count * width);
    const read =
      i % 2 === 0 ? await cached.begin([...ids.subarray(0, 2)]) : (await cached.resume([...ids.subarray(0, 2)])).logits;
    expect(relativeError(read, after(2))).toBeLessThan(tolerance);
    for (const [at, id] of [...ids].entries()) {
      if (at < 2) continue;
      const [next] = await cached.next([id], [0]);
      expect(relativeError(next!, after(at + 1))).toBeLessThan(tolerance);
    }
    const again = await cached.resume([...ids]);
    expect(again.reused).toBe(ids.length - 1);
    expect(relativeError(again.logits, after(ids.length))).toBeLessThan(tolerance);
  }
}
