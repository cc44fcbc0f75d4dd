import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import { openWriter } from '../../src/engine/infer/writer.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { meantBy, quantizeBothWays } from '../../src/engine/tensor/executors/blocks.ts';
import type {
  BlockForms,
  DeviceTensor,
  Executor,
  HeldBits,
  TensorSpec,
} from '../../src/engine/tensor/executors/executor.ts';
import { linear, matMul } from '../../src/engine/tensor/ops/index.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { RecipeInput } from '../../src/protocol/index.ts';
import { SMALL_GPT2, SMALL_LLAMA, writeSmallDecoder } from '../small-decoder.ts';
import { EXECUTORS, holdShaders } from './executors.ts';
import { ENCODERS, writeEncoder, writeRows } from './matrix-models.ts';
import { relativeError } from './values.ts';

const { title, isThere, create } = EXECUTORS.find((executor) => executor.title.startsWith('webgpu'))!;

/** Whole blocks of 32. */
const WIDER = { hidden_size: 64, intermediate_size: 128 };

const f32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
const random = new Random(3);
const normal = (size: number) => Float32Array.from({ length: size }, () => random.float() + random.float() - 1);
const form = (name: string) => ({ values: name, scales: `${name} scales` });
const formsIn = (bits: HeldBits): BlockForms => ({
  bits,
  forward: 'rows',
  rows: form('rows'),
  columns: form('columns'),
});
const BITS = [8, 4] as const;
/** How far a number is off at most, over the largest. */
const NEAR = { 8: 0.01, 4: 0.3 };

/** Row i has what output i is summed of. */
const rowsOf = (weight: Float32Array, { n, k, transposed }: { n: number; k: number; transposed: boolean }) =>
  transposed ? weight : weight.map((_, at) => weight[(at % k) * n + Math.floor(at / k)]!);

describe.skipIf(!isThere)(`matrices in blocks: ${title}`, { timeout: 300_000 }, () => {
  let executor: Executor;
  let letGo: () => void;
  beforeAll(async () => {
    executor = await create();
    letGo = await holdShaders();
  });
  afterAll(() => {
    letGo();
    executor.dispose();
  });

  // Of few and of many rows on the left, for which the provider has other shaders.
  it.each(BITS.flatMap((bits) => [1, 4, 37, 130].map((m) => [bits, m] as const)))(
    'give the products of what they stand for, either way: %i bits, %i rows',
    async (bits, m) => {
      const forms = formsIn(bits);
      const [r, c] = [96, 64];
      const weight = normal(r * c);
      const bias = normal(r);
      const sizes = { rows: { n: r, k: c, transposed: true }, columns: { n: c, k: r, transposed: false } };
      const feeds: Record<string, Float32Array | DeviceTensor> = {};
      const expected: Record<string, Float32Array> = {};
      const sign = { rows: -1, columns: 1 };
      const left = { rows: normal(m * c), columns: normal(m * r) };
      const bytes = executor.openBytes!();
      const both = quantizeBothWays(weight, [r, c], bits, 'rows');
      for (const of of ['rows', 'columns'] as const) {
        const { n, k } = sizes[of];
        feeds[forms[of].values] = await bytes.put(both[of].values, both[of].shape);
        feeds[forms[of].scales] = both[of].scales;
        const w = rowsOf(meantBy(both[of], sizes[of]), sizes[of]);
        expected[of] = Float32Array.from({ length: m * n }, (_, at) => {
          const [i, j] = [Math.floor(at / n), at % n];
          let sum = of === 'rows' ? bias[j]! : 0;
          for (let l = 0; l < k; l++) sum += sign[of] * left[of][i * k + l]! * w[j * k + l]!;
          return sum;
        });
      }
      bytes.dispose();
      const compiled = await executor.compile(
        ({ x, dy, w, b }) => ({ y: linear(tf.neg(x!) as tf.Tensor2D, w!, b!), dx: matMul(dy!, w!) }),
        { x: f32(m, c), dy: f32(m, r), w: { ...f32(r, c), inBlocks: forms }, b: f32(r) },
      );
      const found = { rows: new Float32Array(m * r), columns: new Float32Array(m * c) };
      await compiled.run({ ...feeds, x: left.rows, dy: left.columns, b: bias }, { y: found.rows, dx: found.columns });
      for (const of of ['rows', 'columns'] as const) {
        expect(relativeError(found[of], expected[of]!)).toBeLessThan(1e-5);
        // And what they stand for is near the matrix.
        expect(relativeError(meantBy(both[of], sizes[of]), weight)).toBeLessThan(NEAR[bits]);
      }
      compiled.dispose();
      for (const feed of Object.values(feeds)) if ('isOnDevice' in feed) feed.dispose();
    },
  );
});

describe.skipIf(!isThere)(`a run whose frozen layers are in blocks: ${title}`, { timeout: 300_000 }, () => {
  const root = mkdtempSync(path.join(tmpdir(), 'luthier-blocks-on-card-'));
  let letGo: () => void;
  beforeAll(async () => {
    vi.stubEnv('LUTHIER_CACHE', path.join(root, 'cache'));
    await writeEncoder(path.join(root, 'bert'), { ...ENCODERS.bert!, ...WIDER, model_type: 'bert' });
    await writeSmallDecoder(path.join(root, 'llama'), SMALL_LLAMA);
    await writeSmallDecoder(path.join(root, 'gpt2'), SMALL_GPT2);
    await writeRows(root, 16);
    letGo = await holdShaders();
  });
  afterAll(() => {
    letGo();
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  });

  let runs = 0;
  async function train(more: Partial<RecipeInput>) {
    const notes: string[] = [];
    const before = (await memoryOf()).held;
    const trainer = await createTrainer({
      recipe: parseRecipe({
        ...{ model: 'llama', dataset: 'classes.csv', validation_split: 0.25, per_device_train_batch_size: 4 },
        ...{ max_length: 32, seed: 5, learning_rate: 3e-3, warmup_steps: 0, max_steps: 3, ...more, backend: 'webgpu' },
      } as RecipeInput),
      base: root,
      note: (_, message) => notes.push(message),
    });
    try {
      const losses: number[] = [];
      for (let step = 0; step < 3; step++) losses.push((await trainer.trainStep()).loss);
      const { loss } = (await trainer.evaluate('validation')).metrics as { loss: number };
      const held = (await memoryOf()).held - before;
      // Compares the float weights that are written with those that were trained.
      await trainer.saveModel(path.join(root, `model-${runs++}`));
      return { losses, loss, held, notes: notes.join('\n') };
    } finally {
      trainer.dispose();
      // Programs are let go once they have been compiled, which is asked in turn.
      await setImmediate();
      expect((await memoryOf()).held).toBe(before);
    }
  }
  const memoryOf = async () => (await create()).memory!;
  const LORA = { type: 'lora', r: 2, lora_alpha: 4 } as const;
  const WRITES = { dataset: 'texts.jsonl', task: 'text-generation' } as const;

  it.each<[string, Partial<RecipeInput>]>([
    ['LoRA', { strategy: LORA }],
    ['frozen layers', { strategy: { type: 'freeze', num_frozen_layers: 1 } }],
    ['LoRA of a model that writes', { ...WRITES, strategy: LORA }],
    ['LoRA of weights that lie the other way round', { ...WRITES, model: 'gpt2', strategy: LORA }],
    ['a prompt', { ...WRITES, strategy: { type: 'prompt-tuning', num_virtual_tokens: 3 } }],
    ['a prefix', { ...WRITES, strategy: { type: 'prefix-tuning', num_virtual_tokens: 3 } }],
    ['layers computed again', { ...WRITES, strategy: LORA, gradient_checkpointing: true }],
  ])('has losses near those in float, and takes less of the card: %s', async (_, recipe) => {
    const wide = await train(recipe);
    let before = wide.held;
    for (const bits of BITS) {
      const narrow = await train({
        ...recipe,
        strategy: { ...recipe.strategy, [`load_in_${bits}bit`]: true } as never,
      });
      expect(narrow.losses).not.toEqual(wide.losses);
      [...narrow.losses, narrow.loss].forEach((loss, i) => {
        expect(Math.abs(loss / [...wide.losses, wide.loss][i]! - 1)).toBeLessThan(bits === 8 ? 0.02 : 0.05);
      });
      expect(narrow.held).toBeLessThan(before);
      before = narrow.held;
      expect(narrow.notes).toContain(
        `load_in_${bits}bit: the graphics card has the frozen layers in ${bits} bits alone`,
      );
    }
  });

  it('answers in 8 bits, too, with products for answers alone', async () => {
    const folder = path.join(root, 'llama');
    const words = [' is', ' was the', ' runs'];
    const answered = async (load_in_8bit: boolean) => {
      const notes: string[] = [];
      const before = (await memoryOf()).held;
      const writer = await openWriter(folder, { backend: 'webgpu', load_in_8bit, note: (_, text) => notes.push(text) });
      const logs = await writer.logProbabilities('The server', words);
      const { token_ids } = await writer.write('The server', { settings: { max_new_tokens: 4 } });
      const held = (await memoryOf()).held - before;
      writer.dispose();
      return { logs, token_ids, held, notes: notes.join('\n') };
    };
    const [wide, narrow] = [await answered(false), await answered(true)];
    expect(narrow.token_ids).toHaveLength(wide.token_ids.length);
    for (const [i, log] of narrow.logs.entries()) {
      expect(log).not.toBe(wide.logs[i]);
      expect(Math.abs(log - wide.logs[i]!)).toBeLessThan(0.05);
    }
    expect(narrow.held).toBeLessThan(wide.held);
    expect(narrow.notes).not.toContain('in float');
  });

  it('computes an encoder in float, and says so', async () => {
    const recipe = { model: 'bert', strategy: LORA };
    const narrow = await train({ ...recipe, strategy: { ...LORA, load_in_8bit: true } });
    expect(narrow.losses).toEqual((await train(recipe)).losses);
    expect(narrow.notes).toContain('load_in_8bit: a graphics card computes an encoder’s frozen layers in float.');
  });

  it('keeps outputs of frozen layers in 8 bits apart from those in float', async () => {
    const strategy = { type: 'freeze', num_frozen_layers: 2 } as const;
    const reused = 'Using the cached outputs of the frozen layers';
    const wide = await train({ strategy });
    const narrow = await train({ strategy: { ...strategy, load_in_8bit: true } });
    expect(wide.notes).toContain('The frozen layers run only once');
    expect(narrow.notes).not.toContain(reused);
    expect(narrow.losses).not.toEqual(wide.losses);
    const again = await train({ strategy: { ...strategy, load_in_8bit: true } });
    expect(again.notes).toContain(reused);
    expect(again.losses).toEqual(narrow.losses);
  });

  it('adapts layers by DoRA in float, and says so', async () => {
    const strategy = { ...LORA, use_dora: true, target_modules: 'all-linear' } as const;
    const narrow = await train({ strategy: { ...strategy, load_in_8bit: true } });
    expect(narrow.losses).toEqual((await train({ strategy })).losses);
    expect(narrow.notes).toContain(
      'load_in_8bit: a graphics card computes these frozen layers in float: it cannot have those that DoRA adapts',
    );
  });
});
