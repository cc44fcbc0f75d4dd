import { access, constants } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type Broken, isBroken, isNewer, whyUnreadable } from '../../files/broken.ts';
import { errnoOf } from '../../files/errno.ts';
import { exists, listFolder, mapLimited } from '../../files/folders.ts';
import { readOwnJson } from '../../files/json.ts';
import {
  CONLL_EXTENSIONS,
  counted,
  DATASET_FORMAT,
  type DataSummary,
  type DatasetRecord,
  taskOf,
} from '../../protocol/index.ts';
import { type DatasetKind, RECIPE_SUFFIX } from '../ids.ts';

/** A dataset in the tree: a file, or a folder that Luthier made. */
export interface Dataset {
  kind: DatasetKind;
  /** Absolute path of the file or the folder. */
  path: string;
  name: string;
  /** What is known without reading rows: the folder's record. */
  record: DatasetRecord | null;
  /** What the service found, while it is still true of the file. */
  summary: DataSummary | null;
}

/** Files that readers of datasets understand; the tree finds those of `luthier.datasets.include`, these can be added. */
export const DATA_EXTENSIONS = ['csv', 'tsv', 'jsonl', 'ndjson', 'json', 'md', 'txt', ...CONLL_EXTENSIONS];

export const isDataFile = (path: string): boolean =>
  DATA_EXTENSIONS.includes(extname(path).slice(1).toLowerCase()) && !path.endsWith(RECIPE_SUFFIX);

/** The file whose rows are a dataset's. */
export const rowsFile = (dataset: Dataset): string =>
  dataset.kind === 'made' ? join(dataset.path, 'rows.jsonl') : dataset.path;

/** Datasets in `<home>/datasets/`, and what there is no dataset, with the reason. */
export async function readMadeDatasets(home: string): Promise<{ datasets: Dataset[]; broken: Broken[] }> {
  const folder = join(home, 'datasets');
  let entries: Awaited<ReturnType<typeof listFolder>>;
  try {
    entries = await listFolder(folder);
  } catch (error) {
    return { datasets: [], broken: [{ path: folder, problem: whyUnreadable(folder, error) }] };
  }
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  const found = await mapLimited(folders, 16, readMadeDataset);
  return {
    datasets: found.filter((one): one is Dataset => !isBroken(one)),
    broken: found.filter(isBroken),
  };
}

async function readMadeDataset(path: string): Promise<Dataset | Broken> {
  const file = join(path, 'dataset.json');
  const rows = join(path, 'rows.jsonl');
  try {
    const value = (await readOwnJson(file)) as Partial<DatasetRecord> | undefined;
    if (value === undefined) return { path, problem: 'dataset.json is missing.' };
    if (typeof value !== 'object' || value === null) return { path, problem: 'dataset.json is not a record.' };
    if (typeof value.format === 'number' && value.format > DATASET_FORMAT) {
      return { path, problem: isNewer(file, value.format, DATASET_FORMAT) };
    }
    if (typeof value.rows !== 'number' || !Array.isArray(value.labels)) {
      return { path, problem: 'dataset.json is incomplete: it does not say its rows and labels.' };
    }
    if (!value.labels.every((label) => typeof label === 'string')) {
      return { path, problem: 'dataset.json is damaged: one of its labels is not a text.' };
    }
    await access(rows, constants.R_OK);
    return { kind: 'made', path, name: basename(path), record: value as DatasetRecord, summary: null };
  } catch (error) {
    const which = errnoOf(error) !== undefined && (await exists(file)) && !(await isReadable(rows)) ? rows : file;
    return { path, problem: whyUnreadable(which, error) };
  }
}

const isReadable = (path: string): Promise<boolean> =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  );

/** The figures beside a dataset's name, errors before classes, or where it is while nothing is known. */
export function describeDataset(dataset: Dataset, relative: (path: string) => string): string {
  const rows = dataset.summary?.rows ?? dataset.record?.rows;
  const classes = dataset.summary?.classes.length ?? dataset.record?.labels.length;
  if (rows !== undefined && classes !== undefined) {
    const errors = dataset.summary?.problems.filter(({ severity }) => severity === 'error').length ?? 0;
    const { name, row, label, writes } = taskOf(dataset.summary?.task ?? dataset.record?.task);
    const labels = writes || name === 'regression' ? [] : [counted(classes, ...label)];
    return [counted(rows, row), ...(errors > 0 ? [counted(errors, 'error')] : labels)].join(' · ');
  }
  const folder = relative(dirname(dataset.path));
  return folder === '' || folder === '.' ? '' : folder;
}
