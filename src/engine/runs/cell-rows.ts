import { type EvaluatedRow, LuthierError } from '../../protocol/index.ts';
import { readRecord } from '../../runs/record.ts';
import { predictionsOf } from '../evaluate/predictions.ts';
import type { Predictor } from '../infer/predictor.ts';
import { labelledDataOf } from './labelled-data.ts';

export interface CellQuery {
  /** The run's folder. */
  run: string;
  split: 'train' | 'validation' | 'test';
  /** Class that the rows have, and class that the model gave them. */
  actual: string;
  predicted: string;
  /** Rows to give at most, those with the highest loss first. */
  limit: number;
}

/**
 * Rows of one cell of a run's confusion matrix: the part is read and split as the run did, and the run's model
 * answers it again.
 * @param predictor of the run's model
 * @throws LuthierError as loadDataset
 */
export async function cellRows(
  query: CellQuery,
  predictor: Predictor,
  signal?: AbortSignal,
): Promise<{ rows: EvaluatedRow[]; total: number }> {
  const record = await readRecord(query.run);
  if (record.folds !== undefined && query.split === 'validation') {
    throw new LuthierError(
      'usage',
      'The rows behind a cell cannot be shown for a cross-validation: the models of its folds are not kept.',
      'The rows with the highest loss are listed below.',
    );
  }
  const { labels } = predictor;
  const examples = (await labelledDataOf(record, query.run, labels, signal))[query.split];
  const logits = await predictor.logits(examples, undefined, signal);
  const targets = Int32Array.from(examples, (example) => example.label);
  const { predicted, confidence, loss } = predictionsOf(targets, logits, labels.length);
  const [actual, answer] = [labels.indexOf(query.actual), labels.indexOf(query.predicted)];
  const found = examples.map((_, i) => i).filter((i) => targets[i] === actual && predicted[i] === answer);
  found.sort((a, b) => loss[b]! - loss[a]! || a - b);
  const rows = found.slice(0, query.limit).map((i): EvaluatedRow => {
    const { file, line, text, text_pair } = examples[i]!;
    return {
      file,
      line,
      text,
      ...(text_pair === undefined ? {} : { text_pair }),
      label: query.actual,
      predicted: query.predicted,
      score: confidence[i]!,
      loss: loss[i]!,
    };
  });
  return { rows, total: found.length };
}
