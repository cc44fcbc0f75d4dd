import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embeddingPart } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { learningRate } from '../../src/engine/recipes/schedule.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { packTexts } from '../../src/engine/runtime/packing.ts';
import { isTrainedIn, phasesOf } from '../../src/engine/strategies/apply.ts';
import { strategySchema } from '../../src/engine/strategies/index.ts';
import { cosineSimilarityLoss } from '../../src/engine/tasks/contrastive-loss.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { Recipe } from '../../src/protocol/index.ts';
import { EXECUTORS, figures, followed, isAll } from './executors.ts';
import { relativeError, weight } from './values.ts';

/** What contrastive_training.py wrote. */
const f = JSON.parse(readFileSync(figures('contrastive-training.json'), 'utf8')) as {
  config: Record<string, unknown> & { num_hidden_layers: number };
  settings: Recipe;
  deviation: number;
  ids: number[][];
  compared: number[][];
  losses: number[];
  grad_norms: number[];
  first_embeddings: number[][];
};
/** Of the run's steps; fewer where each takes long: 200 steps of training.test.ts have the same optimiser. */
const FOLLOWED = 30;
const FOLLOWED_SLOWLY = 10;
const texts = f.compared[0]!.length;
const longest = Math.max(...f.ids.map((ids) => ids.length));
const strategy = strategySchema.parse({ type: 'few-shot' });

/** The body of the figures, and behind it the layer that pools and a classifier: what few-shot trains. */
function modelOf(executor: Executor, dropout: number): TaskModel {
  const config = {
    ...{ ...f.config, hidden_dropout_prob: dropout, attention_probs_dropout_prob: dropout },
    ...{ num_hidden_layers: f.config.num_hidden_layers + 1, luthier: { pooling: 'mean' } },
  };
  const architecture = architectureOf(config, 'config.json');
  const loss = cosineSimilarityLoss();
  const model = new TaskModel({
    ...{ executor, architecture, numLabels: 2, padId: 0, accumulate: false, loss, seed: 5 },
    isTrained: isTrainedIn(strategy, architecture),
    phases: phasesOf(strategy, architecture, { perEpoch: f.losses.length, total: f.losses.length }),
    learns: embeddingPart(architecture),
    maxBatch: { texts: texts + 2, tokens: longest },
  });
  for (const { name, weight: target } of model.store.parameters.values())
    target.set(weight(name, target.length, f.deviation));
  return model;
}

/** Those belong together whose numbers are both even or both odd. */
const item = (i: number) => ({
  ...{ ids: Int32Array.from(f.ids[i]!), typeIds: null, labels: Int32Array.of(i % 2) },
});

async function trainStep(model: TaskModel, step: number): Promise<{ loss: number; norm: number }> {
  // A batch that is not full.
  const { loss } = await model.gradients(f.compared[step]!.map(item), {
    ...{ weight: 1 / texts, microStep: step, slots: texts + 2 },
  });
  const lr = learningRate(f.settings, step, f.losses.length);
  if (model.device) return { loss, norm: await model.device.step(f.settings, lr, step + 1, () => {}) };
  const norm = gradientNorm(model.store);
  adamWStep(model.store, f.settings, lr, step + 1, norm);
  return { loss, norm };
}

test('the texts of a step share rows', () => {
  const lengths = f.compared[0]!.map((i) => f.ids[i]!.length);
  expect(packTexts(lengths, 32, texts).shape.rows).toBeLessThan(texts);
});

describe.each(EXECUTORS)('a BERT of 2 layers of 128 that learns from pairs: $title', (tested) => {
  const { isThere, isSlow, create, lossTolerance } = tested;
  const steps = isSlow ? followed(FOLLOWED, FOLLOWED_SLOWLY) : FOLLOWED;
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  const title = `embeds as sentence-transformers, and ${steps} steps follow its losses within ${lossTolerance}, gradient norms within ${10 * lossTolerance}`;
  test.skipIf(!isThere)(title, { timeout: 300_000 }, async () => {
    const model = modelOf(executor, 0);
    const embedded = await model.embeddings(f.ids.map((_, i) => item(i)));
    const firsts = f.ids.flatMap((_, i) => [...embedded.subarray(i * 128, i * 128 + 8)]);
    expect(relativeError(firsts, f.first_embeddings.flat())).toBeLessThan(1e-5);
    const classifier = model.store.get('classifier.weight').weight.slice();
    for (const [step, expected] of f.losses.slice(0, steps).entries()) {
      const { loss, norm } = await trainStep(model, step);
      expect(Math.abs(loss - expected), `step ${step + 1}: ${loss} against ${expected}`).toBeLessThan(
        lossTolerance * f.losses[0]!,
      );
      expect(Math.abs(norm / f.grad_norms[step]! - 1), `norm of step ${step + 1}`).toBeLessThan(10 * lossTolerance);
    }
    expect(f.losses[FOLLOWED - 1]!).toBeLessThan(f.losses[0]! / 2);
    // It comes after the pairs, and did not decay meanwhile.
    expect(model.store.get('classifier.weight').weight).toEqual(classifier);
    model.dispose();
  });

  // training.test.ts has it where each step takes long, too.
  test.skipIf(!isThere || (isSlow && !isAll))(
    'with dropout, equal seeds give equal bits',
    { timeout: 300_000 },
    async () => {
      const run = async (dropout: number) => {
        const model = modelOf(executor, dropout);
        const losses = [(await trainStep(model, 0)).loss, (await trainStep(model, 1)).loss];
        model.dispose();
        return losses;
      };
      const losses = await run(0.1);
      expect(await run(0.1)).toEqual(losses);
      expect(await run(0)).not.toEqual(losses);
    },
  );
});
