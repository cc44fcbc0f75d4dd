import {
  type Columns,
  counted,
  type DataProblem,
  type DatasetReference,
  LuthierError,
  type Split,
} from '../../../protocol/index.ts';
import type { EvaluationLoadOptions, LoadOptions } from '../../data/dataset.ts';
import { bySeverity, listed, Problems, places, quoted } from '../../data/problems.ts';
import { resolveDataset } from '../../data/resolve.ts';
import { nameOf } from '../../data/row-source.ts';
import { stratifiedSplit } from '../../data/split.ts';
import type { EvaluationRows, TaskData, TaskRow } from '../task.ts';
import { type ReadSentences, readSentences } from './read.ts';
import { partsOf } from './spans.ts';

/** A sentence with its tags as numbers of the labels. */
export interface Sentence extends TaskRow {
  words: string[];
  tags: Int32Array;
}

export const textOf = ({ words }: { words: readonly string[] }): string => words.join(' ');

/** O first, then by type, B before I: an order that does not depend on that of the rows. */
function compareTags(a: string, b: string): number {
  const [first, second] = [partsOf(a), partsOf(b)];
  const order = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
  return order(first.type, second.type) || order(first.prefix, second.prefix);
}

/** @throws LuthierError as loadClassificationDataset */
export async function loadSentences(reference: DatasetReference, options: LoadOptions): Promise<TaskData<Sentence>> {
  const { base, validation_split: share, seed } = options;
  const { parts } = await resolveDataset(reference, base);
  const read = async (part: { file: string } | undefined): Promise<ReadSentences | null> =>
    part ? readSentences(part.file, options as { columns?: Columns; encoding?: string }) : null;
  const train = (await read(parts.train))!;
  const validation = await read(parts.validation);
  const test = await read(parts.test);
  const problems = [train, validation, test].flatMap((part) => part?.problems ?? []);
  refuseErrors(problems, parts.train.file);
  const labels = [...(options.labels ?? [...new Set(train.sentences.flatMap(({ tags }) => tags))].sort(compareTags))];
  const numbered = (part: ReadSentences | null) => (part ? withNumbers(part, labels, 'the training sentences') : []);
  const data = { train: numbered(train), validation: numbered(validation), test: numbered(test) };
  if (data.train.length === 0) throw noSentences(parts.train.file);
  const told = new Problems();
  withoutLeaks(data, 'validation', ['train', 'test'], told);
  withoutLeaks(data, 'test', ['train'], told);
  if (!validation && share > 0) {
    const rows = data.train.map((row) => ({ label: stratumOf(row, labels), key: textOf(row), group: row.group }));
    const split = stratifiedSplit(rows, share, seed);
    if (split.held_out.length === 0) {
      throw new LuthierError(
        'data-invalid',
        `${counted(rows.length, 'sentence')}${rows.some(({ group }) => group !== undefined) ? ' with their groups' : ''} ${rows.length === 1 ? 'is' : 'are'} too few to hold out a share of ${share} for validation.`,
        'Add sentences, raise validation_split, or set it to 0 to train on all of them.',
      );
    }
    const all = data.train;
    data.train = split.train.map((i) => all[i]!);
    data.validation = split.held_out.map((i) => all[i]!);
  }
  const { columns, reason } = train;
  return { ...data, labels, columns, columns_reason: reason, problems: [...problems, ...told.list()].sort(bySeverity) };
}

/** @throws LuthierError as loadEvaluationData */
export async function loadForEvaluation(
  reference: DatasetReference,
  { base, columns, encoding, labels, split, signal }: EvaluationLoadOptions,
): Promise<EvaluationRows<Sentence>> {
  const { parts } = await resolveDataset(reference, base);
  const part = parts[split] ?? (Object.keys(parts).length === 1 ? parts.train : undefined);
  if (!part) {
    throw new LuthierError(
      'data-invalid',
      `The dataset has no ${split} part.`,
      'Name a file, or choose another split with --split.',
    );
  }
  const read = await readSentences(part.file, { ...(columns && { columns }), encoding, signal });
  refuseErrors(read.problems, part.file);
  const examples = withNumbers(read, labels, 'the model');
  if (examples.length === 0) throw noSentences(part.file);
  return { examples, columns: read.columns, columns_reason: read.reason, problems: read.problems };
}

/** Sentences with spans are divided by their first one's type, those without are a stratum of their own. */
export function stratumOf({ tags }: Sentence, labels: readonly string[]): number {
  const first = tags.find((tag) => labels[tag] !== 'O');
  return first === undefined ? -1 : first;
}

function withNumbers({ sentences }: ReadSentences, labels: readonly string[], whose: string): Sentence[] {
  const numbers = new Map(labels.map((label, i) => [label, i]));
  return sentences.map(({ tags, ...sentence }) => {
    const unknown = tags.find((tag) => !numbers.has(tag));
    if (unknown !== undefined) {
      throw new LuthierError(
        'data-invalid',
        `${nameOf(sentence.file)}, line ${sentence.line}: ${whose === 'the model' ? 'the model does not know' : `${whose} do not have`} the tag ${quoted(unknown)}.`,
        `The known tags are ${listed(labels.slice(0, 20).map(quoted))}.`,
      );
    }
    return { ...sentence, tags: Int32Array.from(tags, (tag) => numbers.get(tag)!) };
  });
}

function withoutLeaks(
  data: Record<Split, Sentence[]>,
  name: 'validation' | 'test',
  others: readonly Split[],
  problems: Problems,
): void {
  for (const other of others) {
    const known = new Set(data[other].map(textOf));
    const groups = new Set(data[other].flatMap(({ group }) => group ?? []));
    const isKnown = (row: Sentence) => known.has(textOf(row)) || (row.group !== undefined && groups.has(row.group));
    const found = data[name].filter(isKnown);
    if (found.length === 0) continue;
    data[name] = data[name].filter((row) => !isKnown(row));
    const what = groups.size > 0 ? ', or their group,' : '';
    problems.add(
      'warning',
      `leak-${other}`,
      `${counted(found.length, `${name} sentence`)}${what} (${places(found.map(({ line }) => line))}) ${found.length === 1 && !what ? 'is also in' : 'are also in'} the ${other === 'train' ? 'training' : other} part and left out of ${name}.`,
    );
    if (data[name].length > 0) continue;
    throw new LuthierError(
      'data-invalid',
      `Every ${name} sentence is also in the ${other === 'train' ? 'training' : other} part, so none is left to measure the model on.`,
      `Add ${name} sentences that the model does not learn from.`,
    );
  }
}

function refuseErrors(problems: readonly DataProblem[], file: string): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const more = errors.length > 1 ? ` ${counted(errors.length - 1, 'more error')}.` : '';
  throw new LuthierError(
    'data-invalid',
    `${nameOf(file)}: ${errors[0]!.message}${more}`,
    'Correct the file and try again.',
  );
}

const noSentences = (file: string): LuthierError =>
  new LuthierError(
    'data-invalid',
    `${nameOf(file)} has no sentences.`,
    'Give each word and its tag a line, with a blank line between sentences, or use JSON with lists of tokens and tags.',
  );
