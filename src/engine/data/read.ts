import { basename } from 'node:path';
import { counted, LuthierError, type TaskName } from '../../protocol/index.ts';
import { readConll } from './conll.ts';
import { type Detected, detectFormat, SAMPLE_BYTES } from './detect.ts';
import { findEncoding, utf8Pieces } from './encoding.ts';
import type { EncodingGuess } from './encoding-guess.ts';
import { type JsonOptions, readJsonArray, readJsonLines } from './json.ts';
import { readLabelSpaceText } from './label-lines.ts';
import { LineCutter } from './lines.ts';
import { MarkdownReader } from './markdown.ts';
import { type Pace, pacer } from './pace.ts';
import { isPlainText, readPlainText } from './plain-text.ts';
import { Problems } from './problems.ts';
import { contentOf, GridBuilder, noMarkdownTable, readDelimited } from './read-delimited.ts';
import { bufferSource, fileSource, type Source } from './source.ts';
import type { Content, Table, Text } from './table.ts';

export interface TableSource {
  /** Path of the file, or the name of a document whose `text` is given. */
  file: string;
  /** Stands for the file's content (an unsaved document). */
  text?: string | undefined;
}

/** How far a reading is, in bytes of the file. */
export type OnRead = (done: number, total: number) => void;

export interface ReadOptions extends JsonOptions {
  signal?: AbortSignal | undefined;
  /** The file's encoding as a person called it; found from the content otherwise. */
  encoding?: string | undefined;
  /** That the rows are for, where it is known: lines of words and tags are otherwise known by their tags. */
  task?: TaskName | undefined;
  /** Told rather than found from the content. */
  detected?: Detected | undefined;
  /** Likewise, for delimited text. */
  hasHeader?: boolean | undefined;
  /** Whether a table without rows is an answer rather than an error. */
  allowNoRows?: boolean | undefined;
  onProgress?: OnRead | undefined;
}

/**
 * Reads a file as a table: CSV, TSV and their kin, JSON Lines, a JSON array of objects, a Markdown table,
 * CoNLL's lines of words and tags, `label<TAB>text` or `label text` lines. Format, delimiter, header and encoding are found from the content;
 * whatever was guessed or is odd stands in `problems`, an `error` there being something that no model should be
 * trained on. The file is gone through piece by piece, so that memory is that of the rows, the event loop is never
 * held for long, and a cancellation is heard at once.
 * @throws LuthierError `data-unreadable` (no file, no text file, too large, no leave to read), `data-invalid`
 *   (empty, no table, too many columns), `usage` (an encoding that there is not), `cancelled`.
 */
export async function readTable(source: TableSource, options: ReadOptions = {}): Promise<Table> {
  if (options.task === 'text-generation' && isPlainText(source.file)) return readPlainText(source, options);
  const name = basename(source.file);
  const opened =
    source.text === undefined ? await fileSource(source.file) : bufferSource(Buffer.from(source.text, 'utf8'), name);
  try {
    return await readSource(opened, options);
  } finally {
    await opened.close();
  }
}

/**
 * The guess that a file's encoding would be read by; undefined where there is no need for one.
 * @throws LuthierError as readTable does for a file that cannot be read
 */
export async function guessFileEncoding(file: string, signal?: AbortSignal): Promise<EncodingGuess | undefined> {
  const source = await fileSource(file);
  try {
    return (await findEncoding(source, undefined, new Problems(), pacer(signal))).guess;
  } finally {
    await source.close();
  }
}

async function readSource(source: Source, options: ReadOptions): Promise<Table> {
  const { name } = source;
  const problems = new Problems();
  const pace = pacer(options.signal);
  await pace();
  const encoding = await findEncoding(source, options.encoding, problems, pace);
  const told = withProgress(source, options.onProgress);
  const start = await startOf(utf8Pieces(source, encoding, pace));
  // Excel's own first line, "sep=;", is no row; its line end stays, so that lines keep their numbers.
  const skip = /^sep=.(?=[\r\n])/i.test(start.bytes.toString('latin1', 0, 8)) ? 'sep=;'.length : 0;
  const text: Text = { name, pace, pieces: () => after(utf8Pieces(told, encoding, pace), skip) };
  const detected =
    options.detected ?? detectFormat(start.bytes.subarray(skip), name, { isWhole: start.isWhole, task: options.task });
  const content = await readContent(text, detected, problems, options);
  const table: Table = {
    name,
    encoding: encoding.name,
    ...(encoding.guess && { encodingGuess: encoding.guess }),
    ...content,
    problems: problems.list(),
  };
  if (
    !options.allowNoRows &&
    table.rows.length === 0 &&
    !table.problems.some((problem) => problem.severity === 'error')
  ) {
    throw new LuthierError(
      'data-invalid',
      table.header ? `${name} has no rows below its header.` : `${name} has no rows.`,
      'Add one row for each text.',
    );
  }
  return table;
}

/** The same source, telling how far it has been gone through; a second time through is not told. */
function withProgress(source: Source, onProgress: OnRead | undefined): Source {
  if (!onProgress) return source;
  let farthest = 0;
  return {
    ...source,
    async *pieces(pace: Pace) {
      let done = 0;
      for await (const piece of source.pieces(pace)) {
        yield piece;
        done += piece.length;
        if (done > farthest) {
          farthest = done;
          onProgress(done, source.size);
        }
      }
    },
  };
}

/** The beginning of a text, from which its format is found. */
async function startOf(pieces: AsyncGenerator<Buffer>): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const found: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    // The limit may fall within a letter; whole lines are looked at alone.
    if (length > SAMPLE_BYTES) return { bytes: Buffer.concat(found), isWhole: false };
    found.push(Buffer.from(piece));
    length += piece.length;
  }
  return { bytes: Buffer.concat(found), isWhole: true };
}

async function* after(pieces: AsyncGenerator<Buffer>, skip: number): AsyncGenerator<Buffer> {
  let left = skip;
  for await (const piece of pieces) {
    yield left > 0 ? piece.subarray(left) : piece;
    left = Math.max(0, left - piece.length);
  }
}

async function readContent(
  text: Text,
  detected: Detected,
  problems: Problems,
  options: Pick<ReadOptions, 'hasHeader' | 'keepsSource'>,
): Promise<Content> {
  switch (detected.format) {
    case 'json':
      return readJsonArray(text, problems, options);
    case 'jsonl':
      return readJsonLines(text, problems, options);
    case 'markdown':
      return readMarkdown(text, problems);
    case 'conll':
      return readConll(text, problems);
    case 'label-space-text':
      return readLabelSpaceText(text, problems);
    default:
      return readDelimited(text, detected.dialect, problems, options.hasHeader);
  }
}

/** The first table of a text; says so when there are more. */
async function readMarkdown(text: Text, problems: Problems): Promise<Content> {
  const builder = new GridBuilder(text.name);
  const { store } = builder.grid;
  const add = ({ line, cells }: { line: number; cells: readonly string[] }) => {
    for (const cell of cells) store.cell(cell);
    builder.row(line, line, line === reader.header!.line);
  };
  const reader = new MarkdownReader((row) => {
    // The header is known once the line of dashes is.
    if (!builder.grid.first) add(reader.header!);
    add(row);
  });
  const lines = new LineCutter((bytes, start, end, line) => reader.line(bytes.toString('utf8', start, end), line));
  for await (const piece of text.pieces()) lines.write(piece);
  lines.end();
  if (!reader.header) throw noMarkdownTable(text.name);
  if (!builder.grid.first) add(reader.header);
  if (reader.tables > 1) {
    const { line } = reader.header;
    problems.add(
      'info',
      'several-tables',
      `The file contains ${counted(reader.tables, 'table')}; the first, from line ${line} on, is read.`,
      { line },
    );
  }
  return contentOf('markdown', builder.grid, true, problems, text);
}
