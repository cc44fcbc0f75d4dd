import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { cardLimits } from '../../src/engine/tensor/executors/card-limits.ts';
import { OUT_OF_MEMORY } from '../../src/engine/tensor/executors/card-memory.ts';
import { createWebGpuExecutor } from '../../src/engine/tensor/executors/webgpu.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Incident, Recipe } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';
import { EXECUTORS } from './executors.ts';

const { title, isThere } = EXECUTORS.find((executor) => executor.title.startsWith('webgpu'))!;

const root = mkdtempSync(path.join(tmpdir(), 'luthier-card-'));
const model = path.join(root, 'tiny');
const dataset = path.join(root, 'rows.csv');
beforeAll(async () => {
  await makeTinyBert(model);
  writeFileSync(dataset, tinyRows(48));
});
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => {
  delete process.env.LUTHIER_TEST_CARD_BYTES;
});

/** Whether dropout is on: each micro-batch has masks of its own. */
function setDropout(rate: number): void {
  const file = path.join(model, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, hidden_dropout_prob: rate, attention_probs_dropout_prob: rate }));
}

interface Trained {
  losses: number[];
  incidents: Incident[];
  accuracy: number | undefined;
  /** The most that its programs and tensors took of the card. */
  peak: number;
  evalPeak: number;
}

async function train(recipe: Partial<Recipe>, steps = 6): Promise<Trained> {
  const incidents: Incident[] = [];
  const trainer = await createTrainer({
    recipe: parseRecipe({
      ...{ model, dataset, validation_split: 0.25, learning_rate: 1e-3, seed: 5, backend: 'webgpu' },
      ...recipe,
    }),
    base: root,
    note: () => {},
    incident: (incident) => incidents.push(incident),
  });
  const { memory } = await createWebGpuExecutor();
  memory!.reset();
  try {
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) losses.push((await trainer.trainStep()).loss);
    const { peak } = memory!;
    memory!.reset();
    const report = await trainer.evaluate('validation');
    return { losses, incidents, accuracy: report.metrics.accuracy, peak, evalPeak: memory!.peak };
  } finally {
    trainer.dispose();
  }
}

const apart = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!) / Math.abs(x)));

describe.skipIf(!isThere)(`what a card grants: ${title}`, { timeout: 60_000 }, () => {
  it('is found out by what it refuses', async () => {
    const { largest_binding, largest_buffer, storage_buffers, float16 } = await cardLimits();
    // WebGPU’s own least (W3C, WebGPU, 3.6.2 Limits).
    expect(storage_buffers).toBeGreaterThanOrEqual(8);
    if (process.env.VK_ICD_FILENAMES?.includes('swiftshader')) {
      // A little less than a binding of 1 GiB is found, by whole rows.
      expect(largest_binding).toBeGreaterThan(2 ** 30 - 4096);
      expect(largest_binding).toBeLessThanOrEqual(2 ** 30);
      expect(largest_buffer).toBe(2 ** 30);
      expect(float16).toBe(false);
    } else if (largest_binding !== null) expect(largest_binding).toBeGreaterThanOrEqual(128 * 2 ** 20 - 4096);
  });
});

describe.skipIf(!isThere)(`a card’s memory: ${title}`, { timeout: 300_000 }, () => {
  it('is said to be full where the library says so of a buffer that cannot be made', async () => {
    const executor = await createWebGpuExecutor();
    const scalar = { shape: [1], dtype: 'float32' } as const;
    const filled = (rows: number) =>
      executor.compile(({ x }) => ({ y: tf.sum(tf.square(tf.broadcastTo(x!, [rows, 1024]))) }), { x: scalar });
    const y = new Float32Array(1);
    const run = async (rows: number) => {
      const compiled = await filled(rows);
      await compiled.run({ x: Float32Array.of(2) }, { y }).finally(() => compiled.dispose());
    };
    // 1.2 GB, more than SwiftShader gives at once; a graphics card may have room for it.
    const failed = await run(300_000).then(
      () => null,
      (error: Error) => error,
    );
    if (failed) {
      expect(failed).toMatchObject({ code: 'not-enough-memory' });
      expect(failed.message).toContain(OUT_OF_MEMORY);
    }
    // Nothing else is the worse for it.
    await run(4);
    expect(y[0]).toBe(4 * 4 * 1024);
    executor.dispose();
  });

  it('that is too small for an evaluation’s rows gives the same figures in smaller batches', async () => {
    setDropout(0);
    const whole = await train({ per_device_eval_batch_size: 12 }, 0);
    const small = await train({ per_device_eval_batch_size: 2 }, 0);
    expect(1.1 * small.evalPeak).toBeLessThan(whole.evalPeak);
    process.env.LUTHIER_TEST_CARD_BYTES = String(Math.round(1.02 * small.evalPeak));
    const squeezed = await train({ per_device_eval_batch_size: 12 }, 0);
    expect(squeezed.incidents).not.toHaveLength(0);
    for (const { message } of squeezed.incidents) expect(message).toContain('evaluated at a time');
    expect(squeezed.accuracy).toBe(whole.accuracy);
  });

  it('is counted, and a smaller batch takes less of it', async () => {
    setDropout(0);
    const [large, small] = [
      await train({ per_device_train_batch_size: 16 }),
      await train({ per_device_train_batch_size: 4, gradient_accumulation_steps: 4 }),
    ];
    expect(small.peak).toBeLessThan(0.8 * large.peak);
    const { memory } = await createWebGpuExecutor();
    expect(memory!.held).toBe(0);
  });

  it.each([0, 0.1])(
    'that is too small for a step’s rows gives the losses of smaller micro-batches (dropout %d)',
    async (rate) => {
      setDropout(rate);
      const [large, small] = [
        await train({ per_device_train_batch_size: 16 }),
        await train({ per_device_train_batch_size: 4, gradient_accumulation_steps: 4 }),
      ];
      process.env.LUTHIER_TEST_CARD_BYTES = String(Math.round(1.02 * small.peak));
      const squeezed = await train({ per_device_train_batch_size: 16 });
      expect(squeezed.incidents).toMatchObject([
        { kind: 'out-of-memory', step: 0, message: expect.stringContaining('8 rows at a time') },
        {
          kind: 'out-of-memory',
          step: 0,
          message: expect.stringContaining('per_device_train_batch_size 4 with gradient_accumulation_steps 4'),
        },
      ]);
      // Bit for bit what that recipe gives, and without dropout what the whole batch does.
      expect(squeezed.losses).toEqual(small.losses);
      if (rate === 0) expect(apart(large.losses, squeezed.losses)).toBeLessThan(1e-4);
      expect(squeezed.accuracy).toBe(small.accuracy);
    },
  );
});
