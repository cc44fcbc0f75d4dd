import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { learningRate } from '../../src/engine/recipes/schedule.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { createWebGpuExecutor } from '../../src/engine/tensor/executors/webgpu.ts';
import { LossScale } from '../../src/engine/train/loss-scale.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { Recipe } from '../../src/protocol/index.ts';
import { figures } from './executors.ts';
import { weight } from './values.ts';

const read = (name: string) => JSON.parse(readFileSync(figures(name), 'utf8')) as unknown;

/** What small_training.py wrote. */
const small = read('small-training.json') as {
  config: Record<string, unknown>;
  settings: Recipe;
  batch: number;
  num_labels: number;
  deviation: number;
  ids: number[][];
  labels: number[];
  losses: number[];
};
/** What float16_training.py wrote. */
interface Run {
  losses: number[];
  grad_norms: (number | null)[];
  /** After each step. */
  scales: number[];
}
const f = read('float16-training.json') as { first_scale: number; rounded: Run; autocast: Run };

const rows = small.ids.map((ids, i) => ({
  ...{ ids: Int32Array.from(ids), typeIds: null, labels: Int32Array.of(small.labels[i]!) },
}));

function classifierOf(executor: Executor): TaskModel {
  const config = { ...small.config, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
  const classifier = new TaskModel({
    ...{ executor, architecture: architectureOf(config, 'config.json'), numLabels: small.num_labels, padId: 0 },
    ...{ isTrained: () => true, accumulate: false, loss: classLoss(), float16: true, seed: 5 },
    maxBatch: { texts: small.batch, tokens: Math.max(...small.ids.map((ids) => ids.length)) },
  });
  for (const { name, weight: target } of classifier.store.parameters.values())
    target.set(weight(name, target.length, small.deviation));
  return classifier;
}

/** As task-trainer.ts does it. */
async function train(executor: Executor, steps: number): Promise<Run> {
  const model = classifierOf(executor);
  const scale = new LossScale();
  scale.restore({ scale: f.first_scale, good_steps: 0, skipped: [] });
  const run: Run = { losses: [], grad_norms: [], scales: [] };
  for (let step = 0; step < steps; step++) {
    const texts = Array.from({ length: small.batch }, (_, i) => rows[(step * small.batch + i) % rows.length]!);
    const given = { weight: 1 / small.batch, microStep: step, slots: small.batch, lossScale: scale.value };
    const { loss } = await model.gradients(texts, given);
    const lr = learningRate(small.settings, step - scale.skippedSince(0), small.losses.length);
    const scaled = scale.scaledSince(0, model.store.phases);
    let norm = Number.NaN;
    if (model.device) {
      await model.device
        .step(
          small.settings,
          lr,
          step + 1,
          (found) => {
            norm = found;
            if (!Number.isFinite(found)) throw new Error('overflow');
          },
          scaled,
        )
        .catch(() => {});
    } else {
      norm = gradientNorm(model.store) / scale.value;
      if (Number.isFinite(norm)) adamWStep(model.store, small.settings, lr, step + 1, norm, scaled);
    }
    if (Number.isFinite(norm)) scale.keep();
    else scale.backOff(step);
    run.losses.push(loss);
    run.grad_norms.push(Number.isFinite(norm) ? norm : null);
    run.scales.push(scale.value);
  }
  model.dispose();
  return run;
}

const apart = (a: readonly (number | null)[], b: readonly (number | null)[]) =>
  Math.max(...a.map((x, i) => (x === null || b[i] === null ? Number(x !== b[i]) : Math.abs(x - b[i]!) / Math.abs(x))));

describe('training in float16, rounded on the processor', { timeout: 240_000 }, () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
  });
  beforeEach(() => vi.stubEnv('LUTHIER_TEST_FLOAT16', '1'));
  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => executor.dispose());

  it('has PyTorch’s losses, norms, skipped steps and scales, of products rounded alike and of autocast', async () => {
    expect(await executor.computesInFloat16!()).toBe(true);
    const { length } = f.rounded.losses;
    const run = await train(executor, length);
    expect(run.scales).toEqual(f.rounded.scales);
    expect(run.scales).toEqual(f.autocast.scales);
    expect(run.grad_norms.filter((norm) => norm === null)).toHaveLength(4);
    for (const theirs of [f.rounded, f.autocast]) {
      expect(apart(theirs.losses, run.losses)).toBeLessThan(1e-3);
      expect(apart(theirs.grad_norms, run.grad_norms)).toBeLessThan(5e-3);
    }
    // The first is of the same weights as float32's: rounding alone is between them.
    const rounding = apart([small.losses[0]!], [run.losses[0]!]);
    expect(rounding).toBeGreaterThan(1e-6);
    expect(rounding).toBeLessThan(1e-4);
  });
});

const hasWebGpu = process.env.LUTHIER_TEST_WEBGPU === '1';
let card: Executor | undefined;
if (hasWebGpu) card = await createWebGpuExecutor();
const hasFloat16 = (await card?.computesInFloat16?.()) === true;
const where = hasFloat16 ? '' : ' (skipped: no graphics card with float16 here, nor has SwiftShader it)';
describe.skipIf(!hasFloat16)(`training in float16 on a card${where}`, { timeout: 600_000 }, () => {
  it('has PyTorch’s losses, skipped steps and scales, though it sums in float16, too', async () => {
    const run = await train(card!, 12);
    expect(run.scales).toEqual(f.rounded.scales.slice(0, 12));
    expect(apart(f.rounded.losses.slice(0, 12), run.losses)).toBeLessThan(5e-3);
  });
});
