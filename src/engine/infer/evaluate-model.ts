import { basename } from 'node:path';
import {
  type BackendChoice,
  type Columns,
  counted,
  type DatasetReference,
  type EvaluationReport,
  type LabelsWritten,
  type Note,
  taskOf,
  trainingData,
} from '../../protocol/index.ts';
import { loadEvaluation } from '../data/dataset.ts';
import { throughTemplate } from '../prompts/row-template.ts';
import { requireTask } from '../tasks/registry.ts';
import { templated } from '../tasks/templated.ts';
import { createPredictor, type Predictor } from './predictor.ts';

export interface EvaluateOptions {
  /** Model folder, or a predictor that is loaded already (and stays so). */
  model: string | Predictor;
  data: DatasetReference;
  /** Folder that relative paths are looked up from. */
  base: string;
  columns?: Columns | undefined;
  /** How several labels of a row are written, where not as in the model's training data. */
  how?: LabelsWritten | undefined;
  encoding?: string | undefined;
  split: 'validation' | 'test';
  backend?: BackendChoice | undefined;
  note: Note;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Measures a trained model on labelled rows that it has not seen.
 * @throws LuthierError as loadEvaluation and createPredictor
 */
export async function evaluateModel(options: EvaluateOptions): Promise<EvaluationReport> {
  const { base, columns, how, encoding, split, note, onProgress, signal } = options;
  const own = typeof options.model === 'string' ? options.model : null;
  const predictor =
    typeof options.model === 'string'
      ? await createPredictor(options.model, { note, ...(options.backend ? { backend: options.backend } : {}) })
      : options.model;
  try {
    const { labels, tokenizer, maxLength, settings } = predictor;
    const asTrained = requireTask(predictor.task, predictor.modelFolder);
    const plain =
      (how &&
        asTrained.bind?.({ ...(settings.threshold !== undefined && { threshold: settings.threshold }), ...how })) ??
      asTrained;
    const { template } = predictor;
    const task = template ? templated(plain, template, columns ?? {}) : plain;
    if (template) note('info', throughTemplate(template));
    const data = await loadEvaluation(task, options.data, {
      base,
      columns,
      encoding,
      labels,
      inputs: predictor.inputs,
      split,
      signal,
    });
    note('info', data.columns_reason);
    for (const { severity, message } of data.problems) note(severity === 'info' ? 'info' : 'warning', message);
    const { examples: rows } = data;
    if (data.isWhole && split === 'validation')
      note(
        'warning',
        `${basename(trainingData(options.data))} does not say which of its rows are for validation, so all ${counted(rows.length, taskOf(asTrained.name).row)} are measured.`,
      );
    const { items, truncatedRows, notes } = task.encode(rows, tokenizer, maxLength);
    if (truncatedRows > 0) note('warning', task.tellLong(truncatedRows, rows.length, maxLength));
    for (const { level, message } of notes ?? []) note(level, message);
    const measured = await predictor.measure(items, (done) => onProgress?.(done, items.length), signal);
    return task.evaluate({ split, labels, rows, items, ...measured, settings, base });
  } finally {
    if (own !== null) predictor.dispose();
  }
}
