import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod';
import { readRegularFile } from '../../files/regular-file.ts';
import { isForeignPath, writtenPath } from '../../files/written-path.ts';
import { HOME } from '../../guard/index.ts';
import {
  type Columns,
  columnFields,
  DATASET_FORMAT,
  type DatasetReference,
  LuthierError,
  TASKS,
  type TaskName,
} from '../../protocol/index.ts';
import { nearest, orMeant } from '../../protocol/nearest.ts';
import { listed } from './problems.ts';
import { placesOf, type RowSource } from './row-source.ts';
import { MadeSplits, refuseWrongSplits, type Selected, SPLITS_FILE, selectedBy, splitsRecord } from './splits.ts';

/** Of a dataset's own records; a split of a million rows takes 16 MB of splits.json. */
const MAX_RECORD_BYTES = 256 << 20;
/** Of its rows, which are counted here and read elsewhere. */
const MAX_ROWS_BYTES = 2 ** 32;

export type PartName = 'train' | 'validation' | 'test';

/** What the rows of a part are called. */
export const ROWS_OF: Record<PartName, string> = { train: 'training', validation: 'validation', test: 'test' };

/** One part of a data set: a file, or some of its lines. */
export interface Part {
  /** Absolute path. */
  file: string;
  /** Rows of the file that belong to the part; all when absent. */
  selected?: Selected;
  /** Where the rows stand in the file that they were taken from. */
  source?: RowSource;
  /** Of a file that Luthier wrote itself. */
  encoding?: 'utf-8';
  /** Its column of ids. */
  ids?: 'id';
}

export interface ResolvedDataset {
  parts: { train: Part; validation?: Part; test?: Part };
  /** Columns that the data set itself names; the recipe's go before them. */
  columns: Columns;
  /** Of a dataset's folder: where rows were put when shares of them were held out before. */
  made?: MadeSplits;
  /** Likewise: what its rows are for. */
  task?: TaskName;
}

/** dataset.json, of which only what reading needs is checked: DatasetRecord in the protocol says the rest. */
const datasetRecord = z.object({
  format: z.number().int().positive(),
  task: z.enum(TASKS.map(({ name }) => name)).optional(),
  columns: z.record(z.string(), z.string().optional()).optional(),
  source: z
    .object({
      file: z.string(),
      lines: z.array(z.tuple([z.number().int(), z.number().int()])).optional(),
      paths: z.boolean().optional(),
    })
    .nullish(),
});

/** Whether the files of a folder may be the rows of a task: texts. */
export const readsFolders = (task: string | undefined): boolean => task === 'text-generation';

/**
 * Finds what a recipe's `dataset` names: files (relative to `base`), a data set's folder, or the name of one in
 * `.luthier/datasets/` of `base` or of a folder above it.
 * @param options.takesFolders whether the files of a folder may be the data
 * @throws LuthierError `data-unreadable` saying where it was looked for and what is there instead.
 */
export async function resolveDataset(
  reference: DatasetReference,
  base: string,
  { takesFolders = false }: { takesFolders?: boolean } = {},
): Promise<ResolvedDataset> {
  if (typeof reference !== 'string') {
    const part = async (file: string | undefined): Promise<Part | undefined> =>
      file === undefined ? undefined : { file: await existing(file, base, takesFolders) };
    const [train, validation, test] = [
      await part(reference.train),
      await part(reference.validation),
      await part(reference.test),
    ];
    return { parts: { train: train!, ...(validation && { validation }), ...(test && { test }) }, columns: {} };
  }
  const path = await writtenPath(base, reference);
  const kind = await kindOf(path);
  if (kind === 'file') return { parts: { train: { file: path } }, columns: {} };
  if (kind === 'folder' && (await kindOf(join(path, 'dataset.json'))) === 'file') return fromFolder(path);
  const named = await datasetCalled(reference, base);
  if (named !== undefined) return fromFolder(named);
  if (kind === 'folder' && takesFolders) return { parts: { train: { file: path } }, columns: {} };
  if (kind === 'folder') {
    throw new LuthierError(
      'data-unreadable',
      `${path} is a folder without a dataset.json, so it is not a dataset.`,
      'Name one of the files in it.',
    );
  }
  throw await notFound(reference, base);
}

/**
 * What a command names as its rows: a file or a folder, else a dataset of `base` or of a folder above it.
 * @returns its path
 * @throws LuthierError `data-unreadable` with the name that may be meant
 */
export async function findData(reference: string, base: string): Promise<string> {
  const path = await writtenPath(base, reference);
  if ((await kindOf(path)) !== undefined) return path;
  const named = await datasetCalled(reference, base);
  if (named !== undefined) return named;
  throw await notFound(reference, base, 'the current folder');
}

async function datasetCalled(reference: string, base: string): Promise<string | undefined> {
  if (isAbsolute(reference)) return undefined;
  for (const folder of datasetFolders(base)) {
    const candidate = await writtenPath(folder, reference);
    if ((await kindOf(join(candidate, 'dataset.json'))) === 'file') return candidate;
  }
  return undefined;
}

async function existing(file: string, base: string, takesFolders: boolean): Promise<string> {
  const path = await writtenPath(base, file);
  const kind = await kindOf(path);
  if (kind === 'file' || (kind === 'folder' && takesFolders)) return path;
  if (kind === 'folder')
    throw new LuthierError('data-unreadable', `${path} is a folder, not a file.`, 'Name one of the files in it.');
  throw await notFound(file, base);
}

/** @param from what paths are relative to */
async function notFound(reference: string, base: string, from = "the recipe's folder"): Promise<LuthierError> {
  const path = resolve(base, reference);
  const wanted = basename(path);
  if (isForeignPath(wanted)) {
    return new LuthierError(
      'data-unreadable',
      `“${wanted}” is a path on a Windows machine, and there is no such file here.`,
      `Name the file by its path on this machine, or relative to ${from} (${resolve(base)}).`,
    );
  }
  const sets = (await Promise.all(datasetFolders(isAbsolute(reference) ? dirname(path) : base).map(names))).flat();
  const candidates = [...(await names(dirname(path))), ...sets].filter((name) => !name.startsWith('.'));
  const near = nearest(wanted, candidates, Math.max(2, wanted.length / 3));
  return new LuthierError(
    'data-unreadable',
    `There is no file ${path} and no dataset called “${wanted}”${orMeant(near)}`,
    sets.length > 0
      ? `The datasets here are ${listed(sets.slice(0, 10))}; paths are relative to ${from}.`
      : `Paths are relative to ${from}, here ${resolve(base)}.`,
  );
}

/** `.luthier/datasets` of a folder and of those above it. */
function datasetFolders(base: string): string[] {
  const folders: string[] = [];
  for (let folder = resolve(base); ; folder = dirname(folder)) {
    folders.push(join(folder, HOME, 'datasets'));
    if (dirname(folder) === folder) return folders;
  }
}

async function fromFolder(folder: string): Promise<ResolvedDataset> {
  const record = await readRecord(join(folder, 'dataset.json'), datasetRecord);
  if (record.format > DATASET_FORMAT) {
    throw new LuthierError(
      'data-unreadable',
      `The dataset ${folder} was written by a newer version of Luthier (layout ${record.format}; this version knows ${DATASET_FORMAT}).`,
      'Update Luthier.',
    );
  }
  const file = join(folder, 'rows.jsonl');
  if ((await kindOf(file)) !== 'file') {
    throw new LuthierError('data-unreadable', `The dataset ${folder} has no rows.jsonl.`, 'Add the dataset again.');
  }
  const source = placesOf(record.source);
  // Whatever the source's columns were called, rows.jsonl has the task's names.
  const { task = TASKS[0].name } = record;
  const columns: Columns = {};
  for (const { name, required } of columnFields(task)) {
    if (required || record.columns?.[name] !== undefined) columns[name] = name;
  }
  const splitsFile = join(folder, SPLITS_FILE);
  const hasSplits = (await kindOf(splitsFile)) === 'file';
  const splits = hasSplits ? await readRecord(splitsFile, splitsRecord) : splitsRecord.parse({});
  await refuseWrongSplits(splitsFile, file, splits, () => countLines(file));
  const whole: Part = { file, encoding: 'utf-8', ids: 'id', ...(source && { source }) };
  const made = new MadeSplits(file, splits);
  const selected = selectedBy(splits);
  if (!selected) return { parts: { train: whole }, columns, made, task };
  const { train, validation, test } = selected;
  return {
    parts: {
      train: { ...whole, selected: train },
      ...(validation.count! > 0 && { validation: { ...whole, selected: validation } }),
      ...(test.count! > 0 && { test: { ...whole, selected: test } }),
    },
    columns,
    made,
    task,
  };
}

async function countLines(file: string): Promise<number> {
  const bytes = await readRegularFile(file, MAX_ROWS_BYTES);
  let count = bytes.length === 0 || bytes.at(-1) === 10 ? 0 : 1;
  for (const byte of bytes) if (byte === 10) count++;
  return count;
}

async function readRecord<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse((await readRegularFile(file, MAX_RECORD_BYTES)).toString('utf8')));
  } catch (error) {
    const what =
      error instanceof z.ZodError
        ? error.issues
            .map(
              ({ path, message }) =>
                `${path.join('.') || 'it'}: ${message.replace(/received undefined/, 'it is missing')}`,
            )
            .join('; ')
        : (error as Error).message;
    throw new LuthierError('data-unreadable', `${file} cannot be read (${what}).`, 'Add the dataset again.', {
      cause: error,
    });
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return undefined;
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
