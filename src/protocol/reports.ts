import {
  type Check,
  type Checked,
  isBoolean,
  isCount,
  isKey,
  isNumber,
  isString,
  listOf,
  nullOr,
  oneOf,
  optional,
  parser,
  type Rules,
  recordOf,
  shape,
  union,
} from './check.ts';
import type { ClassificationReport, EvaluationReport, FileEvaluation } from './evaluation.ts';
import { HEADLINES } from './metrics.ts';
import { TASKS, taskOf } from './tasks.ts';

/** Checks of evaluations, which come from files and cross into the pages: one set of rules for each task. */

export const SPLITS = ['train', 'validation', 'test'];

export const isMetrics = recordOf(isNumber, isKey);

export const isInterval = shape({ low: isNumber, high: isNumber });

const common = {
  split: oneOf(...SPLITS),
  n: isCount,
  folds: optional(isCount),
  metrics: isMetrics,
  intervals: recordOf(nullOr(isInterval), isKey),
};

const isScore = nullOr(isNumber);

const row = { line: isCount, file: isString, text: isString, text_pair: optional(isString) };

export const isEvaluatedRow = shape({
  ...row,
  label: isString,
  predicted: isString,
  score: isNumber,
  loss: isNumber,
});

const isSpans = listOf(shape({ type: isString, start: isCount, end: isCount }));

const isLanguage = {
  ...common,
  counts: recordOf(isNumber, isKey),
  spread: shape({ from: isNumber, step: isNumber, rows: listOf(isCount) }),
  worst: listOf(
    shape({
      ...{ line: isCount, file: isString, tokens: isCount, loss: isNumber },
      pieces: listOf(shape({ text: isString, loss: nullOr(isNumber) })),
    }),
  ),
};

const rules: Rules<EvaluationReport, 'task'> = {
  'text-classification': {
    ...common,
    labels: listOf(isString),
    majority: shape({ label: isString, accuracy: isNumber, f1_macro: isNumber }),
    per_class: listOf(shape({ label: isString, precision: isScore, recall: isScore, f1: isScore, support: isCount })),
    confusion: listOf(listOf(isCount)),
    worst: listOf(isEvaluatedRow),
  },
  multi_label_classification: {
    ...common,
    labels: listOf(isString),
    threshold: isNumber,
    tuned: isBoolean,
    per_class: listOf(
      shape({
        ...{ label: isString, precision: isScore, recall: isScore, f1: isScore, f1_interval: nullOr(isInterval) },
        ...{ support: isCount, right: isCount, predicted: isCount },
      }),
    ),
    worst: listOf(shape({ ...row, labels: listOf(isString), predicted: listOf(isString), loss: isNumber })),
  },
  regression: {
    ...common,
    labels: listOf(isString),
    mean: shape({ value: isNumber, mse: isNumber }),
    points: listOf(listOf(isNumber)),
    worst: listOf(shape({ ...row, value: isNumber, predicted: isNumber })),
  },
  'token-classification': {
    ...common,
    labels: listOf(isString),
    counts: recordOf(isNumber, isKey),
    per_class: listOf(
      shape({
        ...{ label: isString, precision: isScore, recall: isScore, f1: isScore },
        ...{ support: isCount, right: isCount, predicted: isCount },
      }),
    ),
    mistakes: listOf(shape({ actual: nullOr(isString), predicted: nullOr(isString), n: isCount })),
    errors: listOf(
      shape({ line: isCount, file: isString, text: isString, gold: isSpans, predicted: isSpans, loss: isNumber }),
    ),
  },
  'text-generation': isLanguage,
  conversational: isLanguage,
};

export const isReport: Check = union('task', rules);

export const isFileEvaluation = shape({
  name: isString,
  title: isString,
  file: isString,
  evaluated_at: isString,
  report: isReport,
});

export const parseFileEvaluation = parser<FileEvaluation>(isFileEvaluation);

/** Evaluations of 0.1.0 do not say of which task they are. */
export const withTask = (report: unknown): unknown =>
  typeof report === 'object' && report !== null ? { task: TASKS[0].name, ...report } : report;

/** An evaluation from a file, or what keeps it from being shown: a field of another kind, a table that does not fit. */
export function parseReport(value: unknown): Checked<EvaluationReport> {
  const report = withTask(value);
  const reason = isReport(report, 'report') ?? misfit(report as EvaluationReport);
  return reason === null ? { ok: true, message: report as EvaluationReport } : { ok: false, reason };
}

function misfit(report: EvaluationReport): string | null {
  const wanted = HEADLINES.filter((key) => taskOf(report.task).metrics.includes(key));
  const missing = wanted.find((key) => typeof report.metrics[key] !== 'number');
  if (missing !== undefined) return `report.metrics has no ${missing}`;
  return report.task === 'text-classification' ? tableMisfit(report) : null;
}

function tableMisfit({ labels, confusion, per_class }: ClassificationReport): string | null {
  const n = labels.length;
  const square = confusion.length === n && confusion.every((row) => row.length === n);
  return square && per_class.length === n ? null : 'report has tables of other sizes than its labels';
}
