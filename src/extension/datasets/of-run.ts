import { dirname, isAbsolute, join, resolve } from 'node:path';
import { exists } from '../../files/folders.ts';
import { readJson } from '../../files/json.ts';
import { type DatasetRecord, type LabelsWritten, type TaskName, taskOf } from '../../protocol/index.ts';
import type { Run } from '../runs/run.ts';

/** File or folder that a run learned from; null when it is gone or the record does not say. */
export async function datasetOfRun(run: Run): Promise<string | null> {
  const reference = run.record.recipe.dataset;
  const name = typeof reference === 'string' ? reference : reference?.train;
  if (!name) return null;
  if (isAbsolute(name)) return (await exists(name)) ? name : null;
  const recipe = run.record.recipe_path;
  const candidates = [
    recipe ? resolve(dirname(recipe), name) : null,
    resolve(dirname(run.home), name),
    join(run.home, 'datasets', name),
  ];
  for (const path of candidates) if (path && (await exists(path))) return path;
  return null;
}

/** Whether a run learned files of a person's own, a row each, some of which were held out. */
export async function learntFiles(run: Run): Promise<boolean> {
  const dataset = await datasetOfRun(run);
  if (dataset === null) return false;
  const record = (await readJson(join(dataset, 'dataset.json')).catch(() => undefined)) as
    | Partial<DatasetRecord>
    | undefined;
  return record?.source?.paths === true;
}

/** A dataset that was made of a part of a person's file. */
export interface SourceFile {
  /** Absolute path of that file, which may be gone. */
  file: string;
  /** Its columns that became text and label. */
  columns: DatasetRecord['columns'];
  task: TaskName;
  /** How its labels are written, where that is not one in a cell. */
  how: LabelsWritten;
}

/** The file that a dataset's folder was made from; null for a file, for unsaved documents and for older folders. */
export async function sourceOf(dataset: string): Promise<SourceFile | null> {
  const record = (await readJson(join(dataset, 'dataset.json')).catch(() => undefined)) as
    | Partial<DatasetRecord>
    | undefined;
  const source = record?.source;
  if (!source?.lines || !record?.columns || typeof source.file !== 'string' || !isAbsolute(source.file)) return null;
  const { file, label_separator, label_columns } = source;
  const how = {
    ...(typeof label_separator === 'string' && { label_separator }),
    ...(Array.isArray(label_columns) && { label_columns: label_columns.map(String) }),
  };
  return { file, columns: record.columns, task: taskOf(record.task).name, how };
}
