import type { Metrics } from './events.ts';
import { counted } from './figures.ts';
import type { MetricKey } from './metrics.ts';
import type { TASKS, TaskName } from './tasks.ts';

/** A 95 % interval. */
export interface Interval {
  low: number;
  high: number;
}

/** Of fewer rows than this, no interval but accuracy's is given: they say too little. */
export const FEWEST_ROWS_FOR_INTERVALS = 10;

/** Over fewer rows than this, accuracy's interval spans 35 points or more. */
const ROWS_THAT_SAY_SOMETHING = 30;

/** As a label: "4 rows held out: this says little", or null where there are rows enough. */
export function fewRowsNote(n: number, row = 'row'): string | null {
  return n < ROWS_THAT_SAY_SOMETHING ? `${counted(n, row)} held out: this says little` : null;
}

/** What can be done about few rows held out. */
export const FEW_ROWS_HINT = 'Hold out a larger share, or cross-validate.';

/**
 * Scores of one class; null where it has no rows to be measured by (written as "–"): recall and F1 always, precision
 * where it was not predicted either. Evaluations of 0.1.0 have 0 in their place: `classScore` reads both.
 */
export interface ClassMetrics {
  label: string;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  /** Rows of this class. */
  support: number;
}

/** A class's score as it is shown: null without rows of the class, also in what 0.1.0 wrote. */
export function classScore(of: ClassMetrics, key: 'precision' | 'recall' | 'f1'): number | null {
  if (of.support > 0 || (key === 'precision' && of[key] !== 0)) return of[key];
  return null;
}

/** One evaluated row, as kept for the worst rows and for the confusion matrix's cells. */
export interface EvaluatedRow {
  /** 1-based line of the file that the row starts on; the header is line 1. */
  line: number;
  /** File the row is from, relative to the run's recipe where possible. */
  file: string;
  text: string;
  text_pair?: string;
  label: string;
  predicted: string;
  /** Probability of the predicted class. */
  score: number;
  loss: number;
}

/** A run's model measured on a file that a person named; kept as `evaluations/<name>.json` in the run's folder. */
export interface FileEvaluation {
  format: 1;
  /** Of its file, without the ending. */
  name: string;
  /** Shown to people: the measured file's name. */
  title: string;
  /** Absolute path of the measured file. */
  file: string;
  /** ISO 8601. */
  evaluated_at: string;
  report: EvaluationReport;
}

/** What two runs' models answer to their validation rows, taken row by row. */
export interface RunComparison {
  /** Rows that each was measured on. */
  n: [first: number, second: number];
  /** Rows, text and class, that both were measured on. */
  shared: number;
  /** Null unless both were measured on the same rows. */
  outcome: {
    both: number;
    neither: number;
    only_first: number;
    only_second: number;
    /** Some of those that only one gets right: first those of the first, then those of the second. */
    rows: ComparedRow[];
  } | null;
}

export interface ComparedRow {
  line: number;
  file: string;
  text: string;
  text_pair?: string;
  label: string;
  /** Answers of the first and the second run's model. */
  first: string;
  second: string;
}

export type Split = 'train' | 'validation' | 'test';

/** Metrics that a task's evaluations have. */
type MetricsOf<T extends TaskName> = Extract<(typeof TASKS)[number], { name: T }>['metrics'][number];

/** What the evaluations of all tasks have. */
interface ReportOf<T extends TaskName> {
  task: T;
  split: Split;
  /** Rows that were measured. */
  n: number;
  /** In a cross-validation: number of folds whose answers these are together, each row's by the model that had not seen it. */
  folds?: number;
  metrics: Record<MetricsOf<T>, number> & Metrics;
  /** null where there are too few rows (`FEWEST_ROWS_FOR_INTERVALS`); an exact interval is always there. */
  intervals: Record<MetricsOf<T>, Interval | null> & Partial<Record<MetricKey, Interval | null>>;
}

export type ClassificationMetric = MetricsOf<'text-classification'>;

/** One class for each text. */
export interface ClassificationReport extends ReportOf<'text-classification'> {
  labels: string[];
  /** Scores of always answering the most frequent class of the training part; its MCC is 0 by definition. */
  majority: { label: string; accuracy: number; f1_macro: number; f1_weighted?: number; mcc?: number };
  per_class: ClassMetrics[];
  /** confusion[i][j]: rows of class i predicted as class j. */
  confusion: number[][];
  /** Rows with the highest loss, worst first. */
  worst: EvaluatedRow[];
}

/** A place in a sentence's text, in UTF-16 units, that a type of spans names. */
export interface TagSpan {
  type: string;
  start: number;
  end: number;
}

/** A sentence with errors: its words with a space between them, and the spans in it. */
export interface TaggedRow {
  line: number;
  file: string;
  text: string;
  gold: TagSpan[];
  predicted: TagSpan[];
  /** Mean over its words. */
  loss: number;
}

/** How many spans were taken for what: null where there is none, or none was predicted; the same type for other words. */
export interface TagMistake {
  actual: string | null;
  predicted: string | null;
  n: number;
}

/** A tag for each word. Spans are counted as seqeval's default mode and conlleval count them. */
export interface TagReport extends ReportOf<'token-classification'> {
  /** Tags in the logits' order. */
  labels: string[];
  /** Sums over the sentences, from which the metrics follow. */
  counts: Record<'words' | 'correct' | 'loss' | 'read' | 'right' | 'gold' | 'predicted', number>;
  /** Of each type of spans. */
  per_class: (ClassMetrics & { right: number; predicted: number })[];
  /** The most frequent first. */
  mistakes: TagMistake[];
  /** Some of the sentences with errors, those with the highest loss first. */
  errors: TaggedRow[];
}

/** A row that a language model was measured on. */
export interface LanguageRow {
  line: number;
  file: string;
  /** What is learnt of it, in parts that the model read alike, each with the mean loss of its tokens. */
  pieces: { text: string; loss: number | null }[];
  /** Tokens that were measured, and their mean loss. */
  tokens: number;
  loss: number;
}

/** What evaluations of language models have besides their metrics. */
interface LanguageFigures {
  /** Sums over the rows, from which the metrics follow; `text_loss` is without the tokens that end texts. */
  counts: Record<'tokens' | 'loss' | 'bytes' | 'text_loss', number>;
  /** Mean loss of the rows in a histogram of equal steps: rows in each, from `from` on. */
  spread: { from: number; step: number; rows: number[] };
  /** Rows with the highest mean loss, first. */
  worst: LanguageRow[];
}

/** Texts that are continued. */
export interface TextReport extends ReportOf<'text-generation'>, LanguageFigures {}

/** Conversations, of which the assistant's answers are measured. */
export interface ChatReport extends ReportOf<'conversational'>, LanguageFigures {}

export type LanguageReport = TextReport | ChatReport;

/** A row with the labels that hold and those that were predicted. */
export interface LabelsRow {
  line: number;
  file: string;
  text: string;
  text_pair?: string;
  labels: string[];
  predicted: string[];
  /** Mean over all labels. */
  loss: number;
}

/** Any number of labels for each text. Averages are micro unless they say macro; accuracy is over whole rows. */
export interface LabelsReport extends ReportOf<'multi_label_classification'> {
  labels: string[];
  /** Probability from which a label is predicted. */
  threshold: number;
  /** Whether the threshold was chosen on these rows. */
  tuned: boolean;
  /** With an interval of F1, where there are rows enough, and how often it was predicted and right. */
  per_class: (ClassMetrics & { right: number; predicted: number; f1_interval: Interval | null })[];
  /** Rows where anything is wrong, those with the highest loss first. */
  worst: LabelsRow[];
}

/** A row with its value and the one that was predicted. */
export interface ValueRow {
  line: number;
  file: string;
  text: string;
  text_pair?: string;
  value: number;
  predicted: number;
}

/** A number for each text. */
export interface ValueReport extends ReportOf<'regression'> {
  labels: string[];
  /** Errors of always answering the mean of the training rows, where that is known, or of these. */
  mean: { value: number; mse: number };
  /** Some of the rows, evenly taken: value and what was predicted. */
  points: [value: number, predicted: number][];
  /** Rows that are furthest off, the worst first. */
  worst: ValueRow[];
}

/** What evaluation.json holds, one for each evaluated part. */
export type EvaluationReport = ClassificationReport | LabelsReport | ValueReport | TagReport | LanguageReport;
