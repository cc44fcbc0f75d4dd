import { resolve } from 'node:path';
import type { BackendChoice, Columns, EvaluationReport } from '../../protocol/index.ts';
import { readRecord } from '../../runs/record.ts';
import { evaluateModel } from '../infer/evaluate-model.ts';
import { findModel } from '../runs/target.ts';
import { dim, EXIT, note, printJson, yellow } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { printReport } from './report.ts';

export interface ColumnOptions {
  textColumn?: string;
  textPairColumn?: string;
  labelColumn?: string;
  tokensColumn?: string;
  tagsColumn?: string;
}

export interface EvaluateCommandOptions extends ColumnOptions {
  data: string;
  split: 'validation' | 'test';
  encoding?: string;
  backend?: BackendChoice;
  json?: boolean;
}

export async function evaluate(model: string, options: EvaluateCommandOptions): Promise<number> {
  const { path, run } = await findModel(model, process.cwd());
  if (run !== null && options.split === 'test') {
    const { dataset } = (await readRecord(run)).recipe;
    const seen = typeof dataset === 'string' ? [dataset] : [dataset.train, dataset.validation];
    if (seen.includes(resolve(options.data))) {
      say('warning', `The model was trained on ${options.data}: its score there says little about new rows.`);
    }
  }
  const progress = new ProgressLine('Evaluating');
  const report = await evaluateModel({
    model: path,
    data: options.data,
    base: process.cwd(),
    columns: columnsFrom(options),
    encoding: options.encoding,
    split: options.split,
    backend: options.backend,
    note: say,
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.close());
  if (options.json) {
    const { split, metrics, n, intervals } = report;
    printJson({ event: 'eval', split, metrics, n, intervals, ...ownOf(report) });
  } else {
    printReport(report);
  }
  return EXIT.done;
}

/** What a task's report has besides its metrics, rows aside. */
function ownOf(report: EvaluationReport): object {
  switch (report.task) {
    case 'text-classification':
      return { majority: report.majority, per_class: report.per_class, confusion: report.confusion };
    case 'multi_label_classification':
      return { threshold: report.threshold, per_class: report.per_class };
    case 'regression':
      return { mean: report.mean };
    case 'token-classification':
      return { per_class: report.per_class, mistakes: report.mistakes };
    default:
      return { counts: report.counts };
  }
}

export function say(level: 'info' | 'warning', message: string): void {
  note(level === 'warning' ? `${yellow('Warning:')} ${message}` : dim(message));
}

/** Columns by the fields that options name them for. */
export function columnsFrom(options: ColumnOptions): Columns {
  const { textColumn, textPairColumn, labelColumn, tokensColumn, tagsColumn } = options;
  const columns = {
    text: textColumn,
    text_pair: textPairColumn,
    label: labelColumn,
    tokens: tokensColumn,
    tags: tagsColumn,
  };
  return Object.fromEntries(Object.entries(columns).filter(([, name]) => name !== undefined));
}
