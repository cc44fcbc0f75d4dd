import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readRegularFile } from '../../files/regular-file.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import { placeProblem } from '../../guard/index.ts';
import {
  type AppendUndo,
  type Columns,
  columnFields,
  type DatasetRecord,
  LuthierError,
  type NewRow,
  type TaskName,
} from '../../protocol/index.ts';
import { requireColumns } from './checks.ts';
import { compareLabels } from './classes.ts';
import { guessColumns, isUsualLabelName } from './columns.ts';
import { DOCUMENT } from './conll.ts';
import { countLineEnds, decode, encode } from './encoding.ts';
import { MOST_LABELS, withListColumns } from './label-cells.ts';
import { CONLL } from './names.ts';
import { type Cell, labelsOf, textsOf, type Values, valuesOf } from './new-rows.ts';
import { pacer } from './pace.ts';
import { Problems } from './problems.ts';
import { readTable } from './read.ts';
import { resolveDataset } from './resolve.ts';
import { hashOfTexts } from './row-ids.ts';
import { nameOf, rowSource, toRanges } from './row-source.ts';
import { asReadError, MAX_BYTES } from './source.ts';
import { readRecord, requireHere, writeRecord } from './store.ts';
import type { Table } from './table.ts';

/** What rows are for where nothing is said: what 0.1.0 knew. */
const LABELS_TASK: TaskName = 'text-classification';

/**
 * Adds rows at the end of a data set's folder or of a file, in that file's own format, delimiter, line ends and
 * encoding. The file is replaced whole: a reader sees the old rows or all of the new.
 * @param data absolute path of a file or of a data set's folder.
 * @param options.source_line of the first row in the file that a dataset's folder was made from
 * @returns how many rows the file has now, the line that the first new one stands on, and what undoes it.
 * @throws LuthierError `data-invalid` when the file is faulty or its format cannot hold a row (a line break where
 *   none may be, a letter that its encoding lacks), `not-writable`, `disk-full`.
 */
export async function appendRows(options: {
  data: string;
  columns: Columns;
  /** What is learnt of the rows, and how their labels are written. */
  task?: TaskName | undefined;
  label_separator?: string | undefined;
  label_columns?: readonly string[] | undefined;
  /** Of a file, where it is not to be guessed. */
  encoding?: string | undefined;
  rows: readonly NewRow[];
  source_line?: number | undefined;
}): Promise<{ rows: number; file: string; line: number; undo: AppendUndo }> {
  const { rows, task = LABELS_TASK, label_separator, label_columns } = options;
  const { parts, columns: own } = await resolveDataset(options.data, '.');
  const { file, ids } = parts.train;
  // A folder's own rows are in UTF-8, whatever their source was in.
  const told = file === options.data ? options.encoding : undefined;
  const read = await readTable({ file }, { encoding: told, task });
  const hasWords = rows.some((row) => 'tokens' in row);
  const table = hasWords
    ? read
    : await withListColumns(read, isUsualLabelName, undefined, task === LABELS_TASK ? undefined : MOST_LABELS);
  // Bytes that cannot be read cannot be written back as they were.
  const broken = table.problems.find(({ severity, code }) => severity === 'error' || code === 'encoding-broken');
  if (broken) {
    throw new LuthierError(
      'data-invalid',
      `${table.name}: ${broken.message}`,
      'Correct the file first; nothing was added.',
    );
  }
  const given = { ...own, ...(label_columns?.[0] !== undefined && { label: label_columns[0] }), ...options.columns };
  const { columns: found } = guessColumns(table, given, undefined, { fields: columnFields(task) });
  const columns = requireColumns(table, found, task);
  const newId = ids && idMaker(table, ids);
  const values = valuesOf(rows, table, columns, { task, label_separator, label_columns }).map((cells, i) =>
    ids && newId ? new Map<string, Cell>([[ids, newId(textsOf(rows[i]!))], ...cells]) : cells,
  );
  // A file that is a link is replaced by a file; a dataset that is one would be written elsewhere.
  requireHere(await placeProblem(options.data));
  const raw = await readRegularFile(file, MAX_BYTES).catch(async (error: unknown) => {
    throw await asReadError(error, file);
  });
  const { bytes, encoding } = await decode(raw, table.name, told, new Problems(), pacer());
  // Bytes that mean nothing in the encoding, or more than one way to write a letter: the old rows must stay as they are.
  if (!encode(bytes.toString('utf8'), encoding, raw).equals(raw)) {
    throw new LuthierError(
      'data-invalid',
      `${table.name} is read as ${encoding.name} and could not be written back unchanged, so nothing was added.`,
      'Save the file as UTF-8 first.',
    );
  }
  const { content, line } = withRows(bytes, table, values, label_columns ?? [columns.label ?? '']);
  const written = encode(content, encoding, raw);
  await writeFileAtomically(file, written);
  const undo: AppendUndo = { file, ...insertion(raw, written), sha256: hashOf(written) };
  if ((await stat(options.data)).isDirectory()) {
    const folder = dirname(file);
    const record = await readRecord(folder);
    const known = new Set(record.labels);
    const fresh = rows.flatMap((row) => labelsOf(row, task)).filter((label) => !known.has(label));
    const labels = fresh.length === 0 ? record.labels : [...new Set([...known, ...fresh])].sort(compareLabels);
    const source = withPlace(record.source, table.rows.length, options.source_line);
    await writeRecord(folder, { ...record, source, rows: table.rows.length + rows.length, labels });
    undo.record = record;
  }
  return { rows: table.rows.length + rows.length, file, line, undo };
}

/**
 * Takes appended rows out again, byte for byte.
 * @throws LuthierError `data-invalid` when the file has changed since, `data-unreadable`, `not-writable`.
 */
export async function undoAppend({ undo }: { undo: AppendUndo }): Promise<{ file: string }> {
  const { file, offset, bytes, sha256, record } = undo;
  const now = await readRegularFile(file, MAX_BYTES).catch(async (error: unknown) => {
    throw await asReadError(error, file);
  });
  if (hashOf(now) !== sha256) {
    throw new LuthierError(
      'data-invalid',
      `${nameOf(file)} has changed since the row was added, so it was left unchanged.`,
      'Open it and delete the row there.',
    );
  }
  const before = Buffer.concat([now.subarray(0, offset), now.subarray(offset + bytes)]);
  await writeFileAtomically(file, before);
  if (record) await writeRecord(dirname(file), record);
  return { file };
}

/** Ids for new rows: that of their texts, with a number where a row has it already. */
function idMaker(table: Table, column: string): (texts: readonly string[]) => string {
  const index = table.columns.indexOf(column);
  const taken = new Set(index < 0 ? [] : table.rows.map((row) => row.value(index)));
  return (texts) => {
    const name = hashOfTexts(texts);
    let id = name;
    for (let number = 2; taken.has(id); number++) id = `${name}-${number}`;
    taken.add(id);
    return id;
  };
}

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The one stretch of bytes by which `after` is longer than `before`. */
function insertion(before: Buffer, after: Buffer): { offset: number; bytes: number } {
  let offset = 0;
  while (offset < before.length && before[offset] === after[offset]) offset++;
  return { offset, bytes: after.length - before.length };
}

/** The source's lines with that of a further row, whose place may be known in it. */
function withPlace(source: DatasetRecord['source'], row: number, line: number | undefined): DatasetRecord['source'] {
  const known = line === undefined ? undefined : rowSource(source);
  if (!source || !known) return source;
  const lines = Array.from({ length: row }, (_, i) => known.lines[i] ?? 0);
  return { ...source, lines: toRanges([...lines, line!]) };
}

interface Written {
  content: string;
  /** 1-based line of the first new row. */
  line: number;
}

/** @param labels columns in which values of JSON stay such */
function withRows(bytes: Buffer, table: Table, rows: readonly Values[], labels: readonly string[]): Written {
  const text = bytes.toString('utf8');
  const lineEnd = /\r\n|\n|\r/.exec(text)?.[0] ?? '\n';
  switch (table.format) {
    case 'json':
      return intoArray(
        text,
        lineEnd,
        rows.map((row) => JSON.stringify(typed(row, labels, firstOf(JSON.parse(text))))),
      );
    case 'jsonl': {
      const sample = JSON.parse(text.split(/\r\n|\n|\r/).find((line) => line.trim() !== '')!);
      return atEnd(
        text,
        lineEnd,
        rows.map((row) => JSON.stringify(typed(row, labels, sample))),
      );
    }
    case 'markdown': {
      const lines = rows.map(
        (row) =>
          `| ${cellsOf(table, row, plain('|'))
            .map((cell) => cell.replaceAll('|', '\\|'))
            .join(' | ')} |`,
      );
      return afterLine(text, lineEnd, table.rows.at(-1)!.end, lines);
    }
    case 'conll':
      return sentencesAtEnd(text, lineEnd, table, rows);
    case 'label-space-text':
      return atEnd(
        text,
        lineEnd,
        rows.map((row) => {
          if (/\s/.test(String(row.get('label')))) throw cannotHold('a label with a space in it');
          return cellsOf(table, row, plain('')).join(' ');
        }),
      );
    default: {
      const { delimiter, quotes, backslash = false } = table.dialect!;
      const write = quotes ? (cell: string) => quoteCell(cell, delimiter, backslash) : plain(delimiter);
      return atEnd(
        text,
        lineEnd,
        rows.map((row) => cellsOf(table, row, write).join(delimiter)),
      );
    }
  }
}

const firstOf = (rows: unknown): unknown => (Array.isArray(rows) ? rows[0] : undefined);

/** JSON's numbers, truth values and lists stay such where the label is one in the first row. */
function typed(row: Values, labels: readonly string[], sample: unknown): Record<string, unknown> {
  return Object.fromEntries(
    [...row].map(([name, value]) => {
      const first = (sample as Record<string, unknown> | undefined)?.[name];
      if (Array.isArray(first)) return [name, typeof value === 'string' ? [value] : value];
      if (typeof value !== 'string') return [name, JSON.stringify(value)];
      if (!labels.includes(name)) return [name, value];
      if (typeof first === 'number' && String(Number(value)) === value) return [name, Number(value)];
      if (typeof first === 'boolean' && (value === 'true' || value === 'false')) return [name, value === 'true'];
      return [name, value];
    }),
  );
}

function cellsOf(table: Table, row: Values, write: (cell: string) => string): string[] {
  return table.columns.map((column) => {
    const cell = row.get(column) ?? '';
    return write(typeof cell === 'string' ? cell : JSON.stringify(cell));
  });
}

/** Sentences of CoNLL's lines, with as many columns as the others have; what stands between word and tag is not known. */
function sentencesAtEnd(text: string, lineEnd: string, { columns }: Table, rows: readonly Values[]): Written {
  const between = columns.filter((name) => ![CONLL.tokens, CONLL.tags, CONLL.document].includes(name as never));
  const delimiter = text.includes('\t') ? '\t' : ' ';
  const lines = rows.map((row) => {
    const [tokens, tags] = [CONLL.tokens, CONLL.tags].map((name) => row.get(name) as readonly string[]);
    return tokens!.map((word, i) => {
      if (/\s/.test(word) || word.startsWith(DOCUMENT)) throw cannotHold(`the word “${word}”`);
      return [word, ...between.map(() => '_'), tags![i]!].join(delimiter);
    });
  });
  const whole = /[\r\n]$/.test(text) ? text : text + lineEnd;
  const start = /(?:\r\n|\n|\r)[^\S\r\n]*(?:\r\n|\n|\r)$/.test(whole) ? whole : whole + lineEnd;
  const sentences = lines.map((words) => words.map((line) => line + lineEnd).join(''));
  return { content: start + sentences.join(lineEnd), line: lineAfter(start) };
}

/** Cells of a format without quoting. */
function plain(delimiter: string): (cell: string) => string {
  return (cell) => {
    if (/[\r\n]/.test(cell)) throw cannotHold('a line break');
    if (delimiter === '\t' && cell.includes('\t')) throw cannotHold('a tab');
    return cell;
  };
}

function cannotHold(what: string): LuthierError {
  return new LuthierError(
    'data-invalid',
    `The file's format cannot contain ${what}, so nothing was added.`,
    'Remove it, or save the data as CSV or JSON Lines.',
  );
}

/**
 * A cell as RFC 4180 quotes it, where it must be.
 * @param isEscaped whether the file escapes by backslashes, as readers that know them then expect
 */
export function quoteCell(cell: string, delimiter: string, isEscaped: boolean): string {
  if (isEscaped) return `"${cell.replace(/["\\]/g, '\\$&')}"`;
  // Tab-separated files are often read without quoting: no quotes there unless they are needed.
  const special = delimiter === '\t' ? /^"|[\r\n]|^\s|\s$/ : /["\r\n]|^\s|\s$/;
  const needsQuotes = cell.includes(delimiter) || special.test(cell);
  return needsQuotes ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function atEnd(text: string, lineEnd: string, lines: readonly string[]): Written {
  const start = /[\r\n]$/.test(text) ? text : text + lineEnd;
  return { content: start + lines.map((line) => line + lineEnd).join(''), line: lineAfter(start) };
}

function afterLine(text: string, lineEnd: string, line: number, lines: readonly string[]): Written {
  const all = text.split(/(?<=\r\n|\n|\r(?!\n))/);
  const before = all.slice(0, line).join('');
  const start = /[\r\n]$/.test(before) ? before : before + lineEnd;
  return { content: start + lines.map((row) => row + lineEnd).join('') + all.slice(line).join(''), line: line + 1 };
}

/** Elements before the closing bracket: each on a line of its own where the array has several lines. */
function intoArray(text: string, lineEnd: string, elements: readonly string[]): Written {
  const close = text.lastIndexOf(']');
  const before = text.slice(0, close).trimEnd();
  const isSpread = /[\r\n]/.test(text.slice(0, close).trimStart());
  const gap = isSpread ? `${lineEnd}  ` : ' ';
  const start = before.endsWith('[') ? before : `${before},`;
  const content = `${start}${gap}${elements.join(`,${gap}`)}${isSpread ? lineEnd : ''}${text.slice(close)}`;
  return { content, line: lineAfter(start + gap) };
}

function lineAfter(text: string): number {
  const bytes = Buffer.from(text, 'utf8');
  return 1 + countLineEnds(bytes, 0, bytes.length);
}
