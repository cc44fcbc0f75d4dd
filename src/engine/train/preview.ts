import { type DataPreview, type LabelsWritten, LuthierError, taskOf } from '../../protocol/index.ts';
import { type ListOptions, writtenRows } from '../data/rows.ts';
import { openModelFolder } from '../hub/model-folder.ts';
import { resolveModel } from '../hub/resolve.ts';
import { architectureOf } from '../models/registry.ts';
import type { AnyTask } from '../tasks/task.ts';
import { Tokenizer } from '../text/tokenizer.ts';

/** Rows that are read as the model would: enough to meet a long one, and a moment's work. */
const READ = 200;
/** Tokens of a row where neither the person nor the task says it. */
const MAX_LENGTH = 512;
/** The model that comes with Luthier for what writes. */
const STARTER = 'starters/decoder';

export interface PreviewOptions extends LabelsWritten, Pick<ListOptions, 'data' | 'columns' | 'encoding' | 'signal'> {
  /** As a recipe names it; the starter where none is given. */
  model?: string | undefined;
  /** Folder that it is looked up from. */
  base: string;
  cacheFolder?: string | undefined;
  /** The task's own where it is not given. */
  max_length?: number | undefined;
}

/**
 * The first rows of a dataset as a model would see them in a training, before there is one: what is learnt of them, and
 * what does not fit.
 * @returns null for a task that has no such preview: its rows are read whole, and their labels are learnt
 * @throws LuthierError of whatever of model and data cannot be read; `data-invalid` where nothing would be learnt
 */
export async function previewData(options: PreviewOptions, task: AnyTask): Promise<DataPreview | null> {
  if (!task.preview) return null;
  const { model = STARTER, base, cacheFolder, max_length = taskOf(task.name).max_length ?? MAX_LENGTH } = options;
  const written = await writtenRows(options, task);
  const { path } = await resolveModel(model, { base, cacheFolder });
  const folder = await openModelFolder(path);
  await folder.weights.close();
  const { maxPositions } = architectureOf(folder.config, `${path}/config.json`, task);
  const tokenizer = await Tokenizer.load(path);
  const maxLength = Math.min(max_length, maxPositions);
  const rows = written.slice(0, READ);
  if (rows.length === 0) {
    throw new LuthierError('data-invalid', `There is no ${taskOf(task.name).row} to show.`);
  }
  const { items, truncatedRows, notes = [] } = task.encode(rows, tokenizer, maxLength);
  return {
    model,
    max_length: maxLength,
    read: rows.length,
    truncated: truncatedRows,
    notes: notes.map(({ message }) => message),
    rows: task.preview(rows, items, tokenizer),
  };
}
