import { dirname, join } from 'node:path';
import { type Columns, counted, LuthierError } from '../../../protocol/index.ts';
import { namesOf, reportUngrouped } from '../../data/checks.ts';
import type { Pace } from '../../data/pace.ts';
import { Stride } from '../../data/pace.ts';
import { listed, Places, type Problems, quoted } from '../../data/problems.ts';
import { eachRepeat, reportRepeat } from '../../data/repeats.ts';
import { nameOf } from '../../data/row-source.ts';
import type { Table } from '../../data/table.ts';
import type { ReadRowsOptions, RowKind, TaskRow, WrittenRow } from '../../data/types.ts';
import { readJsonRecord } from '../../hub/json-file.ts';
import { partsOf } from './spans.ts';

/** A sentence with its tags as numbers of the labels. */
export interface Sentence extends TaskRow {
  words: string[];
  tags: Int32Array;
}

/** A sentence as data files have it: words, and a tag for each. */
export interface WrittenSentence extends WrittenRow {
  words: string[];
  tags: string[];
}

export const textOf = ({ words }: { words: readonly string[] }): string => words.join(' ');

/** Lists of words, each with its tag: JSON's lists, or CoNLL's lines. */
export const TAGGED: RowKind<Sentence, WrittenSentence> = {
  name: 'token-classification',
  key: textOf,
  // Sentences with spans are divided by their first one's tag, those without are a stratum of their own.
  stratum: ({ tags }, labels) => tags.find((tag) => labels[tag] !== 'O') ?? -1,
  outputs: ({ tags }) => tags,
  text: textOf,
  rows: sentencesOf,
  labels: (rows) => [...new Set(rows.flatMap(({ tags }) => tags))].sort(compareTags),
  counts: (rows) =>
    [...tagCounts(rows)]
      .map(([label, count]) => ({ label, count }))
      .sort((a, b) => b.count - a.count || compareTags(a.label, b.label)),
  checkRows,
  checkLabels,
  numbered,
  stored: ({ words, tags, group }) => ({ tokens: words, tags, ...(group !== undefined && { group }) }),
  texts: (row) => [textOf(row)],
  length: ({ words }) => words.length,
  hasLabel: ({ tags }, label) => tags.includes(label),
  recognises: ({ tokens, tags }) => tokens !== undefined && tags !== undefined,
};

/** O first, then by type, B before I: an order that does not depend on that of the rows. */
function compareTags(a: string, b: string): number {
  const [first, second] = [partsOf(a), partsOf(b)];
  const order = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
  return order(first.type, second.type) || order(first.prefix, second.prefix);
}

function tagCounts(rows: readonly WrittenSentence[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { tags } of rows) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return counts;
}

/** Sentences of a table; what is no list, or not as long as the other, is an error. */
async function sentencesOf(
  table: Table,
  columns: Columns,
  { file, problems, names = namesOf(table, columns, 'token-classification'), pace }: ReadRowsOptions,
): Promise<WrittenSentence[]> {
  const at = (name: string | undefined) => (name === undefined ? -1 : table.columns.indexOf(name));
  const [tokens, tags, group] = [at(columns.tokens), at(columns.tags), at(columns.group)];
  const tagNames = await classLabels(dirname(file), columns.tags!);
  const sentences: WrittenSentence[] = [];
  const stride = new Stride(pace);
  for (const row of table.rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    const { line } = row;
    const [words, labels] = [row.json(tokens), row.json(tags)];
    if (!isList(words) || !isList(labels)) {
      reportNoList(isList(words) ? columns.tags! : columns.tokens!, line, problems);
      continue;
    }
    if (words.length !== labels.length) {
      reportUneven(words.length, labels.length, line, problems);
      continue;
    }
    if (words.length === 0) {
      reportNoWords(columns.tokens!, line, problems);
      continue;
    }
    const named = labels.map((tag) => (isNumber(tag) ? tagNames?.[Number(tag)] : String(tag)));
    if (named.includes(undefined)) {
      problems.add(
        'error',
        'numbered-tags',
        `“${columns.tags}” contains numbers${tagNames ? `, of which ${tagNames.length} have names` : ', and nothing says which tags they stand for'}. Write the tags as text, or put a dataset_info.json that lists their names (features) beside the file.`,
        { line, column: columns.tags! },
      );
      return sentences;
    }
    const together = group < 0 ? undefined : row.value(group)?.trim() || undefined;
    sentences.push({
      id: names.of(row),
      file: row.file ?? file,
      line,
      words: words.map(String),
      tags: named as string[],
      ...(together !== undefined && { group: together }),
    });
  }
  reportBlankWords(sentences, columns.tokens!, problems);
  if (columns.group !== undefined) reportUngrouped(sentences, columns.group, problems);
  return sentences;
}

function reportNoList(column: string, line: number, problems: Problems): void {
  problems.occurrence({ severity: 'error', code: 'no-list', column }, line, (where, count) =>
    count === 1
      ? `“${column}” on ${where} is not a list.`
      : `“${column}” is not a list in ${counted(count, 'row')} (${where}).`,
  );
}

function reportUneven(words: number, tags: number, line: number, problems: Problems): void {
  const lengths = `${counted(words, 'word')} and ${counted(tags, 'tag')}`;
  problems.occurrence({ severity: 'error', code: 'uneven-lists' }, line, (where, count) =>
    count === 1
      ? `The row on ${where} has ${lengths}; each word needs one.`
      : `${counted(count, 'row')} do not have one tag for each word (${where}; line ${line} has ${lengths}).`,
  );
}

function reportNoWords(column: string, line: number, problems: Problems): void {
  problems.occurrence(
    { severity: 'info', code: 'empty-tokens', column },
    line,
    (where, count) =>
      `${counted(count, 'row')} without words in “${column}” (${where}) ${count === 1 ? 'is' : 'are'} left out.`,
  );
}

/** The tokenizer makes nothing of them, so that their tags are never learned. */
function reportBlankWords(sentences: readonly WrittenSentence[], column: string, problems: Problems): void {
  const found = new Places();
  for (const { words, line } of sentences) if (words.some((word) => word.trim() === '')) found.add(line);
  problems.occurrences(
    { severity: 'warning', code: 'empty-word', column },
    found,
    (where, count) =>
      `${counted(count, 'sentence')} (${where}) ${count === 1 ? 'has' : 'have'} words without any character, whose tags cannot be learned.`,
  );
}

/** Sentences that repeat an earlier one, and those that have other tags than an earlier one. Nothing is left out. */
async function checkRows(
  rows: readonly WrittenSentence[],
  problems: Problems,
  _rules: unknown,
  pace?: Pace,
): Promise<void> {
  const repeated = (row: WrittenSentence, first: WrittenSentence): void => {
    const other = row.tags.findIndex((tag, word) => tag !== first.tags[word]);
    if (other < 0) {
      reportRepeat(problems, 'sentence', row.line, () => first.line);
      return;
    }
    problems.occurrence({ severity: 'warning', code: 'conflicting-labels' }, row.line, (where, count) => {
      const tags = `${quoted(row.words[other]!)} is ${first.tags[other]} on line ${first.line} and ${row.tags[other]} on line ${row.line}`;
      return count === 1
        ? `The sentence on ${where} has other tags than the same one on line ${first.line}: ${tags}. Decide which is right.`
        : `${counted(count, 'sentence')} have other tags than an earlier one with the same words (${where}). In the first, ${tags}. Decide which are right.`;
    });
  };
  await eachRepeat(rows, textOf, repeated, pace);
}

/** Says when there is nothing to tell apart, tags that differ in case alone, and spans that begin within. */
function checkLabels(rows: readonly WrittenSentence[], columns: Columns, problems: Problems): void {
  if (rows.length === 0) return;
  const column = columns.tags!;
  const counts = tagCounts(rows);
  const words = rows.reduce((sum, row) => sum + row.words.length, 0);
  if (counts.size === 1) {
    problems.add(
      'error',
      'one-class',
      `${words === 1 ? 'The only word has' : `All ${counted(words, 'word')} have`} the tag ${quoted([...counts.keys()][0]!)}, so there is nothing to learn. Add sentences with other tags, or choose another column of tags.`,
      { column },
    );
    return;
  }
  const alike = new Map<string, string[]>();
  for (const tag of counts.keys()) {
    const key = tag.toLowerCase().replaceAll('_', '-');
    alike.set(key, [...(alike.get(key) ?? []), tag]);
  }
  for (const tags of alike.values()) {
    if (tags.length < 2) continue;
    const message = `The tags ${listed(tags.map(quoted))} differ only in spelling and count as ${tags.length} tags.`;
    problems.add('warning', 'similar-labels', message, { column });
  }
  reportOpenSpans(rows, counts, column, problems);
}

/** Where tags follow BIO, a span that begins with I- is most often a mistake, and counts as conlleval counts it. */
function reportOpenSpans(
  rows: readonly WrittenSentence[],
  counts: ReadonlyMap<string, number>,
  column: string,
  problems: Problems,
): void {
  const types = [...counts.keys()].map(partsOf).filter(({ prefix }) => prefix === 'B');
  // IOB1 begins with I- wherever no span of the same type comes before.
  if (types.length === 0) return;
  const begun = rows.reduce((sum, { tags }) => sum + tags.filter((tag) => partsOf(tag).prefix === 'B').length, 0);
  const found = new Places();
  for (const { tags, line } of rows) {
    const isOpen = tags.some((tag, i) => {
      const { prefix, type } = partsOf(tag);
      return prefix === 'I' && (i === 0 || partsOf(tags[i - 1]!).type !== type);
    });
    if (isOpen) found.add(line);
  }
  if (found.count === 0 || found.count > begun / 2) return;
  problems.occurrences(
    { severity: 'warning', code: 'open-span', column },
    found,
    (where, count) =>
      `${counted(count, 'sentence')} (${where}) ${count === 1 ? 'has' : 'have'} a span that begins with I- rather than B-. It is learned as written, and measured as a span of its own.`,
  );
}

function numbered(rows: readonly WrittenSentence[], labels: readonly string[], whose: string): Sentence[] {
  const numbers = new Map(labels.map((label, i) => [label, i]));
  return rows.map(({ id: _, tags, ...sentence }) => {
    const unknown = tags.find((tag) => !numbers.has(tag));
    if (unknown !== undefined) {
      throw new LuthierError(
        'data-invalid',
        `${nameOf(sentence.file)}, line ${sentence.line}: ${whose === 'the model' ? 'the model does not know' : `${whose} do not have`} the tag ${quoted(unknown)}.`,
        `The known tags are ${listed(labels.slice(0, 20).map(quoted))}${labels.length > 20 ? ` and ${labels.length - 20} more` : ''}.`,
      );
    }
    return { ...sentence, tags: Int32Array.from(tags, (tag) => numbers.get(tag)!) };
  });
}

const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isNumber = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));

/** Names of numbered tags, as the datasets library keeps them beside its files: features.<column>.feature.names. */
async function classLabels(folder: string, column: string): Promise<string[] | null> {
  for (const name of ['dataset_info.json', 'dataset_infos.json']) {
    const record = await readJsonRecord(join(folder, name)).catch(() => null);
    const infos = record === null ? [] : [record, ...Object.values(record)];
    for (const info of infos) {
      const features = (
        info as { features?: Record<string, { feature?: { names?: unknown }; names?: unknown }> } | null
      )?.features;
      const names = features?.[column]?.feature?.names ?? features?.[column]?.names;
      if (isList(names)) return names.map(String);
    }
  }
  return null;
}
