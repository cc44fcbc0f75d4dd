import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CachedModel } from '../../src/engine/infer/cached-model.ts';
import { openModel } from '../../src/engine/model-files/open-model.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { LuthierError, type RecipeInput } from '../../src/protocol/index.ts';
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
  writeFileSync(join(root, 'one.csv'), 'text\nthe shop was great\nlovely\n');
  writeFileSync(join(root, 'few.csv'), 'text\nthe shop was great\nmy parcel is late\nlovely\n');
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
const pretrained = (pretraining_dataset: string): Keys => ({
  strategy: { ...PROMPT, prompt_tuning_init: 'PRETRAINED', pretraining_dataset },
});
const lora: Keys = { strategy: LORA };
/** 12 rows: an epoch's second step has two batches instead of four. */
const ACCUMULATED: Keys = { per_device_train_batch_size: 2, gradient_accumulation_steps: 4 };

const STRATEGIES: Case[] = [
  classes('bert', 'full'),
  classes('bert', 'LoRA', lora),
  classes('bert', 'frozen layer', {
    strategy: { type: 'freeze', num_frozen_layers: 1, layerwise_lr_decay: 0.9, load_in_8bit: true },
  }),
  classes('bert', 'frozen layers', { strategy: { type: 'freeze', num_frozen_layers: 2 } }),
  classes('bert', 'head', { strategy: { type: 'head' } }),
  classes('bert', 'head, L-BFGS', {
    strategy: { type: 'head', solver: 'lbfgs', label_templates: ['This is {}'] },
  }),
  classes('bert', 'BitFit', { strategy: { type: 'bitfit' } }),
  classes('bert', 'rsLoRA in 8 bits', { strategy: { ...LORA, use_rslora: true, load_in_8bit: true } }),
  classes('bert', 'DoRA of all layers', { strategy: { ...LORA, use_dora: true, target_modules: 'all-linear' } }),
  classes('bert', 'prompt that begins with a text', {
    strategy: { ...PROMPT, prompt_tuning_init: 'TEXT', prompt_tuning_init_text: 'the shop was great' },
  }),
  classes('bert', 'prompt that is pre-trained', pretrained('more.jsonl'), 10),
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
  texts('llama', 'prompt that is pre-trained', pretrained('more.jsonl'), 6),
  texts('llama', 'head', { strategy: { type: 'head' } }),
  texts('gpt2', 'prefix', { strategy: PREFIX }),
  texts('llama', 'prefix by an encoder', { strategy: { ...PREFIX, prefix_projection: true } }),
];

const TASKS: Case[] = [
  ...[labels, values, names].flatMap((task) => [task('bert', 'full'), task('bert', 'LoRA', lora)]),
  pairs('bert', 'full'),
  names('gpt2', 'LoRA', lora),
  names('bert', 'head', { strategy: { type: 'head' } }),
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
  texts('llama', 'layers computed again, LoRA', { ...lora, gradient_checkpointing: true }),
  classes('bert', 'accumulated', ACCUMULATED),
  texts('gpt2', 'accumulated, LoRA', { ...lora, ...ACCUMULATED }),
  classes(
    'bert',
    'a weighted class, smoothed labels, clipped',
    { class_weight: { bad: 3 }, label_smoothing_factor: 0.1, max_grad_norm: 0.3 },
    3,
  ),
  classes(
    'bert',
    'a weighted class, accumulated, decayed',
    { class_weight: { bad: 3 }, weight_decay: 0.5, ...ACCUMULATED },
    3,
  ),
  texts('gpt2', 'smoothed labels', { ...FULL, label_smoothing_factor: 0.1 }),
  classes('bert', 'focal loss, a weighted class', { focal_gamma: 2, class_weight: { bad: 3 } }),
  labels('bert', 'focal loss', { focal_gamma: 2 }),
  names('bert', 'focal loss, weighted classes', { focal_gamma: 2, class_weight: 'balanced' }),
];

const trainerOf = async ({ recipe, steps }: Case, backend: Backend, notes: string[] = []) =>
  createTrainer({
    recipe: parseRecipe({
      ...{ validation_split: 0.25, per_device_train_batch_size: 4, max_length: 32, seed: 5 },
      ...{ learning_rate: 3e-3, warmup_steps: 0, max_steps: steps, ...recipe, backend },
    }),
    base: root,
    note: (_, message) => notes.push(message),
  });

let runs = 0;

/** Trains and evaluates; and saves, and asks the saved model. */
async function train(given: Case, backend: Backend, isSaved: boolean) {
  const notes: string[] = [];
  const trainer = await trainerOf(given, backend, notes);
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
    if (!isSaved) return { losses, norms, metrics, notes, answers: [] };
    await trainer.saveModel(folder);
    return { losses, norms, metrics, notes, answers: await answersOf(folder, backend) };
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

/** A card has in 8 bits whole blocks of 32 of decoders, and these models are narrower (blocks-on-card.test.ts has wider ones). */
const inFloat = ({ recipe, ...rest }: Case): Case => ({
  ...rest,
  recipe: recipe.strategy?.load_in_8bit ? { ...recipe, strategy: { ...recipe.strategy, load_in_8bit: false } } : recipe,
});

const REFUSALS: [string, Case, message: RegExp, hint: RegExp][] = [
  [
    'prefixes of encoders',
    classes('bert', '', { strategy: PREFIX }),
    /"prefix-tuning", which is for models that write/,
    /"prompt-tuning"/,
  ],
  [
    'few-shot with a decoder',
    classes('gpt2', '', { strategy: { type: 'few-shot' } }),
    /"few-shot", which learns how texts are embedded: that takes an encoder/,
    /"lora"/,
  ],
  [
    'a prompt where tokens are labelled',
    names('bert', '', { strategy: PROMPT }),
    /"prompt-tuning", but the task labels each token/,
    /"lora"/,
  ],
  [
    'L-BFGS where tokens are labelled',
    names('bert', '', { strategy: { type: 'head', solver: 'lbfgs' } }),
    /lbfgs solves a classifier of whole texts/,
    /Remove solver/,
  ],
  [
    'a classifier alone where there is none',
    texts('gpt2', '', { strategy: { type: 'head' } }),
    /would train nothing of this model/,
    /"lora".*"full"/,
  ],
  [
    'fp16 of a classifier alone',
    classes('bert', '', { strategy: { type: 'head' }, fp16: true }),
    /fp16 is for steps that compute gradients of layers/,
    /Remove fp16/,
  ],
  [
    'the weight of a class that no row has',
    classes('bert', '', { class_weight: { worse: 2 } }),
    /class_weight names “worse”, which no training row has/,
    /./,
  ],
  [
    'weighted classes where there are none',
    texts('gpt2', '', { ...FULL, class_weight: 'balanced' }),
    /class_weight/,
    /./,
  ],
  [
    'focal loss of smoothed labels',
    classes('bert', '', { focal_gamma: 2, label_smoothing_factor: 0.1 }),
    /focal_gamma and label_smoothing_factor are both given/,
    /Remove one/,
  ],
  [
    'a prompt that is pre-trained on too little',
    classes('bert', '', pretrained('one.csv')),
    /^one\.csv has 1 text for pre-training \(left out: 1 of a single word\), which is too few: .* taken from another\.$/,
    /Add texts/,
  ],
  [
    'a prompt that is pre-trained on fewer texts than a step takes',
    classes('bert', '', { ...pretrained('few.csv'), per_device_train_batch_size: 8 }),
    /are too few: a step takes 8 items \(per_device_train_batch_size\), and there are 4\.$/,
    /set per_device_train_batch_size to 4 or less/,
  ],
];

describe.skipIf(!isThere)(`a card beside the processor: ${title}`, { timeout: 300_000 }, () => {
  // Dropout is off: masks on a card are others (docs/backends.md).
  it.each([...STRATEGIES, ...TASKS, ...FAMILIES, ...SETTINGS])('$title', async (given) => {
    const isSaved = STRATEGIES.includes(given) || TASKS.includes(given);
    const there = await train(given, 'webgpu', isSaved);
    const here = await train(inFloat(given), 'onnxruntime', isSaved);
    if (given.recipe.strategy?.load_in_8bit)
      expect(there.notes).toContainEqual(
        expect.stringMatching(/^load_in_8bit: a graphics card computes (an encoder’s|these) frozen layers in float/),
      );
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

  it.each(REFUSALS)('refuses what the processor refuses, in the same words: %s', async (_, given, message, hint) => {
    const [there, here] = await Promise.all(
      (['webgpu', 'onnxruntime'] as const).map((backend) => trainerOf(given, backend).catch((error: unknown) => error)),
    );
    expect(there).toBeInstanceOf(LuthierError);
    const { message: said, hint: advice, code } = there as LuthierError;
    expect([code, said, advice]).toEqual([code, expect.stringMatching(message), expect.stringMatching(hint)]);
    expect(here).toMatchObject({ code, message: said, hint: advice });
  });
});
