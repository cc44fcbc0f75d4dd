import type * as tf from '@tensorflow/tfjs-core';
import type {
  AnswerName,
  Columns,
  EvaluationReport,
  LearntRow,
  Recipe,
  Split,
  TaskName,
} from '../../protocol/index.ts';
import type { RowKind, TaskRow } from '../data/types.ts';
import type { RowTemplate } from '../prompts/row-template.ts';
import type { TensorSpec } from '../tensor/executors/executor.ts';
import type { TextInput, Tokenizer } from '../text/tokenizer.ts';

/** What the model takes at once: a text, a pair of texts, or a window of one. */
export interface Item {
  ids: Int32Array;
  typeIds: Uint8Array | null;
  /** The token that the head reads, where each item names its own. */
  read?: number;
  /** Whether its text goes on where the item ends. */
  truncated?: boolean;
}

/** In the place of a label: nothing is learnt or measured there (transformers' ignore_index). */
export const IGNORED = -100;

/** An item with the labels of each state that the head reads, as the task's loss takes them. */
export interface LabelledItem extends Item {
  labels: Int32Array | Float32Array;
  /** What is learnt of it in an epoch, counted from 0, where that is drawn for each. */
  inEpoch?: (epoch: number) => LabelledItem;
}

/** What training makes small, and what it is fed for that: of each state that the head reads, its targets and its weight. */
export interface Loss {
  /** An item's `labels` follow each other in it, as many for each state as its other dimensions have. */
  targets(states: number, outputs: number): TensorSpec;
  /** What a state counts, by its label where that matters; over the items of an optimiser step they sum to one. */
  weight(items: readonly LabelledItem[]): number | ((label: number) => number);
  /** @param logits `[states, outputs]` @param weights `[states]`, 0 where a short batch is filled up */
  value(logits: tf.Tensor2D, targets: tf.Tensor, weights: tf.Tensor1D): tf.Scalar;
}

export interface LossOptions {
  recipe: Pick<Recipe, 'label_smoothing_factor' | 'class_weight' | 'focal_gamma'>;
  labels: readonly string[];
  /** Those that are trained on. */
  items: readonly LabelledItem[];
}

export interface EncodedRows<I extends Item> {
  items: I[];
  /** Rows that did not fit in max_length. */
  truncatedRows: number;
  /** Unknown pieces over all kept pieces. */
  unknownShare: number;
  /** What else a person should know of it. */
  notes?: readonly EncodingNote[];
}

export interface EncodingNote {
  level: 'info' | 'warning';
  message: string;
}

/**
 * What a task has to know besides labels: how its data are written, and what was chosen on validation rows. Saved in a
 * model's folder, so that it answers and is measured as it was trained.
 */
export interface TaskSettings {
  /** Probability from which a label is predicted. */
  threshold?: number;
  /** What stands between the labels of a cell. */
  label_separator?: string | undefined;
  /** Columns of 0 and 1, one for each label. */
  label_columns?: readonly string[] | undefined;
}

/** Logits of items: those of item i, `[states, labels]`, follow those of the items before it. */
export type Logits = Float32Array;

export interface EvaluateOptions<Row extends TaskRow, I extends Item> {
  split: Split;
  labels: string[];
  rows: readonly Row[];
  /** Those of `encode`, for all rows. */
  items: readonly I[];
  /** Empty where the task measures losses. */
  logits: Logits;
  /** Of a task that measures losses: that of each state, one item's after the other's; 0 where it has no label. */
  losses?: Float32Array;
  settings?: TaskSettings;
  /** Whether they were chosen on these rows. */
  tuned?: boolean;
  /** The training part, where it is known. */
  trainRows?: readonly Row[] | undefined;
  /** Folder that files of named rows are relative to, where they are in it. */
  base?: string;
}

export interface SamplePrompt {
  /** Number of its row. */
  row: number;
  ids: number[];
  prompt: string;
  reference: string;
  /** Tokens that end an answer. */
  ends: number[];
}

export interface DecodeOptions {
  texts: readonly TextInput[];
  /** Those of `prepare`. */
  items: readonly Item[];
  logits: Logits;
  labels: readonly string[];
  settings?: TaskSettings;
  /** The model's folder, for messages. */
  model: string;
}

/** How far answers are from those of another computation. */
export interface Differences {
  /** Items of which any label is another one. */
  changed: number;
  /** Largest difference of a probability; 1 where one is not finite. */
  largest: number;
}

/** What a model answers texts with. */
export interface Answering<Answer> {
  readonly name: AnswerName;
  /** Whose head it has, where that is another task's. */
  readonly head?: TaskName;
  /** States that the head reads: each item's first one, the one that it names, or every token's. */
  readonly reads: 'first' | 'named' | 'all';
  /** Texts to be answered, as items: those of one text follow each other. */
  prepare(texts: readonly TextInput[], tokenizer: Tokenizer, maxLength: number): Item[];
  /** One answer for each text. @throws LuthierError `model-invalid` for logits that are not finite */
  decode(options: DecodeOptions & { tokenizer: Tokenizer }): Answer[];
  /** An answer in a terminal: what is said, and of which text. */
  show(answer: Answer, labels: readonly string[]): { said: string; of: string };
}

/**
 * What a model learns to do: everything that differs between tasks, in a folder each (tasks/registry.ts lists them).
 * What terminal, editor and pages know of it is in the protocol: its name, metrics, fields and evaluations.
 */
export interface Task<Row extends TaskRow, I extends LabelledItem, Answer, Report extends EvaluationReport>
  // biome-ignore lint/suspicious/noExplicitAny: rows as they are written are the affair of who reads them
  extends RowKind<Row, any, any>,
    Answering<Answer> {
  readonly name: TaskName;
  /** The template through which its rows are read (templated.ts). */
  readonly template?: RowTemplate;
  /** The task for data that are written in one of several ways. */
  bind?(how: TaskSettings): Task<Row, I, Answer, Report>;
  /** In which of them. */
  readonly how?: TaskSettings;
  readonly reads: 'first' | 'all';
  /**
   * What its evaluation needs of the model for each state: logits, or the loss alone. Logits of a whole vocabulary for
   * every token of all rows would not fit into memory.
   */
  readonly measures: 'logits' | 'losses';
  /** Of a dataset's columns those that the model reads; what its folder says of its inputs. */
  inputs(columns: Columns): string[];
  /** @param recipe of training rows: what else decides how they are learnt */
  encode(rows: readonly Row[], tokenizer: Tokenizer, maxLength: number, recipe?: Recipe): EncodedRows<I>;
  /** @throws LuthierError `recipe-invalid` for options that do not fit the labels */
  loss(options: LossOptions): Loss;
  /** What becomes of rows that do not fit, in a sentence. */
  tellLong(rows: number, of: number, maxLength: number): string;
  decode(options: DecodeOptions): Answer[];
  /** A few rows as the model sees them, with what is learnt of them: shown before a run starts. */
  preview?(rows: readonly Row[], items: readonly I[], tokenizer: Tokenizer): LearntRow[];
  /** A few rows as prompts that are answered now and then while the model learns; of tasks that write. */
  samplePrompts?(rows: readonly Row[], tokenizer: Tokenizer, maxLength: number): SamplePrompt[];
  /** A fixed text as items, for measuring how much of the base model is forgotten; of tasks that write. */
  generalText?(tokenizer: Tokenizer, maxLength: number): LabelledItem[];
  /** What is chosen on the validation rows, of the answers of the weights that are kept; and how to say it. */
  tune?(items: readonly I[], logits: Logits): { settings: TaskSettings; note: string };
  /**
   * How far answers are from those of another computation, of the same items; left out where there are no labels to be
   * the same. @param a logits as `evaluate` is given them @param b likewise
   */
  compare?(items: readonly I[], a: Logits, b: Logits, how: { labels: number; settings: TaskSettings }): Differences;
  evaluate(options: EvaluateOptions<Row, I>): Report;
  /** What the report's classes count of a row, where that is not its labels: a type for each span. */
  classesIn?(row: Row, labels: readonly string[]): string[];
  /** One report of the folds of a cross-validation. */
  pool(reports: readonly Report[]): Report;
  /** The report as lines for a terminal of `width` columns. */
  format(report: Report, width: number): string;
  readonly save: {
    /** Of config.json, beside architectures and labels. */
    config: Readonly<Record<string, unknown>>;
    /** peft's TaskType. */
    peft: string;
    /** transformers' pipeline, which is the hub's pipeline_tag. */
    pipeline: string;
    /** What a model of it is called, and what it does with so many labels, which are named next. */
    noun: string;
    does(labels: number): string;
    /** transformers' and peft's class for it, without AutoModelFor. */
    autoModel: string;
  };
}

// biome-ignore lint/suspicious/noExplicitAny: rows, items and answers are the task's own affair
export type AnyTask = Task<any, any, any, any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyAnswering = Answering<any>;
