import { z } from 'zod';
import {
  type Columns,
  FIELDS,
  GROUP,
  METRICS,
  POOLINGS,
  PROBLEM_TYPES,
  RECIPE_TASKS,
  RECIPE_VERSION,
  type Recipe,
  SEARCH_METHODS,
  TASKS,
} from '../../protocol/index.ts';
import { encodingNamed } from '../data/encoding-names.ts';
import { listed } from '../data/problems.ts';
import { strategySchema } from '../strategies/index.ts';

/**
 * The recipe's keys: ranges, defaults and the words that the editor shows on hover. The schemas in media/
 * and the table in docs/recipe.md are made from this file (`npm run schema`), and a test checks that they are up to
 * date.
 */

const MAX_SEED = 2 ** 32 - 1;

const positiveInteger = z.number().int().min(1);
const wholeNumber = z.number().int().min(0);
const name = z.string().min(1);

/** Metrics of which the lowest value is the best. */
const LOWER = METRICS.filter(({ better }) => better === 'lower').map(({ key }) => key);

/** Which metric decides where a recipe does not say: `f1_macro for text-classification, mse for regression`. */
const BEST = listed(
  [...new Set(TASKS.map(({ best }) => best))].map((metric) => {
    const tasks = TASKS.filter(({ best }) => best === metric).map(({ name }) => name);
    return `${metric} for ${listed(tasks)}`;
  }),
);

const SOME_ENCODINGS = 'utf-8, windows-1252, mac-roman, gb18030, shift_jis';

export const datasetSchema = z.union([
  name.describe("A file, or the name of a dataset in .luthier/datasets. Paths are relative to the recipe's file."),
  z.strictObject({
    train: name.describe('File with the rows to train on.'),
    validation: name
      .describe('File whose rows decide which weights are best; if left out, some training rows are held out instead.')
      .exactOptional(),
    test: name.describe('File with the test rows, evaluated once, after training.').exactOptional(),
  }),
]);

/** A column for each field of any task. */
export const columnsSchema = z.strictObject(
  Object.fromEntries(
    [...Object.values(FIELDS).flat(), GROUP].map((field) => [field.name, name.describe(field.detail).exactOptional()]),
  ) as Record<keyof Columns, z.ZodExactOptional<z.ZodString>>,
);

/** More trials than this are no search that somebody waits for. */
export const MOST_TRIALS = 200;

const rangeSchema = z.strictObject({
  min: z.number(),
  max: z.number(),
  scale: z.enum(['linear', 'log']).exactOptional(),
});

/** `search`: what is tried, and how. What the values may be, the recipe's other keys say (search.ts). */
export const searchSchema = z.strictObject({
  method: z
    .enum(SEARCH_METHODS)
    .describe(
      'grid: every combination of the lists. random: combinations that are drawn (Bergstra and Bengio 2012). halving: drawn ones are trained for a short time, the best third three times as long, and so on until one has trained to the end (successive halving, Jamieson and Talwalkar 2016).',
    ),
  values: z
    .record(
      z.string(),
      z.union([z.array(z.unknown()).min(1).max(MOST_TRIALS), rangeSchema], {
        error: 'a list of values, or a range such as {"min": 1e-5, "max": 1e-3, "scale": "log"}',
      }),
    )
    .describe(
      'Keys of the recipe with the values to try: a list, or a range {"min", "max", "scale"} to draw from, evenly or with "scale": "log" evenly by its logarithm. Keys in an object are written with a dot: "strategy.r".',
    ),
  trials: positiveInteger
    .max(MOST_TRIALS)
    .exactOptional()
    .describe('How many combinations random draws (10 if left out), and halving begins with (9).'),
  minutes: z
    .number()
    .positive()
    .max(100_000)
    .exactOptional()
    .describe('Time for all of them together; what does not fit is left out. If left out, as long as it takes.'),
});

export const recipeSchema = z.strictObject({
  version: z
    .number()
    .int()
    .min(1)
    .max(RECIPE_VERSION)
    .default(RECIPE_VERSION)
    .describe('Version of these keys, written by Luthier. A recipe without one is read as 0.1 wrote it.'),
  task: z.enum(RECIPE_TASKS).default(TASKS[0].name).describe('What the model learns to do.'),
  problem_type: z
    .enum(PROBLEM_TYPES)
    .exactOptional()
    .describe(
      'Of text-classification: one class for each text (if left out), any number of labels (multi_label_classification), or a number (regression).',
    ),
  label_separator: z
    .string()
    .min(1)
    .max(10)
    .exactOptional()
    .describe(
      'Of multi_label_classification: what stands between the labels of one cell, such as "|". If left out, a cell is one label, or a JSON list of labels.',
    ),
  label_columns: z
    .array(name)
    .min(1)
    .exactOptional()
    .describe(
      'Of multi_label_classification: columns that contain 1 where the label of their name holds and 0 where it does not, in the place of a column of labels.',
    ),
  model: name.describe(
    'The base model: a folder next to the recipe, a starter (starters/bert, starters/decoder), or a Hugging Face name, looked up in this order.',
  ),
  dataset: datasetSchema.describe('The labelled texts: one file, or one each for training, validation and test rows.'),
  columns: columnsSchema
    .prefault({})
    .describe("Which columns contain the task's fields. If left out, they are guessed, and the guess is shown."),
  encoding: name
    .refine((written) => encodingNamed(written) !== undefined, {
      error: ({ input }) => `an encoding such as ${SOME_ENCODINGS}, not ${JSON.stringify(input)}`,
    })
    .exactOptional()
    .describe(
      `Encoding of data files that are not UTF-8 (${SOME_ENCODINGS}, …). If left out, it is guessed, and the guess is shown.`,
    ),
  template: name
    .exactOptional()
    .describe(
      "A prompt template (.prompty), relative to the recipe's file. Rows are read through it: what it makes of a row is the text, the prompt or the dialogue that is learnt from.",
    ),
  strategy: strategySchema
    .default({ type: 'full' })
    .describe(
      'Which parameters are trained. Left out: all of them, and in a decoder (GPT-2, Llama…) of more than 50 million parameters LoRA adapters.',
    ),
  pooling: z
    .enum(POOLINGS)
    .exactOptional()
    .describe(
      'How a classifier of texts reads them: by the mean of all tokens’ states (mean, for which the model gets one more layer), by the first token’s (cls), or by that one through the pooler that the model was trained with (pooler). If left out, pooler; where strategy "head" is solved by lbfgs, what the model’s folder says (modules.json), and mean for a model without a trained pooler.',
    ),
  learning_rate: z.number().positive().default(5e-5).describe('Peak learning rate, reached at the end of the warmup.'),
  num_train_epochs: z
    .number()
    .positive()
    .max(100_000)
    .default(3)
    .describe('Passes over the training rows; can be a fraction.'),
  max_steps: z
    .number()
    .int()
    .min(-1)
    .default(-1)
    .describe('If above 0, training ends after this many optimiser steps, regardless of num_train_epochs.'),
  per_device_train_batch_size: positiveInteger.max(4096).default(16).describe('Rows in one forward and backward pass.'),
  per_device_eval_batch_size: positiveInteger.max(4096).default(64).describe('Rows in one pass of an evaluation.'),
  gradient_accumulation_steps: positiveInteger
    .max(4096)
    .default(1)
    .describe(
      'Passes whose gradients are combined into one optimiser step: the same result as a batch that many times larger, with less memory.',
    ),
  weight_decay: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe("AdamW's decoupled weight decay; not applied to biases and LayerNorm."),
  adam_beta1: z.number().min(0).lt(1).default(0.9).describe("AdamW's decay rate for the running mean of gradients."),
  adam_beta2: z
    .number()
    .min(0)
    .lt(1)
    .default(0.999)
    .describe("AdamW's decay rate for the running mean of squared gradients."),
  adam_epsilon: z
    .number()
    .positive()
    .max(1)
    .default(1e-8)
    .describe('Small value that keeps AdamW from dividing by zero.'),
  max_grad_norm: z
    .number()
    .min(0)
    .default(1)
    .describe('Largest global norm of the gradients; larger gradients are scaled down to it. 0: no limit.'),
  warmup_steps: z
    .number()
    .min(0)
    .default(0.06)
    .describe('Steps during which the learning rate rises from 0. Below 1: a share of all steps.'),
  lr_scheduler_type: z
    .enum(['linear', 'cosine', 'constant', 'constant_with_warmup', 'slanted_triangular'])
    .default('linear')
    .describe(
      'How the learning rate changes after the warmup. slanted_triangular (ULMFiT) has a rise of its own, told by cut_frac, and does not use warmup_steps.',
    ),
  cut_frac: z
    .number()
    .min(0)
    .lt(1)
    .exactOptional()
    .describe('Of slanted_triangular: share of all steps during which the learning rate rises. If left out, 0.1.'),
  ratio: z
    .number()
    .min(1)
    .max(1e6)
    .exactOptional()
    .describe(
      'Of slanted_triangular: how many times lower than learning_rate the rate is at its lowest. If left out, 32.',
    ),
  label_smoothing_factor: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of the target probability that is spread over all classes.'),
  class_weight: z
    .union([z.literal('balanced'), z.record(z.string(), z.number().positive().max(1e6))])
    .exactOptional()
    .describe(
      'Weight of each class in the training loss: "balanced" (rows / (classes · rows of the class)), or by label ({"rare": 5}), with 1 for labels not named. If left out, every row counts the same. With label_smoothing_factor, each class’s share of a smoothed target is weighted by that class, as in torch.nn.CrossEntropyLoss.',
    ),
  focal_gamma: z
    .number()
    .min(0)
    .max(10)
    .exactOptional()
    .describe(
      'Of classifiers: the focal loss, in which a row counts less the surer the model already is of its label: (1 − p)^focal_gamma times the cross entropy (2 is usual). If left out, the cross entropy alone. class_weight can be given, too.',
    ),
  fim_rate: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe(
      'Of text-generation: share of the training texts that are learnt by filling in their middle (FIM), with a model whose tokenizer has the tokens for it. If left out, none.',
    ),
  fim_spm_rate: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe(
      'Of these texts, the share in the order suffix, prefix, middle (SPM) instead of prefix, suffix, middle (PSM). If left out, 0.5.',
    ),
  gradient_checkpointing: z
    .boolean()
    .exactOptional()
    .describe(
      'Compute what a layer has computed again for its gradients instead of keeping it: less memory, and a forward pass more in each step. The losses are the same. Off by default.',
    ),
  fp16: z
    .boolean()
    .exactOptional()
    .describe(
      'On a graphics card, compute the products of training steps in float16; weights, optimiser, sums, norms, softmax and loss stay in float32, and so do evaluations and the written model. What it does to time and accuracy on a card has not been measured. Off by default.',
    ),
  predict_in_8bit: z
    .boolean()
    .exactOptional()
    .describe(
      'Of classifiers: luthier predict and Predict on File compute with weights in 8 bits, which is faster, if the written model then gives nearly the same answers on validation rows; the run says what was found. Evaluation stays in float. Off by default.',
    ),
  max_length: z
    .number()
    .int()
    .min(3)
    .max(8192)
    .default(128)
    .describe(
      'Maximum tokens in a row, including special tokens; longer rows are cut, and a note says how many. For tasks that write, 512 if left out.',
    ),
  seed: wholeNumber
    .max(MAX_SEED)
    .default(42)
    .describe('Determines the validation split, the order of rows, dropout and new weights.'),
  validation_split: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe(
      'Share of the training rows held out for validation, class by class, if the dataset names no validation file; 0: none.',
    ),
  eval_steps: wholeNumber.default(0).describe('Steps between evaluations; 0: evaluate at the end of each epoch.'),
  save_steps: wholeNumber
    .default(0)
    .describe(
      'Steps between checkpoints; 0: write one at the end of each epoch. In any case, at least every 5 minutes.',
    ),
  save_total_limit: positiveInteger
    .max(1000)
    .default(2)
    .describe('Number of checkpoints kept during the run, in addition to the best one.'),
  keep_checkpoints: z
    .boolean()
    .default(false)
    .describe('Keep the checkpoints after the run ends; otherwise only its model is kept.'),
  logging_steps: positiveInteger
    .default(1)
    .describe('Steps between log entries; the logged loss is the mean over these steps.'),
  metric_for_best_model: z
    .enum(METRICS.map(({ key }) => key))
    .default(TASKS[0].best)
    .describe(
      `Validation metric that decides which weights are best and saved: the lowest ${LOWER.join(' or ')}, or the highest value of any other metric. If left out, ${BEST}.`,
    ),
  early_stopping_patience: wholeNumber
    .default(0)
    .describe('Training stops after this many evaluations without improvement; 0: never.'),
  backend: z
    .enum(['auto', 'onnxruntime', 'webgpu', 'tensorflow', 'wasm'])
    .default('auto')
    .describe('Backend that runs the training; auto picks the fastest one that works on this machine.'),
  search: searchSchema
    .exactOptional()
    .describe(
      'Values of this recipe to try on the same rows; the best by metric_for_best_model are chosen. Starting the recipe starts the search.',
    ),
}) satisfies z.ZodType<Recipe, unknown>;

export type RecipeKey = keyof Recipe;

/** What a file may hold beside a recipe's keys; neither survives into the complete recipe. */
export const inputSchema = recipeSchema.extend({
  $schema: z.string().exactOptional().describe('Where the editor finds the schema of this file.'),
  warmup_ratio: z.number().min(0).lt(1).exactOptional().describe('The older name of warmup_steps below 1.'),
});

/** Whose name each key is, for docs/recipe.md. */
export const KEY_OWNER: Record<RecipeKey, string> = {
  version: 'ours',
  task: 'transformers `pipeline` task',
  problem_type: 'transformers’ config.json',
  label_separator: 'ours',
  label_columns: 'ours',
  model: 'ours (`from_pretrained`)',
  dataset: 'ours',
  columns: 'ours',
  encoding: 'ours (`pandas.read_csv`)',
  template: 'ours',
  strategy:
    'ours; the keys of `lora` LoraConfig’s, of `prompt-tuning` PromptTuningConfig’s, of `prefix-tuning` PrefixTuningConfig’s, `load_in_8bit` and `load_in_4bit` BitsAndBytesConfig’s',
  pooling: 'sentence-transformers (`pooling_mode`)',
  learning_rate: 'TrainingArguments',
  num_train_epochs: 'TrainingArguments',
  max_steps: 'TrainingArguments',
  per_device_train_batch_size: 'TrainingArguments',
  per_device_eval_batch_size: 'TrainingArguments',
  gradient_accumulation_steps: 'TrainingArguments',
  weight_decay: 'TrainingArguments',
  adam_beta1: 'TrainingArguments',
  adam_beta2: 'TrainingArguments',
  adam_epsilon: 'TrainingArguments',
  max_grad_norm: 'TrainingArguments',
  warmup_steps: 'TrainingArguments',
  lr_scheduler_type: 'TrainingArguments; `slanted_triangular` ours',
  cut_frac: 'ULMFiT',
  ratio: 'ULMFiT',
  label_smoothing_factor: 'TrainingArguments',
  gradient_checkpointing: 'TrainingArguments',
  fp16: 'TrainingArguments',
  predict_in_8bit: 'ours',
  class_weight: 'scikit-learn (CrossEntropyLoss’s `weight`)',
  focal_gamma: 'ours (γ of Lin et al. 2017)',
  fim_rate: 'Megatron-LM, StarCoder’s scripts',
  fim_spm_rate: 'Megatron-LM, StarCoder’s scripts',
  max_length: 'the tokenizer',
  seed: 'TrainingArguments',
  validation_split: 'ours',
  eval_steps: 'TrainingArguments',
  save_steps: 'TrainingArguments',
  save_total_limit: 'TrainingArguments',
  keep_checkpoints: 'ours',
  logging_steps: 'TrainingArguments',
  metric_for_best_model: 'TrainingArguments',
  early_stopping_patience: 'EarlyStoppingCallback',
  backend: 'ours',
  search: 'ours',
};
