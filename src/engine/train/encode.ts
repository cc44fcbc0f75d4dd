import { formatPercent, LuthierError, type Note, type Recipe, type Split } from '../../protocol/index.ts';
import type { TaskData, TaskRow } from '../data/types.ts';
import { type Architecture, tokensTaken } from '../models/architecture.ts';
import { learntLine } from '../tasks/language/preview.ts';
import type { AnyTask, EncodedRows, LabelledItem } from '../tasks/task.ts';
import { languageProblem } from '../text/language.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

export type Encoded = Record<Split, LabelledItem[]>;

const PARTS: Record<Split, string> = { train: 'Training rows', validation: 'Validation rows', test: 'Test rows' };

/** @throws LuthierError as the task's encode, naming the part */
export function encodePart(
  task: AnyTask,
  dataset: TaskData<TaskRow>,
  split: Split,
  tokenizer: Tokenizer,
  maxLength: number,
  recipe?: Recipe,
): EncodedRows<LabelledItem> {
  try {
    return task.encode(dataset[split], tokenizer, maxLength, split === 'train' ? recipe : undefined);
  } catch (error) {
    if (!(error instanceof LuthierError) || error.code !== 'data-invalid') throw error;
    const { code, message, hint } = error;
    throw new LuthierError(code, `${PARTS[split]}: ${message}`, hint, { cause: error });
  }
}

/**
 * Tokenizes every part, and says what a person should know: rows that did not fit, pieces that the tokenizer lacks,
 * texts in another script than the model's.
 * @param languages that the model's card names
 * @throws LuthierError as encodePart
 */
export function encode(
  task: AnyTask,
  dataset: TaskData<TaskRow>,
  tokenizer: Tokenizer,
  recipe: Recipe,
  architecture: Architecture,
  languages: readonly string[] | null,
  note: Note,
): Encoded {
  const maxLength = Math.min(recipe.max_length, architecture.maxPositions);
  if (maxLength < recipe.max_length) {
    note(
      'warning',
      `max_length is ${recipe.max_length}, but the model takes at most ${tokensTaken(architecture)}; ${maxLength} is used.`,
    );
  }
  const part = (split: Split) => encodePart(task, dataset, split, tokenizer, maxLength, recipe);
  const parts = { train: part('train'), validation: part('validation'), test: part('test') };
  const rows = dataset.train.length + dataset.validation.length + dataset.test.length;
  const long = Object.values(parts).reduce((n, { truncatedRows }) => n + truncatedRows, 0);
  if (long > 0) note('warning', task.tellLong(long, rows, maxLength));
  // What is so of all parts is said once.
  const notes = new Map(
    Object.values(parts).flatMap((of) => (of.notes ?? []).map(({ level, message }) => [message, level])),
  );
  for (const [message, level] of notes) note(level, message);
  for (const row of task.preview?.(dataset.train, parts.train.items, tokenizer) ?? []) note('info', learntLine(row));
  const sample = dataset.train.slice(0, 200).map((row) => task.text(row));
  const { unknownShare } = parts.train;
  const mismatch = languageProblem(languages, sample, unknownShare);
  if (mismatch) note('warning', mismatch.message);
  else if (unknownShare > 0) {
    note(
      'info',
      `${unknownShare < 0.0005 ? 'Less than 0.1 %' : formatPercent(unknownShare)} of the texts’ tokens are unknown to the tokenizer.`,
    );
  }
  return { train: parts.train.items, validation: parts.validation.items, test: parts.test.items };
}
