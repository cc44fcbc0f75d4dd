import { readdir } from 'node:fs/promises';
import { basename, extname, join, resolve, sep } from 'node:path';
import { writeJson } from '../../files/write-file.ts';
import { nameIn } from '../../files/written-path.ts';
import {
  append,
  areNamed,
  CONLL_EXTENSIONS,
  type Columns,
  counted,
  type DataSummary,
  describeCardNeed,
  FIELDS,
  formatBytes,
  formatCompact,
  LuthierError,
  lackingFields,
  largest,
  modelsFor,
  type OtherLearning,
  purposeOf,
  RECIPE_VERSION,
  type Recipe,
  type RecipeInput,
  rateOf,
  recipeKeysOf,
  type StrategySuggestion,
  suggestedFolds,
  suggestedTraining,
  TASKS,
  type TaskName,
  taskNameOf,
  taskOf,
  toErrorData,
} from '../../protocol/index.ts';
import { inspectData } from '../data/inspect.ts';
import { listModels } from '../model-files/list.ts';
import { type LoadedRecipe, loadRecipe, resolveRecipe } from '../recipes/recipe.ts';
import { factsOf } from '../strategies/facts.ts';
import { suggestStrategies } from '../strategies/index.ts';
import type { Facts } from '../strategies/kind.ts';
import { allTasks, taskFor } from '../tasks/registry.ts';
import { askForEncoding } from './encoding.ts';
import { trainCommand } from './findings.ts';
import { duration } from './output.ts';
import { note as box, confirm, intro, isCancel, log, outro, select, text } from './prompts.ts';
import { shortPath } from './run-names.ts';

/** Such as are tables by their nature; JSON and Markdown may be anything, and are named by hand. */
const TABLES = new Set(['.csv', '.tsv', '.jsonl', '.ndjson', ...CONLL_EXTENSIONS.map((name) => `.${name}`)]);
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
 * @param mayFold whether a cross-validation is offered, where few rows would be held out
 * @returns null when the person gave up; `folds` of a cross-validation, null for one training
 */
export async function askForRecipe(
  sets: readonly string[],
  mayFold = true,
): Promise<(LoadedRecipe & { folds: number | null }) | null> {
  intro('Fine-tune a model');
  try {
    const { summary: found, encoding, other } = await askForData();
    const { summary, columns } = await askForColumns(found, encoding);
    const model = await askForModel(summary.task);
    const base = process.cwd();
    const suggestion = await askForStrategy(summary, await factsOf(model, base));
    const recipe: RecipeInput = {
      version: RECIPE_VERSION,
      ...recipeKeysOf(summary.task),
      ...(other?.problem_type === summary.task && other),
      model,
      dataset: nameIn(base, summary.file),
      columns,
      ...(encoding !== undefined && { encoding }),
      strategy: suggestion.strategy,
      ...suggestedTraining(summary.rows, suggestion, model, summary.task),
    };
    const folds = await confirmStart(recipe, base, sets, mayFold);
    const saved = await offerToSave(recipe, summary.file);
    const again = saved === null ? '' : trainCommand({ recipe_path: saved, sets: [...sets] }, shortPath);
    outro(
      saved === null
        ? 'Starting.'
        : `Saved as ${basename(saved)}. Starting. Next time: ${again}${folds === null ? '' : ` --folds ${folds}`}`,
    );
    const loaded = saved === null ? await resolveRecipe(recipe, base, sets) : await loadRecipe(saved, sets);
    return { ...loaded, folds };
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    outro('Nothing was started.');
    return null;
  }
}

/** Asks until a file can be read. */
async function askForData(): Promise<{ summary: DataSummary; encoding?: string; other?: OtherLearning }> {
  const files = await findTables(process.cwd());
  for (;;) {
    const options = [...files.map((name) => ({ value: name, label: name })), { value: OTHER, label: 'Another file…' }];
    let file =
      files.length === 0
        ? OTHER
        : await answer(select({ message: 'Which data should the model learn from?', options }));
    if (file === OTHER)
      file = await answer(
        text({
          message: 'Which file has the labelled texts? (CSV, TSV, JSON, JSON Lines, Markdown table, CoNLL)',
          validate: (path) => (path?.trim() ? undefined : 'Enter the path of a file.'),
        }),
      );
    try {
      const found = await inspectData({ file: resolve(file) }, allTasks);
      const encoding = await askWhereUnsure(found);
      const plain = encoding === undefined ? found : await inspectData({ file: resolve(file), encoding }, allTasks);
      const other = await askWhetherOther(plain);
      const task = other && taskFor({ task: 'text-classification', ...other });
      const summary = task ? await inspectData({ file: resolve(file), encoding, task: task.name }, [task]) : plain;
      const wrong = summary.problems.find(
        (problem) => problem.severity === 'error' && problem.code !== 'missing-column',
      );
      if (wrong === undefined) return { summary, ...(encoding !== undefined && { encoding }), ...(other && { other }) };
      log.error(wrong.message);
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      const { message, hint } = toErrorData(error);
      log.error(hint === undefined ? message : `${message} ${hint}`);
    }
  }
}

/** Whether what looks like several labels in a row, or like a measurement, is to be learnt as that. */
async function askWhetherOther({ problems }: DataSummary): Promise<OtherLearning | undefined> {
  const found = problems.find(({ other }) => other !== undefined);
  if (!found?.other) return undefined;
  log.warn(found.message);
  const { problem_type, label_separator, label_columns } = found.other;
  const labels = label_columns
    ? `from ${label_columns.join(', ')}`
    : label_separator === undefined
      ? 'of each list'
      : `joined by “${label_separator}”`;
  const message =
    problem_type === 'regression' ? 'Learn the numbers (regression)?' : `Learn all labels of a row, ${labels}?`;
  return (await answer(confirm({ message }))) ? found.other : undefined;
}

/** The encoding of a file whose letters may be read in more than one way. */
async function askWhereUnsure({ file, encoding, encoding_guess }: DataSummary): Promise<string | undefined> {
  if (!encoding_guess || encoding_guess.is_sure) return undefined;
  const chosen = await askForEncoding(basename(file), { encoding, ...encoding_guess });
  if (chosen === null) throw new Cancelled();
  return chosen;
}

/** Tables here and one level down, as one would type them. */
async function findTables(folder: string): Promise<string[]> {
  const isTable = (name: string) => TABLES.has(extname(name).toLowerCase());
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile() && isTable(entry.name)) found.push(entry.name);
    if (!entry.isDirectory() || entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const inside = await readdir(join(folder, entry.name)).catch(() => []);
    append(
      found,
      inside.filter(isTable).map((name) => join(entry.name, name)),
    );
  }
  return found.sort((a, b) => a.split(sep).length - b.split(sep).length || (a < b ? -1 : 1));
}

/** Confirms task and columns, or asks for them. */
async function askForColumns(
  found: DataSummary,
  encoding: string | undefined,
): Promise<{ summary: DataSummary; columns: Columns }> {
  if (await isRight(found)) return { summary: found, columns: found.guess };
  const tasks = TASKS.map(({ name, title }) => ({ value: name as TaskName, label: title }));
  const task = await answer(
    select<TaskName>({ message: 'What should the model learn?', options: tasks, initialValue: found.task }),
  );
  if (task === found.task) return { summary: found, columns: await askForEach(found) };
  const summary = await inspectData({ file: found.file, encoding, task }, allTasks);
  return { summary, columns: (await isRight(summary)) ? summary.guess : await askForEach(summary) };
}

/** Shows what was found, where all is there that the task needs, and asks. */
async function isRight({ task, guess, classes: found, rows }: DataSummary): Promise<boolean> {
  if (lackingFields(guess, task).length > 0) return false;
  const { title, row, label } = taskOf(task);
  const classes = found.map((c) => `${c.label} (${c.count})`);
  const shown =
    classes.length > 8 ? [...classes.slice(0, 8), `… ${counted(classes.length, ...label)} in all`] : classes;
  const fields = FIELDS[task].filter(({ name }) => guess[name] !== undefined);
  const width = largest(fields, (field) => field.title.length);
  const lines = fields.map((field) => `${`${field.title}:`.padEnd(width + 1)} ${guess[field.name]}`);
  box([...lines, ...(shown.length > 0 ? [shown.join(', ')] : [])].join('\n'), `${title}: ${counted(rows, row)}`);
  return await answer(confirm({ message: 'Are these the right columns?' }));
}

async function askForEach(summary: DataSummary): Promise<Columns> {
  const options = summary.columns.map(({ name, examples }) => ({ value: name, label: name, hint: examples[0] ?? '' }));
  const fields = FIELDS[summary.task];
  const hasMore = options.length > fields.filter(({ required }) => required).length;
  const columns: Columns = {};
  const replaced = () => fields.flatMap(({ name, replaces = [] }) => (columns[name] === undefined ? [] : replaces));
  for (const { name, title, required } of fields) {
    if ((!required && !hasMore) || replaced().includes(name)) continue;
    if (!required && Object.keys(columns).length === options.length) continue;
    const message = `Which column has the ${title}?`;
    const free = options.filter(({ value }) => !Object.values(columns).includes(value));
    const guess = free.find(({ value }) => value === summary.guess[name]);
    const none = { value: '', label: 'None', hint: `no ${title}` };
    const initialValue = guess?.value ?? (required ? undefined : none.value);
    const chosen = await answer(
      select({
        message,
        options: required ? free : [none, ...free],
        ...(initialValue !== undefined && { initialValue }),
      }),
    );
    if (chosen !== none.value) columns[name] = chosen;
  }
  return columns;
}

/** Its name as the recipe writes it; asks only where there is a choice. */
async function askForModel(task: TaskName): Promise<string> {
  const models = modelsFor(task, await listModels([process.cwd()]))
    .filter((model) => model.source !== 'run' && model.problem === null)
    .map((model) => ({
      ...model,
      name: model.source === 'folder' ? nameIn(process.cwd(), model.path) : model.name,
    }));
  const [first] = models;
  if (first === undefined) {
    throw new LuthierError(
      'model-not-found',
      'There is no base model on this machine.',
      'Download one: luthier models download google-bert/bert-base-uncased',
    );
  }
  if (models.length === 1) return first.name;
  const options = models.map((model) => ({
    value: model.name,
    label: model.name,
    hint: `${purposeOf(model)} · ${formatCompact(model.num_parameters)} parameters`,
  }));
  return answer(select<string>({ message: 'Which base model?', options }));
}

/** @param rows decide which is recommended */
async function askForStrategy(summary: DataSummary, about: Facts): Promise<StrategySuggestion> {
  const { rows, task, classes } = summary;
  const facts = { ...about, classes: classes.length, named: areNamed(summary) };
  const options = suggestStrategies(rows, facts, task).map((suggestion) => ({
    value: suggestion,
    label: suggestion.isRecommended ? `${suggestion.title} (recommended)` : suggestion.title,
    hint: suggestion.reason ? `${suggestion.detail} Recommended: ${suggestion.reason}.` : suggestion.detail,
  }));
  return answer(select<StrategySuggestion>({ message: 'Which parameters should be trained?', options }));
}

/** Says what it will take, and goes on when the person agrees: with the folds of a cross-validation, null for one training. */
async function confirmStart(
  recipe: RecipeInput,
  base: string,
  sets: readonly string[],
  mayFold: boolean,
): Promise<number | null> {
  const loaded = await resolveRecipe(recipe, base, sets);
  const [{ estimateRun }, { measureMachine }] = await Promise.all([
    import('../train/estimate-run.ts'),
    import('../tensor/executors/status.ts'),
  ]);
  const estimate = await estimateRun({ ...loaded, machine: await measureMachine(loaded.recipe.backend) });
  const lines = [
    `${counted(estimate.rows - estimate.validation_rows, `training ${taskOf(recipe.task).row}`)}, ${estimate.validation_rows.toLocaleString('en')} held out for validation`,
    paceOf(loaded.recipe, estimate.total_steps),
    `about ${duration(estimate.seconds)} and ${formatBytes(estimate.peak_memory_bytes)} of memory`,
    ...(estimate.card ? [describeCardNeed(estimate.card)] : []),
    ...estimate.problems
      .filter(({ severity, code }) => severity !== 'info' || code === 'pairs' || code === 'label-templates')
      .map(({ message }) => message),
  ];
  box(lines.join('\n'), 'Estimate');
  const task = taskOf(taskNameOf(loaded.recipe));
  const folds = mayFold ? suggestedFolds(estimate, task) : null;
  if (folds === null) {
    if (!(await answer(confirm({ message: 'Start training?' })))) throw new Cancelled();
    return null;
  }
  const chosen = await answer(
    select<'folds' | 'once' | 'no'>({
      message: `Start training? Only ${counted(estimate.validation_rows, task.row)} would be held out for validation, which says little.`,
      options: [
        {
          value: 'folds',
          label: `Cross-validate with ${folds} folds (recommended)`,
          hint: `measures all ${counted(estimate.rows, task.row)}, trains ${folds + 1} times`,
        },
        { value: 'once', label: 'Train once' },
        { value: 'no', label: 'No' },
      ],
    }),
  );
  if (chosen === 'no') throw new Cancelled();
  return chosen === 'folds' ? folds : null;
}

/** Epochs, steps and learning rate, as far as the strategy goes by them: pairs have their own, a solved head has none. */
function paceOf(recipe: Recipe, steps: number): string {
  const rate = rateOf(recipe);
  if (rate === null) return 'the classifier is solved in one step';
  const epochs = rate.key === 'learning_rate' ? [counted(recipe.num_train_epochs, 'epoch')] : [];
  return [...epochs, counted(steps, 'step'), `${rate.key} ${rate.value}`].join(', ');
}

async function offerToSave(recipe: RecipeInput, dataFile: string): Promise<string | null> {
  const name = `${basename(dataFile, extname(dataFile))}.recipe.json`;
  const exists = (await readdir(process.cwd())).includes(name);
  const message = exists ? `Replace ${name} with this recipe?` : `Save these answers as ${name}?`;
  if (!(await answer(confirm({ message, initialValue: !exists })))) return null;
  const path = join(process.cwd(), name);
  await writeJson(path, recipe);
  return path;
}
