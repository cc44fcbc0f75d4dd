import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import { initializeAll } from '../../src/engine/model-files/load-weights.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { classLoss } from '../../src/engine/tasks/loss.ts';
import type { LabelledItem } from '../../src/engine/tasks/task.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Resident bytes once what is dead is gone, native memory that hangs on it included. */
async function residentBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage.rss();
}

const architecture = architectureOf(
  {
    model_type: 'bert',
    vocab_size: 500,
    hidden_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 256,
    max_position_embeddings: 64,
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
  },
  'config.json',
);
const adamW = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 };
const random = new Random(1);
const text = (i: number): LabelledItem => ({
  ids: Int32Array.from({ length: 8 + random.below(20) }, () => random.below(500)),
  typeIds: null,
  labels: Int32Array.of(i % 2),
});
const MEGABYTE = 1e6;

describe('memory stays as it is', () => {
  let executor: Executor;
  let classifier: TaskModel;
  let step = 0;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 2 });
    classifier = new TaskModel({
      executor,
      architecture,
      numLabels: 2,
      padId: 0,
      isTrained: () => true,
      accumulate: false,
      loss: classLoss(),
      maxBatch: { texts: 64, tokens: 32 },
      seed: 1,
    });
    initializeAll(architecture, classifier.store, 1);
  });
  afterAll(() => {
    classifier.dispose();
    executor.dispose();
  });

  async function train(texts: LabelledItem[], slots: number): Promise<void> {
    await classifier.gradients(texts, { weight: 1 / texts.length, microStep: step, slots });
    step++;
    adamWStep(classifier.store, adamW, 1e-4, step, gradientNorm(classifier.store));
  }

  it('over 2,000 steps', { timeout: 300_000 }, async () => {
    const run = async (steps: number) => {
      for (let i = 0; i < steps; i++)
        await train(
          Array.from({ length: 4 }, (_, k) => text(k)),
          4,
        );
    };
    await run(200);
    const before = await residentBytes();
    await run(2_000);
    // A leak of a single array of this model's hidden states (8 kB a text) in each step would be 16 MB.
    expect((await residentBytes()) - before).toBeLessThan(12 * MEGABYTE);
  });

  it('over 50 compiled shapes, each of them used and given up twice', { timeout: 300_000 }, async () => {
    const shapes = async () => {
      for (let slots = 5; slots < 55; slots++) await train([text(0), text(1)], slots);
    };
    await shapes();
    const before = await residentBytes();
    await shapes();
    expect((await residentBytes()) - before).toBeLessThan(12 * MEGABYTE);
  });
});
