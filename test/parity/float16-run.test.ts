import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createWebGpuExecutor } from '../../src/engine/tensor/executors/webgpu.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Trainer } from '../../src/engine/train/types.ts';
import { LuthierError, type RecipeInput } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';
import { writeModels, writeRows } from './matrix-models.ts';

const hasFloat16 =
  process.env.LUTHIER_TEST_WEBGPU === '1' && (await (await createWebGpuExecutor()).computesInFloat16!());

const root = mkdtempSync(path.join(tmpdir(), 'luthier-float16-'));
beforeAll(async () => {
  await makeTinyBert(path.join(root, 'tiny'));
  writeFileSync(path.join(root, 'rows.csv'), tinyRows(120));
  await writeModels(root);
  await writeRows(root, 48);
});
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => vi.stubEnv('LUTHIER_TEST_FLOAT16', '1'));
afterEach(() => vi.unstubAllEnvs());

const trainerOf = async (more: Partial<RecipeInput> = {}): Promise<Trainer> =>
  createTrainer({
    recipe: parseRecipe({
      ...{ model: 'tiny', dataset: 'rows.csv', backend: 'onnxruntime', fp16: true, max_steps: 12, max_length: 16 },
      ...{ learning_rate: 3e-3, seed: 5 },
      ...more,
    }),
    base: root,
    note: () => {},
  });

/** As a checkpoint has it: what goes on does not change it. */
async function kept(trainer: Trainer) {
  await trainer.collect();
  const { parameters, moments, ...rest } = trainer.state();
  const copied = (tensors: typeof parameters) => new Map([...tensors].map(([name, { data }]) => [name, data.slice()]));
  return { ...structuredClone(rest), parameters: copied(parameters), moments: copied(moments) };
}

/** With a scale at which steps are skipped. */
async function raise(trainer: Trainer, scale: number): Promise<void> {
  trainer.restore({ ...(await kept(trainer)), loss_scale: { scale, good_steps: 0, skipped: [] } });
}

const WRITES = { dataset: 'texts.jsonl', task: 'text-generation' } as const;
const ADAPTERS = { type: 'lora', r: 4, lora_alpha: 8 } as const;
/** Of other families than BERT's. */
const FAMILIES: [string, Partial<RecipeInput>][] = [
  ['DistilBERT', { model: 'distilbert', dataset: 'classes.csv' }],
  ['RoBERTa, LoRA', { model: 'roberta', dataset: 'classes.csv', strategy: ADAPTERS }],
  ['GPT-2 that classifies', { model: 'gpt2', dataset: 'classes.csv' }],
  ['GPT-2 that writes, LoRA', { model: 'gpt2', ...WRITES, strategy: { ...ADAPTERS, use_dora: true } }],
  ['Llama that writes', { model: 'llama', ...WRITES, strategy: { type: 'full' } }],
  [
    'Qwen 3 that writes, a prefix',
    { model: 'qwen3', ...WRITES, strategy: { type: 'prefix-tuning', num_virtual_tokens: 4 } },
  ],
];

const lossesOf = async (more: Partial<RecipeInput>): Promise<number[]> => {
  const trainer = await trainerOf(more);
  const found = (await steps(trainer, 6)).map(({ loss }) => loss);
  trainer.dispose();
  return found;
};

const steps = async (trainer: Trainer, count: number) => {
  const done = [];
  for (let i = 0; i < count; i++) done.push(await trainer.trainStep());
  return done;
};

describe('a run with fp16', { timeout: 120_000 }, () => {
  it.each<[string, Partial<RecipeInput>]>([
    ['full', {}],
    ['accumulated', { per_device_train_batch_size: 4, gradient_accumulation_steps: 4 }],
    ['LoRA', { strategy: { type: 'lora', r: 4, lora_alpha: 8, lora_dropout: 0, target_modules: ['query', 'value'] } }],
    ['frozen layers', { strategy: { type: 'freeze', num_frozen_layers: 1 } }],
    ['layers thawed one after another', { strategy: { type: 'gradual-unfreeze' } }],
    ['a prompt', { strategy: { type: 'prompt-tuning', num_virtual_tokens: 4 }, learning_rate: 3e-2 }],
    ['pairs', { strategy: { type: 'few-shot', batch_size: 8 } }],
    ['layers computed again', { gradient_checkpointing: true }],
    ...FAMILIES,
  ])('has nearly float32’s losses, and not the same: %s', async (_, more) => {
    const [narrow, wide] = [await lossesOf(more), await lossesOf({ ...more, fp16: false })];
    for (const [i, loss] of wide.entries()) expect(Math.abs(narrow[i]! - loss)).toBeLessThan(1e-3 * Math.abs(loss));
    expect(narrow).not.toEqual(wide);
  });

  it('has diverged where no scale is small enough', async () => {
    const trainer = await trainerOf({ max_steps: 60 });
    const { parameters } = await kept(trainer);
    trainer.loadParameters(new Map([...parameters].map(([name, values]) => [name, values.fill(Number.NaN)])));
    const failed = await steps(trainer, 40).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(LuthierError);
    expect(failed).toMatchObject({ code: 'loss-not-finite' });
    // 2^16 halved until it is below 1e-4.
    expect(trainer.step).toBe(29);
    trainer.dispose();
  });

  it('is refused where nothing computes in float16, and where no layer has gradients', async () => {
    await expect(trainerOf({ strategy: { type: 'freeze', num_frozen_layers: 2 } })).rejects.toThrow(
      /fp16: .* classifier alone/,
    );
    vi.stubEnv('LUTHIER_TEST_FLOAT16', '');
    for (const backend of ['onnxruntime', 'wasm'] as const)
      await expect(trainerOf({ backend })).rejects.toMatchObject({
        code: 'recipe-invalid',
        message: `fp16: ${backend} computes on the processor, in float32.`,
      });
    if (process.env.LUTHIER_TEST_WEBGPU !== '1' || hasFloat16) return;
    // As SwiftShader does.
    await expect(trainerOf({ backend: 'webgpu' })).rejects.toMatchObject({
      code: 'recipe-invalid',
      message: 'fp16: this graphics card does not compute in float16 (it lacks WebGPU’s shader-f16).',
    });
  });
});

describe.skipIf(!hasFloat16)(
  `a run with fp16 on a card${hasFloat16 ? '' : ' (skipped: none with float16 here)'}`,
  { timeout: 300_000 },
  () => {
    it.each(FAMILIES)(
      'has nearly the losses of float32 on the processor, and not those on the card: %s',
      async (_, more) => {
        const narrow = await lossesOf({ ...more, backend: 'webgpu' });
        const wide = await lossesOf({ ...more, fp16: false });
        // A card sums in float16, too.
        for (const [i, loss] of wide.entries()) expect(Math.abs(narrow[i]! - loss)).toBeLessThan(5e-4 * Math.abs(loss));
        expect(narrow).not.toEqual(await lossesOf({ ...more, fp16: false, backend: 'webgpu' }));
      },
    );
  },
);

it('a run that goes on in float32 still counts no step that was skipped: neither in AdamW’s bias correction nor in the schedule', {
  timeout: 300_000,
}, async () => {
  const rate = 3e-3;
  const more = { weight_decay: 0, max_steps: 12, learning_rate: rate, warmup_steps: 0 };
  const narrow = await trainerOf(more);
  await steps(narrow, 2);
  await raise(narrow, 2 ** 40);
  await steps(narrow, 3);
  const checkpoint = await kept(narrow);
  expect(checkpoint.loss_scale!.skipped).toEqual([2, 3, 4]);

  const wide = await trainerOf({ ...more, fp16: false });
  wide.restore(checkpoint);
  const [result] = await steps(wide, 1);
  // As torch's GradScaler and transformers' Trainer have it: of five steps two were the optimiser's and the schedule's.
  expect(result!.learning_rate).toBeCloseTo(rate * (1 - 2 / 12), 12);
  const after = await kept(wide);
  /** Of AdamW's third step (Loshchilov & Hutter 2019), by the moments that it leaves. */
  const furthest = (step: number) => {
    let most = 0;
    for (const [name, before] of checkpoint.parameters) {
      const [mean, square] = ['exp_avg', 'exp_avg_sq'].map((key) => after.moments.get(`${name}.${key}`)!);
      const now = after.parameters.get(name)!;
      for (const [i, weight] of before.entries()) {
        const [m, v] = [mean![i]! / (1 - 0.9 ** step), square![i]! / (1 - 0.999 ** step)];
        most = Math.max(most, Math.abs(weight - (result!.learning_rate * m) / (Math.sqrt(v) + 1e-8) - now[i]!));
      }
    }
    return most;
  };
  expect(furthest(3)).toBeLessThan(1e-6);
  expect(furthest(6)).toBeGreaterThan(1e-4);
  // What it writes goes on alike, on a card that computes in float16, too.
  expect(after.loss_scale).toEqual(checkpoint.loss_scale);
  const again = await trainerOf(more);
  again.restore(after);
  expect((await steps(again, 1))[0]!.learning_rate).toBeCloseTo(rate * (1 - 3 / 12), 12);
  for (const trainer of [narrow, wide, again]) trainer.dispose();
});

describe.each([
  { backend: 'onnxruntime', title: 'rounded on the processor', isThere: true },
  {
    backend: 'webgpu',
    title: `on a card${hasFloat16 ? '' : ' (skipped: none with float16 here)'}`,
    isThere: hasFloat16,
  },
] as const)('steps that overflow, $title', ({ backend, isThere }) => {
  it.skipIf(!isThere)(
    'skips a step whose gradients overflow, and halves the scale; weights and moments stay as they were',
    { timeout: 300_000 },
    async () => {
      const trainer = await trainerOf({ backend });
      await steps(trainer, 2);
      await raise(trainer, 2 ** 40);
      const before = await kept(trainer);
      const result = await trainer.trainStep();
      expect(result).toMatchObject({ step: 3, skipped: { loss_scale: 2 ** 39 } });
      expect(Number.isNaN(result.grad_norm)).toBe(true);
      expect(Number.isFinite(result.loss)).toBe(true);
      const after = await kept(trainer);
      expect(after.loss_scale).toEqual({ scale: 2 ** 39, good_steps: 0, skipped: [2] });
      expect(after.parameters).toEqual(before.parameters);
      expect(after.moments).toEqual(before.moments);
      trainer.dispose();
    },
  );

  it.skipIf(!isThere)(
    'goes on from a checkpoint bit for bit, with its scale and with AdamW’s own count of steps',
    { timeout: 300_000 },
    async () => {
      const whole = await trainerOf({ backend });
      await raise(whole, 2 ** 24);
      await steps(whole, 4);
      const checkpoint = await kept(whole);
      expect(checkpoint.loss_scale!.skipped.length).toBeGreaterThan(0);
      const rest = await steps(whole, 8);
      const resumed = await trainerOf({ backend });
      resumed.restore(checkpoint);
      expect(await steps(resumed, 8)).toEqual(rest);
      expect(await kept(resumed)).toEqual(await kept(whole));
      // Without what was skipped the optimiser would count other steps.
      const forgetful = await trainerOf({ backend });
      forgetful.restore({ ...checkpoint, loss_scale: { ...checkpoint.loss_scale!, skipped: [] } });
      expect(await steps(forgetful, 8)).not.toEqual(rest);
      for (const trainer of [whole, resumed, forgetful]) trainer.dispose();
    },
  );
});
