import type { BackendChoice, EvaluationReport } from '../../protocol/index.ts';
import { readRecord } from '../../runs/record.ts';
import { findData, resolveDataset } from '../data/resolve.ts';
import { evaluateModel } from '../infer/evaluate-model.ts';
import { createPredictor, type Predictor } from '../infer/predictor.ts';
import { findModel } from '../runs/target.ts';
import { requireTask } from '../tasks/registry.ts';
import { type ColumnOptions, columnsFrom, labelsWrittenIn, refuseOtherColumns } from './column-options.ts';
import { dim, EXIT, note, printJson, yellow } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { printReport } from './report.ts';

export interface EvaluateCommandOptions extends ColumnOptions {
  data: string;
  split: 'validation' | 'test';
  encoding?: string;
  backend?: BackendChoice;
  json?: boolean;
}

export async function evaluate(model: string, options: EvaluateCommandOptions): Promise<number> {
  const { path, run } = await findModel(model, process.cwd());
  // That it is not there is said in a command's words, and before the model is loaded.
  const data = await findData(options.data, process.cwd());
  if (run !== null) {
    const { dataset } = (await readRecord(run)).recipe;
    const { train, validation } = typeof dataset === 'string' ? { train: dataset } : dataset;
    const { parts } = await resolveDataset(data, process.cwd(), { takesFolders: true });
    // A dataset has a part for it; of a file, or where there are training rows alone, every row is measured.
    if (train === data && parts[options.split] === undefined)
      say('warning', `The model was trained on ${options.data}: its score there says little about new rows.`);
    else if (validation === data && options.split === 'test')
      say('warning', `The model’s weights were chosen on ${options.data}: its score there is somewhat flattered.`);
  }
  const predictor = await createPredictor(path, {
    note: say,
    ...(options.backend ? { backend: options.backend } : {}),
  });
  const progress = new ProgressLine('Evaluating');
  const report = await measure(predictor, options, (done, total) => progress.update(done, total)).finally(() => {
    progress.close();
    predictor.dispose();
  });
  if (options.json) {
    const { split, metrics, n, intervals } = report;
    printJson({ event: 'eval', split, metrics, n, intervals, ...ownOf(report) });
  } else {
    printReport(report);
  }
  return EXIT.done;
}

/** @throws LuthierError as evaluateModel; `usage` for options about rows of another kind */
async function measure(
  predictor: Predictor,
  options: EvaluateCommandOptions,
  onProgress: (done: number, total: number) => void,
): Promise<EvaluationReport> {
  const { name } = requireTask(predictor.task, predictor.modelFolder);
  const whose = 'The model is for';
  const columns = columnsFrom(options);
  refuseOtherColumns(columns, name, whose);
  return evaluateModel({
    ...{ model: predictor, data: options.data, base: process.cwd(), columns },
    how: labelsWrittenIn(options, name, whose.toLowerCase()),
    ...{ encoding: options.encoding, split: options.split, note: say, onProgress },
  });
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
