import { dirname, join } from 'node:path';
import { type Columns, counted, type DataProblem, FIELDS, fieldOf, LuthierError } from '../../../protocol/index.ts';
import { Problems, places } from '../../data/problems.ts';
import { readTable } from '../../data/read.ts';
import { readLines } from '../../data/read-lines.ts';
import { nameOf } from '../../data/row-source.ts';
import type { Table } from '../../data/table.ts';
import { readJsonRecord } from '../../hub/json-file.ts';
import type { TaskRow } from '../task.ts';

/** A sentence as data files have it: words, and a tag for each. */
export interface WrittenSentence extends TaskRow {
  words: string[];
  tags: string[];
}

export interface ReadSentences {
  sentences: WrittenSentence[];
  columns: Columns;
  reason: string;
  problems: DataProblem[];
}

/** Whether a file is in a format of JSON: all others are read as CoNLL's. */
const isJson = (file: string): boolean => /\.(jsonl?|ndjson)$/i.test(file);

/**
 * Reads sentences: a word and its tag a line, blank lines between sentences (CoNLL), or rows of JSON with a list of
 * words and one of tags.
 * @throws LuthierError `data-unreadable`, `data-invalid` naming the line at fault
 */
export async function readSentences(
  file: string,
  {
    columns = {},
    encoding,
    signal,
  }: { columns?: Columns; encoding?: string | undefined; signal?: AbortSignal | undefined },
): Promise<ReadSentences> {
  if (isJson(file)) return fromJson(file, await readTable({ file }, { encoding, signal }), columns);
  if (columns.group !== undefined) {
    throw new LuthierError(
      'data-invalid',
      `${nameOf(file)} has no named columns, so “${columns.group}” cannot say which sentences stay together.`,
      'Use JSON Lines with tokens, tags and that column, or name a file for each part.',
    );
  }
  const { lines, problems } = await readLines(file, encoding);
  const read = fromLines(file, lines);
  return { ...read, problems: [...problems, ...read.problems] };
}

/** CoNLL's lines: the first column is the word, the last its tag; columns are divided by tabs, or else by blanks. */
export function fromLines(file: string, lines: readonly string[]): ReadSentences {
  const problems = new Problems();
  const hasTabs = lines.some((line) => line.trim().includes('\t'));
  const cellsOf = (line: string) => line.trim().split(hasTabs ? /\t+/ : /\s+/);
  const sentences: WrittenSentence[] = [];
  let open: WrittenSentence | null = null;
  let width = 0;
  const single: number[] = [];
  for (const [i, line] of lines.entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('-DOCSTART-')) {
      open = null;
      continue;
    }
    const cells = cellsOf(line);
    // A comment between sentences has not as many columns as words have.
    if (open === null && text.startsWith('#') && cells.length !== (width || 2)) continue;
    if (cells.length < 2) {
      single.push(i + 1);
      continue;
    }
    width = Math.max(width, cells.length);
    if (open === null) {
      open = { file, line: i + 1, words: [], tags: [] };
      sentences.push(open);
    }
    open.words.push(cells[0]!);
    open.tags.push(cells.at(-1)!);
  }
  if (single.length > 0) {
    problems.add(
      'error',
      'no-tag',
      `${counted(single.length, 'line')} (${places(single)}) ${single.length === 1 ? 'has' : 'have'} a word without a tag.`,
      { line: single[0]! },
    );
  }
  const divided = hasTabs ? 'tabs' : 'blanks';
  return {
    sentences,
    columns: {},
    reason: `Words are in the first of ${width} columns, tags in the last; columns are divided by ${divided}, sentences by blank lines.`,
    problems: problems.list(),
  };
}

async function fromJson(file: string, table: Table, given: Columns): Promise<ReadSentences> {
  const problems = new Problems();
  const find = (name: 'tokens' | 'tags'): { name: string; index: number } => {
    const { usual, title } = fieldOf('token-classification', name);
    const wanted = given[name] ?? table.columns.find((column) => usual.includes(column.toLowerCase()));
    const index = wanted === undefined ? -1 : table.columns.indexOf(wanted);
    if (index >= 0) return { name: wanted!, index };
    throw noColumn(table, given[name] === undefined ? `for the ${title}` : `“${given[name]}”`);
  };
  const [tokens, tags] = [find('tokens'), find('tags')];
  const group = given.group === undefined ? -1 : table.columns.indexOf(given.group);
  if (given.group !== undefined && group < 0) throw noColumn(table, `“${given.group}”`);
  const names = await classLabels(dirname(file), tags.name);
  const sentences: WrittenSentence[] = [];
  for (const row of table.rows) {
    const [words, labels] = [row.json(tokens.index), row.json(tags.index)];
    const at = { line: row.line };
    if (!isList(words) || !isList(labels)) {
      problems.add(
        'error',
        'no-list',
        `Line ${row.line}: ${isList(words) ? tags.name : tokens.name} is not a list.`,
        at,
      );
    } else if (words.length !== labels.length) {
      const lengths = `${counted(words.length, 'word')} and ${counted(labels.length, 'tag')}`;
      problems.add('error', 'uneven-lists', `Line ${row.line} has ${lengths}.`, at);
    } else if (words.length > 0) {
      const named = labels.map((tag) => (isNumber(tag) ? names?.[Number(tag)] : String(tag)));
      if (named.includes(undefined)) {
        throw new LuthierError(
          'data-invalid',
          `${table.name}, line ${row.line}: ${tags.name} holds numbers${names ? `, of which ${names.length} have names` : ', and nothing says which tags they stand for'}.`,
          'Write the tags as text, or put a dataset_info.json that lists their names (features) beside the file.',
        );
      }
      const together = group < 0 ? undefined : row.value(group)?.trim() || undefined;
      sentences.push({
        ...{ file: row.file ?? file, line: row.line, words: words.map(String), tags: named as string[] },
        ...(together !== undefined && { group: together }),
      });
    }
  }
  return {
    sentences,
    columns: { tokens: tokens.name, tags: tags.name, ...(given.group !== undefined && { group: given.group }) },
    reason: `Words are in “${tokens.name}”, tags in “${tags.name}”.`,
    problems: [
      ...table.problems.filter(
        ({ code, column }) => !(code === 'nested-json' && [tokens.name, tags.name].includes(column ?? '')),
      ),
      ...problems.list(),
    ],
  };
}

const noColumn = (table: Table, which: string): LuthierError =>
  new LuthierError(
    'data-invalid',
    `${table.name} has no column ${which}.`,
    `Its columns are ${table.columns.slice(0, 20).join(', ')}. Name ${FIELDS['token-classification'].map((field) => `“${field.name}”`).join(' and ')} under “columns”.`,
  );

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
