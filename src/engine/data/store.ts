import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists } from '../../files/folders.ts';
import { readRegularFile } from '../../files/regular-file.ts';
import { writeError, writeFileAtomically, writeJson } from '../../files/write-file.ts';
import { homeProblem } from '../../guard/index.ts';
import {
  type Columns,
  counted,
  DATASET_FORMAT,
  type DataProblem,
  type DataSource,
  type DatasetRecord,
  type LabelsWritten,
  LuthierError,
  type RowFields,
  taskOf,
} from '../../protocol/index.ts';
import { neededOf } from './checks.ts';
import { LABELLED } from './labelled.ts';
import { pacer } from './pace.ts';
import { Problems } from './problems.ts';
import { readTable } from './read.ts';
import { toRanges } from './row-source.ts';
import { extractSelection } from './selection.ts';
import { SPLITS_FILE } from './splits.ts';
import { problemsBeside } from './table.ts';
import type { AnyRowKind, WrittenRow } from './types.ts';
import { understand } from './understand.ts';

export interface CreateOptions extends DataSource, LabelsWritten {
  /** A `.luthier` folder; made when it is not there. */
  folder: string;
  name: string;
  columns: Columns;
  signal?: AbortSignal | undefined;
}

/**
 * Writes the rows of a file, document or selection as `<folder>/datasets/<name>/`, whole or not at all.
 * Rows without text or label are left out and reported.
 * @throws LuthierError `usage` (a name that cannot be a folder's, or one that is taken), `data-invalid` (ragged rows,
 *   broken quotes, no column), `not-writable`, `disk-full`, `cancelled`.
 */
export async function createDataset(
  options: CreateOptions,
  kind: AnyRowKind = LABELLED,
): Promise<{ path: string; record: DatasetRecord; problems: DataProblem[] }> {
  const { file, text, selection, folder, name, signal, label_separator, label_columns } = options;
  const path = await datasetPath(folder, name);
  if (await exists(path)) {
    throw new LuthierError(
      'usage',
      `A dataset called “${name}” already exists.`,
      'Choose another name, or delete that one first.',
    );
  }
  const table = selection
    ? await extractSelection(selection, basename(file), { signal, task: kind.name })
    : await readTable({ file, text }, { encoding: options.encoding, task: kind.name, signal });
  const broken = table.problems.find((problem) => problem.severity === 'error');
  if (broken)
    throw new LuthierError(
      'data-invalid',
      `${table.name}: ${broken.message}`,
      'Correct the rows, then add them again.',
    );
  const problems = new Problems();
  const { rows, columns } = await understand(kind, table, {
    file,
    given: options.columns,
    problems,
    tellsUnused: true,
    signal,
  });
  const refused = problems.list().find(({ severity }) => severity === 'error');
  if (refused)
    throw new LuthierError('data-invalid', `${table.name}: ${refused.message}`, 'Check which columns are chosen.');
  if (rows.length === 0) {
    throw new LuthierError(
      'data-invalid',
      `No ${taskOf(kind.name).row} of ${table.name} has ${neededOf(kind.name)}.`,
      'Check which columns are chosen.',
    );
  }
  // One class is no error here: rows of another can be added.
  kind.checkLabels(rows, columns, problems);
  await kind.checkRows(rows, problems, 2, pacer(signal));
  const record: DatasetRecord = {
    format: DATASET_FORMAT,
    name,
    created_at: new Date().toISOString(),
    source: {
      file,
      first_line: rows.at(0)!.line,
      last_line: rows.at(-1)!.line,
      lines: toRanges(rows.map(({ line }: WrittenRow) => line)),
      ...(label_separator !== undefined && { label_separator }),
      ...(label_columns !== undefined && { label_columns }),
    },
    task: kind.name,
    columns,
    rows: rows.length,
    labels: kind.labels(rows),
  };
  await writeDataset(path, record, rows.length, (from, to) =>
    rows.slice(from, to).map((row: WrittenRow) => ({ id: row.id, ...kind.stored(row) })),
  );
  return { path, record, problems: [...problems.list(), ...problemsBeside(table, columns)] };
}

/**
 * Where a dataset of this name stands.
 * @param folder a `.luthier` folder
 * @throws LuthierError `usage` for a name that cannot be a folder's, `not-writable` where a link leads elsewhere
 */
export async function datasetPath(folder: string, name: string): Promise<string> {
  refuseName(name);
  requireHere(await homeProblem(folder, 'datasets', name));
  return join(folder, 'datasets', name);
}

/** What a line of rows.jsonl has. */
export type StoredRow = RowFields & { id: string };

/**
 * Writes a dataset's folder, whole or not at all.
 * @param rowsOf some of its rows, by their places
 * @param splits rows that are held out, by their ids
 * @throws LuthierError `not-writable`, `disk-full`
 */
export async function writeDataset(
  path: string,
  record: DatasetRecord,
  count: number,
  rowsOf: (from: number, to: number) => readonly StoredRow[],
  splits?: { validation: readonly string[]; test: readonly string[] },
): Promise<void> {
  const aside = join(path, '..', `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    // Not with its parents: what stands there already, a link perhaps, is not written into.
    await mkdir(aside);
    // As run folders do: what stands here is a copy of the user's own files, and not for version control by itself.
    await writeFile(join(path, '..', '..', '.gitignore'), '*\n', { flag: 'wx' }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
    await writeFileAtomically(join(aside, 'rows.jsonl'), async (handle) => {
      for (let from = 0; from < count; from += 4096) {
        const rows = rowsOf(from, Math.min(count, from + 4096));
        await handle.appendFile(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      }
    });
    if (splits) await writeJson(join(aside, SPLITS_FILE), splits);
    await writeRecord(aside, record);
    await rename(aside, path);
  } catch (error) {
    // What failed above is what to tell.
    await rm(aside, { recursive: true, force: true }).catch(() => {});
    throw writeError(path, error);
  }
}

export async function writeRecord(folder: string, record: DatasetRecord): Promise<void> {
  await writeJson(join(folder, 'dataset.json'), record);
}

export async function readRecord(folder: string): Promise<DatasetRecord> {
  // resolveDataset has checked what of it matters for reading.
  return JSON.parse((await readRegularFile(join(folder, 'dataset.json'), 256 << 20)).toString('utf8')) as DatasetRecord;
}

/** Names that Windows keeps for devices; a data set should survive being copied there. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;
const MAX_NAME = 80;

/** @throws LuthierError `not-writable` where a folder is a link, so that what is written would stand elsewhere */
export function requireHere(problem: string | null): void {
  if (problem !== null) throw new LuthierError('not-writable', problem, 'Replace it with a real folder.');
}

function refuseName(name: string): void {
  const isGood = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N} ._()-]*$/u.test(name) && !/[ .]$/.test(name) && !RESERVED.test(name);
  if (isGood && name.length <= MAX_NAME) return;
  throw new LuthierError(
    'usage',
    name.length > MAX_NAME
      ? `A dataset's name can have at most ${counted(MAX_NAME, 'character')}; this one has ${name.length}.`
      : `“${name}” cannot be a dataset's name.`,
    'Use letters, digits, spaces and . _ - ( ), beginning with a letter, a digit or _.',
  );
}
