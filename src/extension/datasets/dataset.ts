import { basename, dirname, extname, join } from 'node:path';
import { type Columns, DATASET_FORMAT, type DataSummary, type DatasetRecord } from '../../protocol/index.ts';
import { listFolder, mapLimited, readJson } from '../files.ts';
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
export const DATA_EXTENSIONS = ['csv', 'tsv', 'jsonl', 'ndjson', 'json', 'md', 'txt'];

export const isDataFile = (path: string): boolean =>
  DATA_EXTENSIONS.includes(extname(path).slice(1).toLowerCase()) && !path.endsWith(RECIPE_SUFFIX);

/** The file whose rows are a dataset's. */
export const rowsFile = (dataset: Dataset): string =>
  dataset.kind === 'made' ? join(dataset.path, 'rows.jsonl') : dataset.path;

/** Columns to read a dataset with, where they are known. */
export const knownColumns = (dataset: Dataset): Columns | undefined =>
  dataset.kind === 'made' ? { text: 'text', label: 'label' } : undefined;

/** Datasets in `<home>/datasets/`. A newer format or a damaged record leaves the folder out. */
export async function readMadeDatasets(home: string): Promise<Dataset[]> {
  const entries = await listFolder(join(home, 'datasets')).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(home, 'datasets', entry.name));
  const found = await mapLimited(folders, 16, async (path): Promise<Dataset | null> => {
    const value = (await readJson(join(path, 'dataset.json')).catch(() => undefined)) as DatasetRecord | undefined;
    if (typeof value?.rows !== 'number' || !Array.isArray(value.labels)) return null;
    if (value.format > DATASET_FORMAT) return null;
    return { kind: 'made', path, name: basename(path), record: value, summary: null };
  });
  return found.filter((dataset) => dataset !== null);
}

/** The two figures beside a dataset's name, or where it is while nothing is known. */
export function describeDataset(dataset: Dataset, relative: (path: string) => string): string {
  const rows = dataset.summary?.rows ?? dataset.record?.rows;
  const classes = dataset.summary?.classes.length ?? dataset.record?.labels.length;
  if (rows !== undefined && classes !== undefined) {
    return `${rows.toLocaleString('en-US')} rows · ${classes} ${classes === 1 ? 'class' : 'classes'}`;
  }
  const folder = relative(dirname(dataset.path));
  return folder === '' || folder === '.' ? '' : folder;
}
