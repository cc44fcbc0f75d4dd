import type { MetricKey } from './metrics.ts';
import type { ProblemType, RecipeTask } from './tasks.ts';

/** Which parameters are trained, and how. `type` names one of src/engine/strategies, whose schema has the other keys. */
export type Strategy = { type: string; [key: string]: unknown };

/** Strategies whose models read a prompt that was learnt: no weight has it in it, so that Python needs peft. */
const PROMPTED: readonly string[] = ['prompt-tuning', 'prefix-tuning'];
export const learnsPrompt = ({ type }: Strategy): boolean => PROMPTED.includes(type);

/** Whether the classifier alone is learnt, and solved to its end: in one step, which has no learning rate. */
export const isSolvedHead = ({ type, solver }: Strategy): boolean => type === 'head' && solver === 'lbfgs';

interface PeakRate {
  key: 'learning_rate' | 'body_learning_rate';
  value: number | undefined;
}

/** Where such a key stands, from the recipe's top. */
export type RatePath = 'learning_rate' | 'strategy.body_learning_rate';

export const ratePath = ({ key }: Pick<PeakRate, 'key'>): RatePath =>
  key === 'learning_rate' ? key : `strategy.${key}`;

/** The peak learning rate that steps are made with: its key and its value; null where a head is solved and has none. */
export function rateOf(recipe: { strategy?: Strategy; learning_rate?: number }): PeakRate | null {
  const { strategy, learning_rate } = recipe;
  if (strategy && isSolvedHead(strategy)) return null;
  // Pairs have a rate of their own.
  if (strategy?.type === 'few-shot') {
    const { body_learning_rate: own } = strategy;
    return { key: 'body_learning_rate', value: typeof own === 'number' ? own : undefined };
  }
  return { key: 'learning_rate', value: learning_rate };
}

/** One file, or a file for each part. Paths are relative to the recipe's file. */
export type DatasetReference = string | { train: string; validation?: string; test?: string };

/** The file that training rows come from, or the dataset's name or folder. */
export const trainingData = (dataset: DatasetReference): string =>
  typeof dataset === 'string' ? dataset : dataset.train;

/** Which column of the file holds which field of the task (fields.ts has the table). */
export interface Columns {
  text?: string;
  text_pair?: string;
  label?: string;
  /** Rows with the same value here stay on one side of a split. */
  group?: string;
  tokens?: string;
  tags?: string;
  messages?: string;
  tools?: string;
  prompt?: string;
  input?: string;
  completion?: string;
  system?: string;
}

export type BackendChoice = 'auto' | 'onnxruntime' | 'webgpu' | 'tensorflow' | 'wasm';

/** How a classifier reads a text: the mean of its tokens' states, the first token's, or that one through a trained pooler. */
export const POOLINGS = ['mean', 'cls', 'pooler'] as const;

export type Pooling = (typeof POOLINGS)[number];

export const SEARCH_METHODS = ['grid', 'random', 'halving'] as const;
export type SearchMethod = (typeof SEARCH_METHODS)[number];

/** Values between two, drawn evenly, or evenly by their logarithms. */
export interface ValueRange {
  min: number;
  max: number;
  scale?: 'linear' | 'log';
}

/** Values of a recipe that are tried, by dotted key, as `--set` names them: each a list, or a range to draw from. */
export interface Search {
  method: SearchMethod;
  values: Record<string, unknown[] | ValueRange>;
  /** Sets of values to draw; of halving those that it begins with. */
  trials?: number;
  /** For all of them together; as long as it takes where it is left out. */
  minutes?: number;
}

/** Version of the recipe's keys; engine/recipes/migrate.ts brings older ones up to it. */
export const RECIPE_VERSION = 2;

/**
 * A recipe: everything that decides what a run computes, every default filled in. Keys carry the names that
 * transformers 5 uses (docs/recipe.md says for each whose it is). The schema is src/engine/recipes/recipe-schema.ts.
 */
export interface Recipe {
  version: number;
  task: RecipeTask;
  /** Of text-classification; one class a text where it is left out. */
  problem_type?: ProblemType;
  model: string;
  dataset: DatasetReference;
  columns: Columns;
  /** What stands between the labels of one cell, where a person says that several do: "|". */
  label_separator?: string;
  /** Columns of 0 and 1, one for each label, in the place of a column of labels. */
  label_columns?: string[];
  /** A prompt template (`.prompty`) through which rows are read; relative to the recipe's file. */
  template?: string;
  /** Of the data's files, where it is not to be guessed. */
  encoding?: string;
  strategy: Strategy;
  /** Of an encoder that classifies texts; where it is left out, the strategy and the model's folder say. */
  pooling?: Pooling;
  learning_rate: number;
  num_train_epochs: number;
  /** When above 0, ends the training after this many optimiser steps, whatever num_train_epochs says. */
  max_steps: number;
  per_device_train_batch_size: number;
  per_device_eval_batch_size: number;
  gradient_accumulation_steps: number;
  weight_decay: number;
  adam_beta1: number;
  adam_beta2: number;
  adam_epsilon: number;
  max_grad_norm: number;
  /** Below 1: a share of all steps; otherwise a number of steps. */
  warmup_steps: number;
  lr_scheduler_type: 'linear' | 'cosine' | 'constant' | 'constant_with_warmup' | 'slanted_triangular';
  /** Of slanted_triangular: share of the steps in which the rate rises; 0.1 where it is left out. */
  cut_frac?: number;
  /** Of slanted_triangular: the highest rate over the lowest; 32 where it is left out. */
  ratio?: number;
  label_smoothing_factor: number;
  /**
   * Weight of each class in the training loss: "balanced" (n / (classes · rows of the class), as scikit-learn's), or by
   * label, 1 for those that are not named. Left out: every row counts the same.
   */
  class_weight?: 'balanced' | Record<string, number>;
  /** Of classifiers: γ of the focal loss; where it is left out, the cross entropy. */
  focal_gamma?: number;
  /** Of text-generation: share of the training texts that are learnt by filling in their middle; none where it is left out. */
  fim_rate?: number;
  /** Of those, the share with the suffix first; half of them where it is left out. */
  fim_spm_rate?: number;
  /** Whether what layers compute is computed again for the gradients instead of kept: less memory, more time. */
  gradient_checkpointing?: boolean;
  /** Whether training steps compute their products in float16, on a graphics card that does. */
  fp16?: boolean;
  /** Whether the written model may predict with weights in 8 bits, where that was found to answer as floats do. */
  predict_in_8bit?: boolean;
  max_length: number;
  seed: number;
  /** Share of the training part held out for validation when the data set names none; 0 for none. */
  validation_split: number;
  /** Evaluate every this many steps; 0: at the end of each epoch. */
  eval_steps: number;
  /** Checkpoint every this many steps; 0: at the end of each epoch. At least every 5 minutes all the same. */
  save_steps: number;
  save_total_limit: number;
  /** Whether a run's checkpoints stay when it has ended with its model written; nothing needs them then. */
  keep_checkpoints: boolean;
  logging_steps: number;
  metric_for_best_model: MetricKey;
  /** Evaluations without improvement after which training ends; 0: never. */
  early_stopping_patience: number;
  backend: BackendChoice;
  /** Of a recipe's file alone: it is trained with several values, of which the best are found. A run has none. */
  search?: Search;
}

/** What a person writes: only what differs from the defaults. `warmup_ratio` is transformers 4's name and is accepted. */
export type RecipeInput = Partial<Recipe> &
  Pick<Recipe, 'model' | 'dataset'> & { warmup_ratio?: number; $schema?: string };
