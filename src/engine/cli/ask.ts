import { readdir } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { note as box, confirm, intro, isCancel, log, outro, select, text } from '@clack/prompts';
import type { Columns, DataSummary, RecipeInput, Strategy } from '../../protocol/index.ts';
import { inspectData } from '../data/inspect.ts';
import { LuthierError, toErrorData } from '../errors.ts';
import { readJsonRecord } from '../hub/json-file.ts';
import { CONFIG_FILE } from '../hub/model-folder.ts';
import { writeFileAtomically } from '../hub/write-file.ts';
import { listModels } from '../service/models.ts';
import { type LoadedRecipe, loadRecipe, resolveRecipe } from '../train/recipe.ts';
import { strategySchema } from '../train/recipe-schema.ts';

const DATA_FILES = new Set(['.csv', '.tsv', '.jsonl', '.ndjson', '.json', '.md']);
const OTHER = '\0other';

class Cancelled extends Error {}

/** The answer, unless the person pressed Escape or Ctrl-C. */
async function answer<T>(question: Promise<T>): Promise<Exclude<T, symbol>> {
  const value = await question;
  if (isCancel(value)) throw new Cancelled();
  return value as Exclude<T, symbol>;
}

/**
 * Asks what a recipe needs and offers to save it.
 * @param sets `--set key=value` from the command line, which the answers do not override
 * @returns null when the person gave up
 */
export async function askForRecipe(sets: readonly string[]): Promise<LoadedRecipe | null> {
  intro('Fine-tune a model');
  try {
    const summary = await askForData();
    const columns = await askForColumns(summary);
    const model = await askForModel();
    const strategy = await askForStrategy(await countLayers(model.path));
    const base = process.cwd();
    const recipe: RecipeInput = {
      task: 'text-classification',
      model: model.name,
      dataset: relativeTo(base, summary.file),
      columns,
      strategy,
      // What peft's own examples of sequence classification use: adapters begin at zero.
      ...(strategy.type === 'lora' ? { learning_rate: 1e-3 } : {}),
    };
    const saved = await offerToSave(recipe, summary.file);
    outro(
      saved === null
        ? 'Starting.'
        : `Saved as ${basename(saved)}. Starting; next time: luthier train ${basename(saved)}`,
    );
    return saved === null ? await resolveRecipe(recipe, base, sets) : await loadRecipe(saved, sets);
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    outro('Nothing was started.');
    return null;
  }
}

const relativeTo = (base: string, path: string): string =>
  path.startsWith(`${base}/`) ? path.slice(base.length + 1) : path;

/** Asks until a file can be read. */
async function askForData(): Promise<DataSummary> {
  const here = (await readdir(process.cwd())).filter((name) => DATA_FILES.has(extname(name).toLowerCase())).sort();
  const files = here.filter((name) => !name.endsWith('.recipe.json') && name !== 'package.json');
  for (;;) {
    const options = [...files.map((name) => ({ value: name, label: name })), { value: OTHER, label: 'Another file…' }];
    let file = files.length === 0 ? OTHER : await answer(select({ message: 'What shall it learn from?', options }));
    if (file === OTHER) file = await answer(text({ message: 'File with labelled texts', placeholder: 'rows.csv' }));
    try {
      const summary = await inspectData({ file: resolve(file) });
      const wrong = summary.problems.find(
        (problem) => problem.severity === 'error' && problem.code !== 'missing-column',
      );
      if (wrong === undefined) return summary;
      log.error(wrong.message);
    } catch (error) {
      const { message, hint } = toErrorData(error);
      log.error(hint === undefined ? message : `${message} ${hint}`);
    }
  }
}

async function askForColumns(summary: DataSummary): Promise<Columns> {
  const { text: textColumn, label } = summary.guess;
  if (textColumn !== undefined && label !== undefined) {
    const classes = summary.classes.map((c) => `${c.label} (${c.count})`);
    const shown = classes.length > 8 ? [...classes.slice(0, 8), `… ${classes.length} in all`] : classes;
    box(`text:  ${textColumn}\nclass: ${label}\n       ${shown.join(', ')}`, `${summary.rows} rows`);
    if (await answer(confirm({ message: 'Are these the right columns?' }))) return { text: textColumn, label };
  }
  const options = summary.columns.map(({ name, examples }) => ({ value: name, label: name, hint: examples[0] ?? '' }));
  const chosen = await answer(select({ message: 'Which column holds the text?', options }));
  const rest = options.filter((option) => option.value !== chosen);
  return { text: chosen, label: await answer(select({ message: 'Which column holds the class?', options: rest })) };
}

interface ChosenModel {
  /** As the recipe names it. */
  name: string;
  path: string;
}

/** Only where there is a choice. */
async function askForModel(): Promise<ChosenModel> {
  const models = (await listModels([process.cwd()]))
    .filter((model) => model.source !== 'run')
    .map((model) => ({
      ...model,
      name: model.source === 'folder' ? relativeTo(process.cwd(), model.path) : model.name,
    }));
  const [first] = models;
  if (first === undefined) {
    throw new LuthierError(
      'model-not-found',
      'There is no model here to start from.',
      'luthier models download google-bert/bert-base-uncased fetches one.',
    );
  }
  if (models.length === 1) return first;
  const options = models.map((model) => ({
    value: model,
    label: model.name,
    hint: `${(model.num_parameters / 1e6).toFixed(0)} M parameters`,
  }));
  return answer(select<ChosenModel>({ message: 'Which model shall it start from?', options }));
}

async function countLayers(model: string): Promise<number> {
  const { num_hidden_layers } = await readJsonRecord(join(model, CONFIG_FILE));
  return typeof num_hidden_layers === 'number' ? num_hidden_layers : 2;
}

async function askForStrategy(layers: number): Promise<Strategy> {
  const type = await answer(
    select<Strategy['type']>({
      message: 'What shall be trained?',
      options: [
        { value: 'full', label: 'Every parameter', hint: 'best results' },
        { value: 'freeze', label: 'The upper half of the layers', hint: 'faster, less memory' },
        { value: 'lora', label: 'Small adapters beside the layers (LoRA)', hint: 'faster, least memory and disk' },
        { value: 'head', label: 'The classifier alone', hint: 'seconds; for a first look' },
      ],
    }),
  );
  if (type === 'freeze') return { type, num_frozen_layers: Math.max(1, Math.floor(layers / 2)) };
  return type === 'lora' ? strategySchema.parse({ type }) : { type };
}

async function offerToSave(recipe: RecipeInput, dataFile: string): Promise<string | null> {
  const name = `${basename(dataFile, extname(dataFile))}.recipe.json`;
  const exists = (await readdir(process.cwd())).includes(name);
  const message = exists ? `Replace ${name} with this recipe?` : `Save these answers as ${name}?`;
  if (!(await answer(confirm({ message, initialValue: !exists })))) return null;
  const path = join(process.cwd(), name);
  await writeFileAtomically(path, async (file) => {
    await file.writeFile(`${JSON.stringify(recipe, null, 2)}\n`);
  });
  return path;
}
