import { z } from 'zod';
import type { Recipe } from '../../protocol/index.ts';
import { encodingNamed } from '../data/encoding-names.ts';

/**
 * The recipe's keys: ranges, defaults and the words that the editor shows on hover. The schemas in media/
 * and the table in docs/recipe.md are made from this file (`npm run schema`), and a test checks that they are up to
 * date.
 */

const MAX_SEED = 2 ** 32 - 1;

const positiveInteger = z.number().int().min(1);
const wholeNumber = z.number().int().min(0);
const name = z.string().min(1);

const SOME_ENCODINGS = 'utf-8, windows-1252, mac-roman, gb18030, shift_jis';

const eightBit = z
  .boolean()
  .describe(
    'Compute the frozen linear layers in 8 bits while training, which is faster on a processor; off by default. What is evaluated and written is in float.',
  )
  .exactOptional();

export const strategySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('full').describe('Train every parameter.') }),
  z.strictObject({
    type: z
      .literal('head')
      .describe("Train only the pooler and the classifier; the encoder's output is computed once."),
  }),
  z.strictObject({
    type: z.literal('freeze').describe('Keep the embeddings and the lowest layers as they are; train the rest.'),
    num_frozen_layers: positiveInteger.max(1000).describe('How many of the lowest layers keep their weights.'),
    load_in_8bit: eightBit,
  }),
  z.strictObject({
    type: z
      .literal('lora')
      .describe('Keep every weight as it is; train low-rank adapters beside some linear layers, and the classifier.'),
    r: positiveInteger.max(1024).default(8).describe('Rank of the adapters.'),
    lora_alpha: z.number().positive().default(8).describe('What the adapters add is scaled by lora_alpha / r.'),
    lora_dropout: z.number().min(0).lt(1).default(0).describe("Share of an adapter's input that is dropped."),
    target_modules: z
      .union([z.literal('all-linear'), z.array(name).min(1)], { error: 'a list of names or "all-linear"' })
      .default(['query', 'value'])
      .describe(
        'Linear layers that get an adapter, by the end of their names (query, key, value, dense), or "all-linear".',
      ),
    load_in_8bit: eightBit,
  }),
]);

export const datasetSchema = z.union([
  name.describe("A file, or the name of a data set in .luthier/datasets. Paths are relative to the recipe's file."),
  z.strictObject({
    train: name.describe('File with the rows to train on.'),
    validation: name
      .describe('File that chooses the best weights; without it a part of train is split off.')
      .exactOptional(),
    test: name.describe('File looked at once, after training, to report.').exactOptional(),
  }),
]);

export const columnsSchema = z.strictObject({
  text: name.describe('Column that holds the text.').exactOptional(),
  text_pair: name.describe('Column that holds the second text of a pair.').exactOptional(),
  label: name.describe('Column that holds the class.').exactOptional(),
});

export const recipeSchema = z.strictObject({
  task: z.literal('text-classification').default('text-classification').describe('What the model learns to do.'),
  model: name.describe(
    'The model to start from: a folder beside the recipe, a starter (starters/bert), or a Hugging Face name, looked up in this order.',
  ),
  dataset: datasetSchema.describe('The labelled texts: one file, or one for each part.'),
  columns: columnsSchema
    .prefault({})
    .describe("Which columns hold the task's fields; guessed and reported when left out."),
  encoding: name
    .refine((written) => encodingNamed(written) !== undefined, {
      error: ({ input }) => `an encoding such as ${SOME_ENCODINGS}, not ${JSON.stringify(input)}`,
    })
    .describe(
      `Encoding of the data's files (${SOME_ENCODINGS}, …), for those that are not UTF-8; guessed and reported when left out.`,
    )
    .exactOptional(),
  strategy: strategySchema.default({ type: 'full' }).describe('Which parameters are trained.'),
  learning_rate: z
    .number()
    .positive()
    .default(5e-5)
    .describe('Highest learning rate, reached at the end of the warmup.'),
  num_train_epochs: z
    .number()
    .positive()
    .max(100_000)
    .default(3)
    .describe('Passes over the training part; may be a fraction.'),
  max_steps: z
    .number()
    .int()
    .min(-1)
    .default(-1)
    .describe('When above 0, training ends after this many optimiser steps, whatever num_train_epochs says.'),
  per_device_train_batch_size: positiveInteger.max(4096).default(16).describe('Rows in one forward and backward pass.'),
  per_device_eval_batch_size: positiveInteger.max(4096).default(64).describe('Rows in one pass of an evaluation.'),
  gradient_accumulation_steps: positiveInteger
    .max(4096)
    .default(1)
    .describe(
      'Passes whose gradients make one optimiser step: the same result as a batch so many times as large, in less memory.',
    ),
  weight_decay: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe("AdamW's decoupled decay; not applied to biases and LayerNorm."),
  adam_beta1: z.number().min(0).lt(1).default(0.9).describe("AdamW's decay of the gradients' running mean."),
  adam_beta2: z.number().min(0).lt(1).default(0.999).describe("AdamW's decay of the squared gradients' running mean."),
  adam_epsilon: z.number().positive().max(1).default(1e-8).describe("AdamW's term against division by zero."),
  max_grad_norm: z
    .number()
    .min(0)
    .default(1)
    .describe('Gradients are scaled down to this global norm; 0 leaves them as they are.'),
  warmup_steps: z
    .number()
    .min(0)
    .default(0.06)
    .describe('Steps over which the learning rate rises from 0. Below 1: a share of all steps.'),
  lr_scheduler_type: z
    .enum(['linear', 'cosine', 'constant', 'constant_with_warmup'])
    .default('linear')
    .describe('How the learning rate falls after the warmup.'),
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
      'Weight of each class in the training loss: "balanced" (rows / (classes · rows of the class)), or by label ({"rare": 5}), 1 for those not named. Left out: every row counts the same.',
    ),
  max_length: z
    .number()
    .int()
    .min(3)
    .max(8192)
    .default(128)
    .describe('Tokens of a row, special ones included; longer rows are cut, and counted.'),
  seed: wholeNumber
    .max(MAX_SEED)
    .default(42)
    .describe('Decides the split, the order of rows, dropout and new weights.'),
  validation_split: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe('Share of the training part held out, by class, when the data set names no validation part; 0 for none.'),
  eval_steps: wholeNumber.default(0).describe('Evaluate every this many steps; 0: at the end of each epoch.'),
  save_steps: wholeNumber
    .default(0)
    .describe('Checkpoint every this many steps; 0: at the end of each epoch. At least every 5 minutes all the same.'),
  save_total_limit: positiveInteger
    .max(1000)
    .default(2)
    .describe('Checkpoints kept while the run works; the best one is kept besides.'),
  keep_checkpoints: z
    .boolean()
    .default(false)
    .describe('Keep the checkpoints when the run has ended; otherwise only its model stays.'),
  logging_steps: positiveInteger.default(1).describe('Steps to a logged one; its loss is the mean of theirs.'),
  metric_for_best_model: z
    .enum(['loss', 'accuracy', 'f1_macro', 'f1_weighted', 'mcc', 'ece'])
    .default('f1_macro')
    .describe(
      'Validation metric by which the written weights are chosen; loss and ece: the lowest, the others: the highest.',
    ),
  early_stopping_patience: wholeNumber
    .default(0)
    .describe('Evaluations without improvement after which training ends; 0: never.'),
  backend: z
    .enum(['auto', 'onnxruntime', 'webgpu', 'tensorflow', 'wasm'])
    .default('auto')
    .describe('What computes; auto takes the fastest that works here.'),
}) satisfies z.ZodType<Recipe, unknown>;

export type RecipeKey = keyof Recipe;

/** What a file may hold beside a recipe's keys; neither survives into the complete recipe. */
export const inputSchema = recipeSchema.extend({
  $schema: z.string().exactOptional().describe('Where the editor finds this schema.'),
  warmup_ratio: z.number().min(0).lt(1).exactOptional().describe('The older name of warmup_steps below 1.'),
});

/** Whose name each key is, for docs/recipe.md. */
export const KEY_OWNER: Record<RecipeKey, string> = {
  task: 'transformers `pipeline` task',
  model: 'ours (`from_pretrained`)',
  dataset: 'ours',
  columns: 'ours',
  encoding: 'ours (`pandas.read_csv`)',
  strategy: 'ours; the keys of `lora` LoraConfig’s, `load_in_8bit` BitsAndBytesConfig’s',
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
  lr_scheduler_type: 'TrainingArguments',
  label_smoothing_factor: 'TrainingArguments',
  class_weight: 'scikit-learn (CrossEntropyLoss’s `weight`)',
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
};
