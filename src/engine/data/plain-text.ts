import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { readRegularFile } from '../../files/regular-file.ts';
import { counted, LuthierError } from '../../protocol/index.ts';
import { decode, type Encoding } from './encoding.ts';
import { pacer } from './pace.ts';
import { Rows } from './packed-rows.ts';
import { listedSome, Problems } from './problems.ts';
import { RowStore } from './row-store.ts';
import { asReadError, MAX_BYTES } from './source.ts';
import type { Table } from './table.ts';

/** Column that says which part of its text a row is. */
export const PART = 'part';
export type PartOfText = 'whole' | 'first' | 'middle' | 'last';

/** Characters from which on a part may end; it does at the next blank line, or else at a line's end after twice as many. */
const PART_LENGTH = 2000;
/** What a very long line may be cut into: so many characters, and the rest of the word. */
const PIECES = new RegExp(`[^]{1,${PART_LENGTH}}\\S{0,200}\\s*`, 'g');
/** A line that divides texts, as data for GPT-2 have it. */
const DIVIDER = '<|endoftext|>';
/** Data files: tables, and no texts. */
const IS_TABLE = /\.(csv|tsv|tab|jsonl|ndjson)$/i;
const MAX_FILES = 100_000;

/** Whether a file is read as text rather than as a table. */
export const isPlainText = (file: string): boolean => !/\.(csv|tsv|tab|jsonl|ndjson|json)$/i.test(file);

interface Part {
  text: string;
  line: number;
  part: PartOfText;
}

/**
 * A text in parts, so that some of them can be held out: lines whose text is `<|endoftext|>` divide it, and what is
 * long is cut at blank lines, where there are none at line ends, and within very long lines at blanks. Nothing is lost.
 */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let open: { text: string; line: number }[] = [];
  let current = { text: '', line: 1 };
  const endPart = (line: number) => {
    if (current.text.trim() !== '') open.push(current);
    current = { text: '', line };
  };
  const endText = (line: number) => {
    endPart(line);
    for (const [i, part] of open.entries()) {
      const isLast = i === open.length - 1;
      parts.push({ ...part, part: open.length === 1 ? 'whole' : i === 0 ? 'first' : isLast ? 'last' : 'middle' });
    }
    open = [];
  };
  // Ends of lines stay as they are.
  for (const [i, line] of text.split(/(?<=\n)/).entries()) {
    if (line.trim() === DIVIDER) {
      endText(i + 2);
      continue;
    }
    const pieces = line.length > 2 * PART_LENGTH ? line.match(PIECES)! : [line];
    for (const [piece, part] of pieces.entries()) {
      current.text += part;
      const { length } = current.text;
      const isBlank = line.trim() === '';
      if ((length >= PART_LENGTH && isBlank) || length >= 2 * PART_LENGTH)
        endPart(piece < pieces.length - 1 ? i + 1 : i + 2);
    }
  }
  endText(0);
  return parts;
}

/**
 * A text file, or all of a folder, as a table of texts.
 * @throws LuthierError `data-unreadable`, `data-invalid` where there is no text
 */
export async function readPlainText(
  { file: path, text: given }: { file: string; text?: string | undefined },
  { encoding, signal }: { encoding?: string | undefined; signal?: AbortSignal | undefined },
): Promise<Table> {
  const isFolder = given === undefined && (await stat(path).catch(() => null))?.isDirectory() === true;
  const problems = new Problems();
  const store = new RowStore();
  const places: { file: string; line: number }[] = [];
  const found = isFolder ? await textFiles(path) : { files: [path], tables: [] };
  let bytes = 0;
  let read: Read = { text: '', encoding: { name: 'utf-8' } };
  const skipped: string[] = [];
  for (const file of found.files) {
    const own =
      given === undefined ? await readFile(file, encoding, problems, signal, isFolder) : { ...read, text: given };
    if (own === null) {
      skipped.push(relative(path, file));
      continue;
    }
    read = own;
    bytes += read.text.length;
    if (bytes > MAX_BYTES) throw tooLarge(path);
    for (const { text, line, part } of partsOf(read.text)) {
      store.sparse();
      store.cellOf(0, text, false);
      store.cellOf(1, part, false);
      places.push({ file, line });
      store.commit(places.length, places.length);
    }
  }
  tellSkipped(problems, skipped, 'is no text in a known encoding', 'are no texts in a known encoding');
  tellSkipped(
    problems,
    found.tables.map((file) => relative(path, file)),
    'is a table: name it as the dataset to use its rows',
    'are tables: name one as the dataset to use its rows',
  );
  if (places.length === 0) {
    throw new LuthierError(
      'data-invalid',
      `${basename(path)} has no text${isFolder ? ' files' : ''}.`,
      isFolder ? 'Name a folder with text files.' : 'Write some text, or name another file.',
    );
  }
  const rows = new Rows(store, { width: 2, place: (line) => places[line - 1] });
  return {
    ...{ name: basename(path), format: 'text', encoding: read.encoding.name, columns: ['text', PART], rows },
    ...{ nested: new Map(), ...(read.encoding.guess && { encodingGuess: read.encoding.guess }) },
    problems: problems.list(),
  };
}

interface Read {
  text: string;
  encoding: Pick<Encoding, 'name' | 'guess'>;
}

async function readFile(
  file: string,
  encoding: string | undefined,
  problems: Problems,
  signal: AbortSignal | undefined,
  isOneOfMany: boolean,
): Promise<Read | null> {
  try {
    const bytes = await readRegularFile(file, MAX_BYTES);
    if (isOneOfMany && bytes.subarray(0, 8192).includes(0)) return null;
    if (bytes.every((byte) => byte <= 32)) return { text: '', encoding: { name: 'utf-8' } };
    const decoded = await decode(bytes, basename(file), encoding, problems, pacer(signal));
    return { text: decoded.bytes.toString('utf8'), encoding: decoded.encoding };
  } catch (error) {
    const read = await asReadError(error, file);
    if (isOneOfMany && read instanceof LuthierError && read.code === 'data-unreadable') return null;
    throw read;
  }
}

/** Files of a folder and of those in it, by name; hidden ones and those of packages are left aside. */
export async function textFiles(folder: string): Promise<{ files: string[]; tables: string[] }> {
  const files: string[] = [];
  const tables: string[] = [];
  const go = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(async (error) => {
      throw await asReadError(error, path);
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const own = join(path, entry.name);
      // Links are not followed: what lies elsewhere was not named.
      if (entry.isDirectory()) await go(own);
      else if (entry.isFile()) (IS_TABLE.test(entry.name) ? tables : files).push(own);
      if (files.length > MAX_FILES) throw tooLarge(folder);
    }
  };
  await go(folder);
  return { files, tables };
}

function tellSkipped(problems: Problems, files: readonly string[], one: string, many: string): void {
  if (files.length === 0) return;
  const named = listedSome(files, 5);
  problems.add(
    'warning',
    'files-left-out',
    files.length === 1
      ? `${named} is left out: it ${one}.`
      : `${counted(files.length, 'file')} are left out (${named}): they ${many}.`,
  );
}

const tooLarge = (path: string): LuthierError =>
  new LuthierError(
    'data-unreadable',
    `${path} has more than ${MAX_BYTES / 2 ** 20} MB of text; that is the limit.`,
    'Name a folder with fewer files.',
  );
