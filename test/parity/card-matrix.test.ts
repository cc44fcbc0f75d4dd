import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CachedModel } from '../../src/engine/infer/cached-model.ts';
import { openModel } from '../../src/engine/model-files/open-model.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { RecipeInput } from '../../src/protocol/index.ts';
import { EXECUTORS, holdShaders } from './executors.ts';
import { writeModels, writeRows } from './matrix-models.ts';
import { relativeError } from './values.ts';

const { title, isThere } = EXECUTORS.find((executor) => executor.title.startsWith('webgpu'))!;

const root = mkdtempSync(join(tmpdir(), 'luthier-matrix-'));
let letGo: () => void;
beforeAll(async () => {
  vi.stubEnv('LUTHIER_CACHE', join(root, 'cache'));
  await writeModels(root);
  await writeRows(root, 16);
  letGo = await holdShaders();
});
afterAll(() => {
  letGo();
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

type Keys = Partial<RecipeInput>;
type Backend = 'webgpu' | 'onnxruntime';
interface Case {
  title: string;
  recipe: Keys;
  steps: number;
}

/** Learns a task's rows. */
const learns =
  (dataset: string, keys: Keys = {}) =>
  (model: string, how: string, more: Keys = {}, steps = 2): Case => ({
    title: `${model}, ${dataset}: ${how}`,
    recipe: { model, dataset, ...keys, ...more },
    steps,
  });
const classes = learns('classes.csv');
const labels = learns('labels.csv', { problem_type: 'multi_label_classification', label_separator: '|' });
const values = learns('values.csv', { problem_type: 'regression' });
const pairs = learns('pairs.csv');
const names = learns('names.jsonl', { task: 'token-classification' });
const texts = learns('texts.jsonl', { task: 'text-generation' });
const chat = learns('chat.jsonl', { task: 'conversational' });

const FULL: Keys = { strategy: { type: 'full' } };
const LORA = { type: 'lora', r: 2, lora_alpha: 4 } as const;
const PROMPT = { type: 'prompt-tuning', num_virtual_tokens: 3 } as const;
const PREFIX = { type: 'prefix-tuning', num_virtual_tokens: 3 } as const;
const lora: Keys = { strategy: LORA };

const STRATEGIES: Case[] = [
  classes('bert', 'full'),
  classes('bert', 'LoRA', lora),
  classes('bert', 'frozen layer', {
    strategy: { type: 'freeze', num_frozen_layers: 1, layerwise_lr_decay: 0.9 },
  }),
  classes('bert', 'frozen layers', { strategy: { type: 'freeze', num_frozen_layers: 2 } }),
  classes('bert', 'head', { strategy: { type: 'head' } }),
  classes('bert', 'head, L-BFGS', {
    strategy: { type: 'head', solver: 'lbfgs', label_templates: ['This is {}'] },
  }),
  classes('bert', 'BitFit', { strategy: { type: 'bitfit' } }),
  classes('bert', 'DoRA', { strategy: { ...LORA, use_dora: true } }),
  classes('bert', 'prompt that begins with a text', {
    strategy: { ...PROMPT, prompt_tuning_init: 'TEXT', prompt_tuning_init_text: 'the shop was great' },
  }),
  classes('bert', 'few-shot', {
    strategy: { type: 'few-shot', batch_size: 4, max_steps: 2, body_learning_rate: 1e-3 },
  }),
  classes('bert', 'gradual unfreezing', { strategy: { type: 'gradual-unfreeze', steps_per_group: 2 } }, 8),
  classes('gpt2', 'frozen layer', { strategy: { type: 'freeze', num_frozen_layers: 1 } }),
  classes('llama', 'head', { strategy: { type: 'head' } }),
  classes('llama', 'BitFit', { strategy: { type: 'bitfit' } }),
  classes('gpt2', 'DoRA', { strategy: { ...LORA, use_dora: true } }),
  classes('gpt2', 'prompt', { strategy: PROMPT }),
  classes('llama', 'gradual unfreezing', { strategy: { type: 'gradual-unfreeze', steps_per_group: 1 } }, 5),
  texts('gpt2', 'frozen layer', { strategy: { type: 'freeze', num_frozen_layers: 1 } }),
  texts('llama', 'prompt', { strategy: PROMPT }),
  texts(
    'llama',
    'prompt that is pre-trained',
    { strategy: { ...PROMPT, prompt_tuning_init: 'PRETRAINED', pretraining_dataset: 'more.jsonl' } },
    6,
  ),
  texts('gpt2', 'prefix', { strategy: PREFIX }),
  texts('llama', 'prefix by an encoder', { strategy: { ...PREFIX, prefix_projection: true } }),
];

const TASKS: Case[] = [
  ...[labels, values, names].flatMap((task) => [task('bert', 'full'), task('bert', 'LoRA', lora)]),
  pairs('bert', 'full'),
  names('gpt2', 'LoRA', lora),
  texts('llama', 'middles', { ...FULL, fim_rate: 0.8 }),
  texts('gpt2', 'middles, LoRA', { ...lora, fim_rate: 0.8 }),
  chat('llama', 'full', FULL),
];

const FAMILIES: Case[] = [
  ...['roberta', 'xlm-roberta', 'distilbert'].flatMap((model) => [
    classes(model, 'full'),
    classes(model, 'LoRA', lora),
  ]),
  classes('distilbert', 'mean pooling', { pooling: 'mean' }),
  ...['gpt2', 'llama', 'mistral', 'qwen2', 'qwen3'].flatMap((model) => [
    texts(model, 'full', FULL),
    texts(model, 'LoRA', lora),
  ]),
];

const SETTINGS: Case[] = [
  classes('bert', 'layers computed again', { gradient_checkpointing: true }),
  classes('bert', 'layers computed again, LoRA', { ...lora, gradient_checkpointing: true }),
];

const trainerOf = ({ recipe, steps }: Case, backend: Backend) =>
  createTrainer({
    recipe: parseRecipe({
      ...{ validation_split: 0.25, per_device_train_batch_size: 4, max_length: 32, seed: 5 },
      ...{ learning_rate: 3e-3, warmup_steps: 0, max_steps: steps, ...recipe, backend },
    }),
    base: root,
    note: () => {},
  });

let runs = 0;

/** Trains and evaluates; and saves, and asks the saved model. */
async function train(given: Case, backend: Backend, isSaved: boolean) {
  const trainer = await trainerOf(given, backend);
  const folder = join(root, `model-${runs++}`);
  try {
    const losses = [];
    const norms = [];
    for (let i = 0; i < given.steps; i++) {
      const { loss, grad_norm } = await trainer.trainStep();
      losses.push(loss);
      norms.push(grad_norm);
    }
    const { metrics } = await trainer.evaluate('validation');
    if (!isSaved) return { losses, norms, metrics, answers: [] };
    await trainer.saveModel(folder);
    return { losses, norms, metrics, answers: await answersOf(folder, backend) };
  } finally {
    trainer.dispose();
  }
}

/** A saved model's logits: of a text's classes, of its tokens', or of the token that follows it. */
async function answersOf(folder: string, backend: Backend): Promise<Float32Array> {
  const { model, tokenizer, dispose } = await openModel(folder, backend);
  try {
    const ids = Int32Array.from(tokenizer.encode('the shop was great', 16).ids);
    if (model.architecture.outputs === undefined)
      return Float32Array.from(await model.logits([{ ids, typeIds: null }]));
    const cached = new CachedModel(model, { lengths: [8], capacity: 32 });
    return Float32Array.from(await cached.begin([...ids.subarray(0, 8)]));
  } finally {
    dispose();
  }
}

describe.skipIf(!isThere)(`a card beside the processor: ${title}`, { timeout: 300_000 }, () => {
  // Dropout is off: masks on a card are others (docs/backends.md).
  it.each([...STRATEGIES, ...TASKS, ...FAMILIES, ...SETTINGS])('$title', async (given) => {
    const isSaved = STRATEGIES.includes(given) || TASKS.includes(given);
    const there = await train(given, 'webgpu', isSaved);
    const here = await train(given, 'onnxruntime', isSaved);
    // float32 has seven digits; sums in another order lose one or two of them in a step.
    expect(relativeError(there.losses, here.losses)).toBeLessThan(1e-5);
    // A solved head ends where its gradient is nearly zero: what is left of it there is rounding.
    if (given.recipe.strategy?.solver !== 'lbfgs') expect(relativeError(there.norms, here.norms)).toBeLessThan(1e-4);
    expect(relativeError(there.answers, here.answers)).toBeLessThan(1e-4);
    for (const [name, value] of Object.entries(here.metrics)) {
      const other = (there.metrics as Record<string, unknown>)[name];
      if (typeof value !== 'number' || Number.isNaN(value)) expect(other, name).toEqual(value);
      else expect(Math.abs((other as number) - value), name).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
    }
  });
});
