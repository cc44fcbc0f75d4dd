import {
  type ComparedRow,
  LuthierError,
  type RunComparison,
  type RunRecord,
  taskNameOf,
  taskOf,
} from '../../protocol/index.ts';
import { readRecord } from '../../runs/record.ts';
import type { Example } from '../data/types.ts';
import { labelledDataOf } from './labelled-data.ts';

export interface ComparisonOptions {
  /** Folders of the two runs. */
  runs: readonly [first: string, second: string];
  /** Rows that only one gets right, at most this many for each. */
  limit: number;
  /** The label that a run's model gives each text. */
  label: (run: string, texts: { text: string; text_pair?: string }[]) => Promise<string[]>;
  signal?: AbortSignal | undefined;
}

/** A validation row with the class that a run's model gives it. */
interface Answer {
  example: Example;
  label: string;
  predicted: string;
}

/**
 * Two runs' answers to their validation rows. The rows are read and split as each run did; only where both have the
 * same ones, whatever file they come from, do their models answer them again.
 * @throws LuthierError `data-invalid` for runs without validation rows of their own; otherwise as
 *   loadDataset
 */
export async function compareRuns({ runs, limit, label, signal }: ComparisonOptions): Promise<RunComparison> {
  const [first, second] = [await readRecord(runs[0]), await readRecord(runs[1])];
  const parts = [await validationOf(first, runs[0], signal), await validationOf(second, runs[1], signal)] as const;
  const n: [number, number] = [parts[0].length, parts[1].length];
  const shared = countShared(parts[0], parts[1]);
  if (shared !== n[0] || shared !== n[1]) return { n, shared, outcome: null };

  const a = await answers(parts[0], (texts) => label(runs[0], texts));
  const b = await answers(parts[1], (texts) => label(runs[1], texts));
  // The same rows may stand in another order; equal rows get equal answers, so any of them will do.
  const byKey = new Map(b.map((answer) => [keyOf(answer.example, answer.label), answer]));
  const outcome = { both: 0, neither: 0, only_first: 0, only_second: 0 };
  const [onlyFirst, onlySecond]: [ComparedRow[], ComparedRow[]] = [[], []];
  for (const { example, label, predicted } of a) {
    const other = byKey.get(keyOf(example, label))!.predicted;
    const [isFirst, isSecond] = [predicted === label, other === label];
    if (isFirst && isSecond) outcome.both++;
    else if (!isFirst && !isSecond) outcome.neither++;
    else {
      outcome[isFirst ? 'only_first' : 'only_second']++;
      const rows = isFirst ? onlyFirst : onlySecond;
      if (rows.length < limit) rows.push(comparedRow(example, label, predicted, other));
    }
  }
  return { n, shared, outcome: { ...outcome, rows: [...onlyFirst, ...onlySecond] } };
}

const comparedRow = (example: Example, label: string, first: string, second: string): ComparedRow => ({
  file: example.file,
  line: example.line,
  text: example.text,
  ...(example.text_pair === undefined ? {} : { text_pair: example.text_pair }),
  label,
  first,
  second,
});

interface Labelled {
  example: Example;
  label: string;
}

async function validationOf(record: RunRecord, run: string, signal?: AbortSignal): Promise<Labelled[]> {
  const task = taskNameOf(record.recipe);
  if (task !== 'text-classification')
    throw new LuthierError(
      'usage',
      `${record.name} is a run of ${taskOf(task).title.toLowerCase()}; only runs that choose one class for each text can be compared row by row.`,
      'Compare the metrics and intervals above instead.',
    );
  if (record.folds)
    throw new LuthierError(
      'data-invalid',
      `${record.name} is a cross-validation: each of its folds was measured on other rows by another model.`,
      'Compare the means and intervals above instead.',
    );
  const data = await labelledDataOf(record, run, record.labels, signal);
  if (data.validation.length === 0)
    throw new LuthierError(
      'data-invalid',
      `${record.name} has no validation rows.`,
      'Set validation_split, or name a validation file.',
    );
  return data.validation.map((example) => ({ example, label: data.labels[example.label]! }));
}

const keyOf = ({ text, text_pair }: Example, label: string): string => JSON.stringify([text, text_pair ?? null, label]);

/** Rows that are in both, as often as they are in both. */
function countShared(a: readonly Labelled[], b: readonly Labelled[]): number {
  const left = new Map<string, number>();
  for (const { example, label } of a) {
    const key = keyOf(example, label);
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  let shared = 0;
  for (const { example, label } of b) {
    const key = keyOf(example, label);
    const count = left.get(key) ?? 0;
    if (count === 0) continue;
    left.set(key, count - 1);
    shared++;
  }
  return shared;
}

async function answers(
  rows: readonly Labelled[],
  label: (texts: { text: string; text_pair?: string }[]) => Promise<string[]>,
): Promise<Answer[]> {
  const texts = rows.map(({ example: { text, text_pair } }) => ({
    text,
    ...(text_pair === undefined ? {} : { text_pair }),
  }));
  const predicted = await label(texts);
  return rows.map((row, i) => ({ ...row, predicted: predicted[i]! }));
}
