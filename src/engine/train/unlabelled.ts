import { basename } from 'node:path';
import { writtenPath } from '../../files/written-path.ts';
import { counted, LuthierError, type Note, type Recipe } from '../../protocol/index.ts';
import { loadDataset } from '../data/dataset.ts';
import { listed } from '../data/problems.ts';
import type { DataRules } from '../data/repeats.ts';
import type { TaskData, TaskRow } from '../data/types.ts';
import { readFileTexts } from '../infer/file-texts.ts';
import type { AnyTask } from '../tasks/task.ts';
import { textGeneration } from '../tasks/text-generation/task.ts';

export interface UnlabelledOptions {
  task: AnyTask;
  /** The labelled rows, in their parts. */
  dataset: TaskData<TaskRow>;
  recipe: Pick<Recipe, 'columns' | 'encoding' | 'seed'>;
  base: string;
  rules?: DataRules | undefined;
  note: Note;
}

/** Rows without labels, each text once, and what was left out of the file. */
export interface Unlabelled {
  rows: TaskRow[];
  /** Rows whose text is held out for validation or test. */
  held_out: number;
  /** Rows that repeat another one. */
  repeats: number;
}

/**
 * Reads rows of which the texts alone are used, from columns that are called as in the labelled rows or look like them.
 * What is held out is left out: a model that is measured on a text must not have seen it.
 * @throws LuthierError as readFileTexts and loadDataset; `data-invalid` where nothing is left
 */
export async function readUnlabelled(file: string, options: UnlabelledOptions): Promise<Unlabelled> {
  const { task, dataset, rules = 2 } = options;
  const rows = (await (task.measures === 'losses' ? passages : texts)(file, options)).map((row) => ({
    row,
    key: task.key(row, rules),
  }));
  const held = new Set([...dataset.validation, ...dataset.test].map((row) => task.key(row, rules)));
  const kept = new Map<string, TaskRow>();
  let [held_out, repeats] = [0, 0];
  for (const { row, key } of rows) {
    if (held.has(key)) held_out++;
    else if (kept.has(key)) repeats++;
    else kept.set(key, row);
  }
  if (kept.size === 0) {
    throw new LuthierError(
      'data-invalid',
      held_out > 0
        ? `${basename(file)} has no text for pre-training: ${held_out === 1 ? 'its one row is' : `all ${held_out.toLocaleString('en')} rows are`} held out for validation or test.`
        : `${basename(file)} has no text for pre-training.`,
      'Name a file of other texts under strategy.pretraining_dataset.',
    );
  }
  return { rows: [...kept.values()], held_out, repeats };
}

/** Of a classifier: a text or a pair of texts a row, empty ones left out. */
async function texts(name: string, { task, dataset, recipe, base, note }: UnlabelledOptions): Promise<TaskRow[]> {
  const { encoding, columns } = recipe;
  const file = await writtenPath(base, name);
  const inputs = task.inputs(dataset.columns);
  const { text, text_pair } = columns;
  const named = { ...(text !== undefined && { text }), ...(text_pair !== undefined && { text_pair }) };
  try {
    const tell: Note = (level, message) => note(level, `${basename(file)}: ${message}`);
    const how = { encoding, columns: named, leavesOutBroken: true, note: tell };
    const read = await readFileTexts(file, { kind: 'texts', inputs }, how);
    const rows = read.texts.map((row, i) => ({ ...row, file, line: read.lines[i]! }));
    return rows.filter((row) => [row.text, row.text_pair ?? 'none'].every((one) => one.trim() !== ''));
  } catch (error) {
    if (!(error instanceof LuthierError) || error.code !== 'data-invalid') throw error;
    const hint = `Call its ${inputs.length === 1 ? 'column' : 'columns'} ${listed(inputs.map((name) => `“${name}”`))}, as in the dataset.`;
    throw new LuthierError(error.code, `Texts for pre-training: ${error.message}`, hint, { cause: error });
  }
}

/** Of a model that writes: texts, or completions with their prompts. */
async function passages(file: string, { recipe, base, rules, note }: UnlabelledOptions): Promise<TaskRow[]> {
  const { columns, encoding, seed } = recipe;
  const { train, columns_reason, problems } = await loadDataset(textGeneration, file, {
    ...{ base, columns, encoding, seed, validation_split: 0, ...(rules && { rules }) },
  });
  const tell = (level: 'info' | 'warning', message: string) => note(level, `${basename(file)}: ${message}`);
  tell('info', columns_reason);
  for (const { severity, message } of problems) tell(severity === 'info' ? 'info' : 'warning', message);
  return train;
}

/** What was left out, in words; empty where nothing was. */
export function leftOut({ held_out, repeats, single }: { held_out: number; repeats: number; single: number }): string {
  const parts = [
    ...(held_out > 0 ? [`${held_out.toLocaleString('en')} held out for validation or test`] : []),
    ...(repeats > 0 ? [`${counted(repeats, 'repeat')} of others`] : []),
    ...(single > 0 ? [`${single.toLocaleString('en')} of a single word`] : []),
  ];
  return parts.length === 0 ? '' : ` (left out: ${listed(parts)})`;
}
