import { basename, dirname } from 'node:path';
import { readTextFile } from '../../files/text-file.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import { problemLine } from '../../prompts/problems.ts';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import { rewritten } from '../../prompts/rewrite.ts';
import { counted, formatBytes, LuthierError, type Note, type Recipe, trainingData } from '../../protocol/index.ts';
import type { TaskData, TaskRow } from '../data/types.ts';
import { placeInside } from '../prompts/files.ts';
import { openRowTemplate, valuesOf } from '../prompts/row-template.ts';
import { drawnRows, openPromptRows, rowKey } from '../prompts/rows.ts';
import { wholeTemplate } from '../prompts/whole.ts';
import { taskFor } from '../tasks/registry.ts';
import type { AnyTask } from '../tasks/task.ts';
import { templated } from '../tasks/templated.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { projectOf } from './project.ts';

/** A template as a run keeps it: where it is from, and its text with everything that it takes in. */
export interface KeptTemplate {
  path: string;
  text: string;
}

/** Far above any template. */
const MOST_BYTES = 1 << 20;

/**
 * A template as a recipe names it, with the files that it takes in written into its text.
 * @throws LuthierError `prompt-invalid` where there is no such file, or it cannot be filled
 */
export async function readTemplate(path: string): Promise<KeptTemplate> {
  const { text } = await readKeptTemplate(path);
  const folder = dirname(path);
  const whole = await wholeTemplate(basename(path), text, { path, folder, roots: [folder, projectOf(folder)] });
  const bytes = Buffer.byteLength(whole);
  if (bytes <= MOST_BYTES) return { path, text: whole };
  throw new LuthierError(
    'prompt-invalid',
    `${basename(path)} has ${formatBytes(bytes)} with the files that it takes in; a run keeps templates of up to ${formatBytes(MOST_BYTES)}.`,
    'Take in less.',
  );
}

/** A template as it stands in the folder of a model: nothing else is read. @throws LuthierError as readTemplate */
export async function readKeptTemplate(path: string): Promise<KeptTemplate> {
  const text = await readTextFile(path, {
    ...{ code: 'prompt-invalid', noun: 'a template', most: MOST_BYTES, subject: `The template ${path}` },
    ...{ hint: 'Name a .prompty file under “template”.', keepsMark: true },
  });
  refuseFaults(path, text);
  return { path, text };
}

/** @throws LuthierError `prompt-invalid` naming the line of its first error */
function refuseFaults(path: string, text: string): void {
  const fault = parsePrompt(text).problems.find(({ severity }) => severity === 'error');
  if (fault)
    throw new LuthierError('prompt-invalid', problemLine(basename(path), text, fault), 'Correct the template.');
}

/**
 * What a recipe's model learns, its rows read through the template that it names.
 * @param kept the run's own copy of the template, whatever its file says by now
 * @param tokenizer of the model, for what a template cuts to tokens
 * @throws LuthierError as readTemplate and templated
 */
export async function taskOfRecipe(
  recipe: Recipe,
  kept: KeptTemplate | undefined,
  tokenizer: () => Promise<Tokenizer>,
): Promise<AnyTask> {
  const task = taskFor(recipe);
  if (recipe.template === undefined) return task;
  const template = openRowTemplate(kept ?? (await readTemplate(recipe.template)), tokenizer);
  return templated(task, template, recipe.columns);
}

/** Reads a recipe's rows in their parts. */
type LoadRows = (task: AnyTask) => Promise<TaskData<TaskRow>>;

/**
 * The same where the template's examples may have to be drawn yet: they are rows that the run trains on. A row that it
 * holds out is never among them, nor one that gives the template the same, wherever it stands: the answer that is
 * measured would be in the prompt.
 * @param load with a task whose rows have no examples, to learn which are held out
 * @returns also the template as the run is to keep it
 * @throws LuthierError as taskOfRecipe and `load`; `data-invalid` where no row is left to be drawn
 */
export async function learntOfRecipe(
  recipe: Recipe,
  kept: KeptTemplate | undefined,
  { tokenizer, load, note }: { tokenizer: () => Promise<Tokenizer>; load: LoadRows; note?: Note },
): Promise<{ task: AnyTask; template: KeptTemplate | undefined }> {
  if (recipe.template === undefined) return { task: taskFor(recipe), template: undefined };
  const template = kept ?? (await readTemplate(recipe.template));
  const file = parsePrompt(template.text);
  const whole = file.examples && !file.examples.rows ? await drawn(recipe, template, file) : template;
  return { task: await taskOfRecipe(recipe, whole, tokenizer), template: whole };

  async function drawn(recipe: Recipe, { path, text }: KeptTemplate, file: PromptFile): Promise<KeptTemplate> {
    const name = basename(path);
    const keys = new Map<string, string>();
    const bare = await taskOfRecipe(recipe, { path, text: withRows(text, file, []) }, tokenizer);
    const data = await load(noting(bare, file, name, keys));
    const trained = new Set(data.train.map(placeOf));
    const heldOut = new Set([...keys].flatMap(([place, key]) => (trained.has(place) ? [] : [key])));
    const rows = await openPromptRows(await datasetOf(recipe, path, file));
    const examples = drawnRows(rows, file, file.examples!, (key) => heldOut.has(key));
    if (examples.length === 0) {
      throw new LuthierError(
        'data-invalid',
        `${name}: no row is left to be an example: all are held out, or give the template the same as one that is.`,
        'Name another dataset under luthier.examples.dataset, or write the examples into the template (luthier.examples.rows).',
      );
    }
    const { count } = file.examples!;
    note?.(
      examples.length < count ? 'warning' : 'info',
      `${name} shows ${counted(Math.min(count, examples.length), 'example')}, drawn from training rows: rows that are held out are none. The run keeps them with the template.`,
    );
    return { path, text: withRows(text, file, examples) };
  }
}

/** The task with a note of what each row gives the template. */
const noting = (task: AnyTask, file: PromptFile, rendered: string, keys: Map<string, string>): AnyTask => ({
  ...task,
  rows: async (table, columns, options) => {
    const own = table.columns.map((column) => (column === rendered ? '' : column));
    for (const row of table.rows) {
      const { '': _, ...values } = valuesOf(file, own, row);
      keys.set(placeOf({ file: row.file ?? options.file, line: row.line }), rowKey(file, values));
    }
    return await task.rows(table, columns, options);
  },
});

const placeOf = ({ file, line }: Pick<TaskRow, 'file' | 'line'>): string => `${file}\n${line}`;

/** Where examples are drawn from: as the template says, else what is learnt. */
async function datasetOf({ dataset }: Recipe, path: string, file: PromptFile): Promise<string> {
  const named = file.examples?.dataset ?? file.dataset;
  if (named === undefined) return trainingData(dataset);
  const folder = dirname(path);
  return await placeInside(named, folder, [folder, projectOf(folder)]);
}

/** The template with its examples in it. @throws LuthierError `prompt-invalid` */
function withRows(text: string, file: PromptFile, rows: readonly Readonly<Record<string, unknown>>[]): string {
  const place = file.keys.find(({ path }) => path.join('.') === 'luthier.examples')?.value;
  const { count } = file.examples!;
  if (place) {
    const made = rewritten(text, file, { values: [{ range: place, value: { count, rows } }] });
    if (parsePrompt(made).examples?.rows?.length === rows.length) return made;
  }
  throw new LuthierError(
    'prompt-invalid',
    'The examples cannot be written into the run’s copy of the template.',
    'Write them into the template yourself: luthier.examples.rows.',
  );
}
