import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import { saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createWebGpuExecutor } from '../../src/engine/tensor/executors/webgpu.ts';
import { estimateCardMemory } from '../../src/engine/train/card-memory.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Recipe } from '../../src/protocol/index.ts';
import { TINY_VOCAB } from '../faults/tiny.ts';
import { EXECUTORS } from './executors.ts';

const { title, isThere } = EXECUTORS.find((executor) => executor.title.startsWith('webgpu'))!;

/** Of the starter's proportions, but a third as wide. */
const CONFIG = {
  ...{ architectures: ['BertModel'], model_type: 'bert', vocab_size: 1_000, hidden_size: 128, num_hidden_layers: 4 },
  ...{ num_attention_heads: 4, intermediate_size: 512, max_position_embeddings: 64, type_vocab_size: 2 },
  ...{ hidden_act: 'gelu', hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, layer_norm_eps: 1e-12 },
};
const TOKENS = 32;
const architecture = architectureOf(CONFIG, 'config.json');
const lengths = Array<number>(16).fill(TOKENS);
const work = { architecture, numLabels: 2, trainLengths: lengths, validationLengths: [] };

const root = mkdtempSync(path.join(tmpdir(), 'luthier-card-memory-'));
const model = path.join(root, 'model');
const dataset = path.join(root, 'rows.csv');
beforeAll(async () => {
  // Outputs of frozen layers that another run has kept would not be computed.
  vi.stubEnv('LUTHIER_CACHE', path.join(root, 'cache'));
  const random = new Random(7);
  const weights = [...declarationOf(architecture).parameters.values()].filter(
    ({ name }) => !name.startsWith('classifier'),
  );
  await saveModelFolder(model, {
    config: CONFIG,
    tensors: weights.map(({ name, shape, init }) => ({
      ...{ name, shape, dtype: 'F32' },
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
        init === 'ones' ? 1 : 0.1 * (random.float() - 0.5),
      ),
    })),
  });
  writeFileSync(path.join(model, 'vocab.txt'), `${TINY_VOCAB.join('\n')}\n`);
  // Two tokens are put around them.
  const words = (i: number) => [TINY_VOCAB[5 + i]!, ...Array<string>(TOKENS - 4).fill('shop'), i % 2 ? 'good' : 'bad'];
  writeFileSync(dataset, `text,label\n${lengths.map((_, i) => `${words(i).join(' ')},${i % 2}\n`).join('')}`);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const lora = { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.1, target_modules: ['query', 'value'] } as const;

describe.skipIf(!isThere)(`memory on the card, told beforehand: ${title}`, { timeout: 300_000 }, () => {
  it.each<[string, Partial<Recipe>]>([
    ['all weights', {}],
    ['LoRA', { strategy: lora }],
    ['LoRA, with layers in 8 bits asked for', { strategy: { ...lora, load_in_8bit: true } }],
    ['the head', { strategy: { type: 'head' } }],
  ])('is at least nine tenths of what the executor counts, and at most 1.35 times: %s', async (_, more) => {
    const recipe = parseRecipe({
      ...{ model, dataset, validation_split: 0, max_length: 64, seed: 5, backend: 'webgpu' },
      ...{ per_device_train_batch_size: 16, per_device_eval_batch_size: 8, ...more },
    });
    const { memory } = await createWebGpuExecutor();
    memory!.reset();
    const trainer = await createTrainer({ recipe, base: root, note: () => {} });
    try {
      await trainer.trainStep();
      const [estimate, counted] = [estimateCardMemory(work, recipe), memory!.peak];
      const says = `${(estimate / 1e6).toFixed(1)} MB, ${(counted / 1e6).toFixed(1)} counted`;
      expect(estimate / counted, says).toBeGreaterThan(0.9);
      expect(estimate / counted, says).toBeLessThan(1.35);
    } finally {
      trainer.dispose();
    }
    // Programs are let go once they have been compiled, which is asked in turn.
    await setImmediate();
    expect(memory!.held).toBe(0);
  });
});
