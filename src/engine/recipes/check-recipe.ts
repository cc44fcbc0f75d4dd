import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { exists } from '../../files/folders.ts';
import { writtenPath } from '../../files/written-path.ts';
import {
  type Columns,
  counted,
  type DataSummary,
  LuthierError,
  lackingFields,
  type Pooling,
  type RecipeProblem,
  type Search,
  type Strategy,
  taskOf,
} from '../../protocol/index.ts';
import { nearest } from '../../protocol/nearest.ts';
import { inspectData } from '../data/inspect.ts';
import { readsFolders, resolveDataset } from '../data/resolve.ts';
import { openModelFolder, refusePrompt } from '../hub/model-folder.ts';
import { nearModel, resolveModel } from '../hub/resolve.ts';
import { tokensTaken } from '../models/architecture.ts';
import { mapWeights } from '../models/names.ts';
import { architectureOf } from '../models/registry.ts';
import { LackingColumn, unrendered } from '../prompts/row-template.ts';
import { architectureFor, isTrainedBy } from '../strategies/apply.ts';
import { pretrainingOf, WrongKey } from '../strategies/index.ts';
import { taskFor } from '../tasks/registry.ts';
import type { AnyTask } from '../tasks/task.ts';
import { templated } from '../tasks/templated.ts';
import { checkText, type Places } from './check-recipe-text.ts';
import { missingFile } from './missing-file.ts';
import { withoutOddLengths } from './odd-lengths.ts';
import { requirePooling } from './pooling.ts';
import { recipeSchema } from './recipe-schema.ts';
import { DEFAULT_BATCH } from './schedule.ts';
import { type KeptTemplate, readTemplate } from './template.ts';

export interface CheckOptions {
  text: string;
  /** Folder of the recipe's file: relative names are looked up from it. */
  base: string;
  cacheFolder?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Data files up to this size are read whole while a recipe is typed; of larger ones it is said that they were not. */
const MOST_BYTES = 64e6;
/** What the files of the last recipes hold. */
const MOST_SUMMARIES = 8;

type Keys = readonly PropertyKey[];

/** Checks recipes as they are typed: their words, and the model, files and columns that they name. */
export class RecipeChecker {
  private readonly summaries = new Map<string, DataSummary>();

  async check({ text, base, cacheFolder, signal }: CheckOptions): Promise<RecipeProblem[]> {
    const { problems, places, value } = checkText(text);
    if (places === null || typeof value !== 'object' || value === null) return problems;
    const given = value as Record<string, unknown>;
    // Of a recipe with a fault, what is right is checked all the same.
    const { shape } = recipeSchema;
    const part = <K extends keyof typeof shape>(key: K) => {
      const parsed = shape[key].safeParse(withoutOddLengths(given[key]));
      return parsed.success ? (parsed.data as ReturnType<(typeof shape)[K]['parse']>) : undefined;
    };
    const model = part('model');
    const dataset = part('dataset');
    const plain = taskFor({
      task: part('task') ?? 'text-classification',
      problem_type: part('problem_type'),
      label_separator: part('label_separator'),
      label_columns: part('label_columns'),
    });
    const template = part('template');
    const read = template === undefined ? null : await readTemplateOf(template, base, places);
    const columns = part('columns') ?? {};
    let task = plain;
    if (read?.kept) {
      try {
        task = templated(plain, unrendered(read.kept), columns);
      } catch (error) {
        problems.push(said(error, 'template', places.value(['template'])));
      }
    } else if (read) problems.push(read.problem);
    const found = await Promise.all([
      model === undefined
        ? []
        : checkModel({
            ...{ task, model, strategy: part('strategy'), pooling: part('pooling'), maxLength: part('max_length') },
            ...{ base, cacheFolder, places },
          }),
      checkSearched(part('search'), { base, cacheFolder, places }),
      checkPretraining(part('strategy'), base, places),
      // Without its template nothing can be said of the rows.
      dataset === undefined || (template !== undefined && task === plain)
        ? []
        : this.#checkData({
            task,
            dataset,
            columns,
            batch: 'per_device_train_batch_size' in given ? part('per_device_train_batch_size') : undefined,
            split: part('validation_split') ?? 0,
            base,
            places,
            signal,
          }),
    ]);
    signal?.throwIfAborted();
    return [...problems, ...found.flat()];
  }

  async #checkData(options: DataOptions): Promise<RecipeProblem[]> {
    const { dataset, columns, batch, split, base, places } = options;
    const references: [Keys, string][] =
      typeof dataset === 'string'
        ? [[['dataset'], dataset]]
        : Object.entries(dataset).map(([name, file]) => [['dataset', name], file]);
    const problems: RecipeProblem[] = [];
    let train: Awaited<ReturnType<typeof resolveDataset>> | undefined;
    for (const [keys, reference] of references) {
      try {
        const resolved = await resolveDataset(keys.length === 1 ? reference : { train: reference }, base, {
          takesFolders: readsFolders(options.task.name),
        });
        if (keys.length === 1 || keys[1] === 'train') train = resolved;
      } catch (error) {
        const missing = await missingFile('file or dataset', reference, keys, { base, places });
        const { fixes } = missing;
        const refused = said(error, 'missing-file', places.value(keys), { fixes });
        problems.push((await exists(resolve(base, reference))) ? refused : missing);
      }
    }
    if (!train) return problems;
    const [keys] = references.find(([path]) => path.length === 1 || path[1] === 'train')!;
    const place = places.value(keys);
    const { file } = train.parts.train;
    try {
      const { size } = await stat(file);
      if (size > MOST_BYTES) {
        const message = `${basename(file)} is ${(size / 1e6).toFixed(0)} MB in size: its columns and rows are checked when the run starts.`;
        return [...problems, { ...place, severity: 'info', code: 'data', message, fixes: [], choices: [] }];
      }
      const { task, signal } = options;
      const plain = await this.#inspect(file, task, train.columns, signal);
      const names = plain.columns.map(({ name }) => name);
      const absent = absentColumns(columns, names, basename(file), places);
      if (absent.length > 0) return [...problems, ...absent];
      const summary =
        Object.keys(columns).length === 0
          ? plain
          : await this.#inspect(file, task, { ...train.columns, ...columns }, signal);
      return [
        ...problems,
        ...dataProblems(summary, place, places),
        ...tooFewRows(summary, batch, split, basename(file), places),
      ];
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof LackingColumn) {
        const at = places.value(['template']);
        return [...problems, { ...said(error, 'missing-column', at), hint: error.hint ?? '' }];
      }
      const at = Object.keys(columns).length > 0 ? places.value(['columns']) : place;
      return [...problems, said(error, 'data', at)];
    }
  }

  /** @throws LuthierError as inspectData */
  async #inspect(file: string, task: AnyTask, columns: Columns, signal: AbortSignal | undefined): Promise<DataSummary> {
    const { mtimeMs, size } = await stat(file);
    const key = JSON.stringify([file, mtimeMs, size, task.name, task.how, task.template?.text, columns]);
    const known = this.summaries.get(key);
    if (known) return known;
    const summary = await inspectData({ file, task: task.name, columns, signal }, [task]);
    this.summaries.set(key, summary);
    for (const old of [...this.summaries.keys()].slice(0, -MOST_SUMMARIES)) this.summaries.delete(old);
    return summary;
  }
}

interface DataOptions {
  task: AnyTask;
  dataset: string | { train: string; validation?: string; test?: string };
  columns: Columns;
  batch: number | undefined;
  /** Share of the training file that is held out. */
  split: number;
  base: string;
  places: Places;
  signal: AbortSignal | undefined;
}

interface ModelOptions {
  task: AnyTask;
  model: string;
  strategy: Strategy | undefined;
  pooling: Pooling | undefined;
  maxLength: number | undefined;
  base: string;
  cacheFolder: string | undefined;
  places: Places;
}

/** Where a model is, or what is wrong where it is not on this machine. @param keys where the recipe names it */
async function placeOfModel(
  model: string,
  keys: Keys,
  { base, cacheFolder, places }: Pick<ModelOptions, 'base' | 'cacheFolder' | 'places'>,
): Promise<{ path: string } | { problem: RecipeProblem }> {
  try {
    return await resolveModel(model, { base, cacheFolder });
  } catch (error) {
    const near = await nearModel(model, { base, cacheFolder });
    const fixes = near === undefined ? [] : [{ ...places.replace(keys, near), preferred: true }];
    const choices = [places.choice(keys, 'model', 'Choose a model…')];
    return { problem: said(error, 'missing-model', places.value(keys), { fixes, choices }) };
  }
}

/** Models among which a search chooses that are not on this machine. */
async function checkSearched(
  search: Search | undefined,
  options: Pick<ModelOptions, 'base' | 'cacheFolder' | 'places'>,
): Promise<RecipeProblem[]> {
  const values = search?.values.model;
  const models = Array.isArray(values) ? values : [];
  const found = await Promise.all(
    models.map((model, i) =>
      typeof model === 'string' ? placeOfModel(model, ['search', 'values', 'model', i], options) : { path: '' },
    ),
  );
  return found.flatMap((one) => ('problem' in one ? [one.problem] : []));
}

/** Whether the model is there, can be trained, and has the layers and positions that the recipe speaks of. */
async function checkModel(options: ModelOptions): Promise<RecipeProblem[]> {
  const { task, model, strategy, pooling, maxLength, places } = options;
  const at = places.value(['model']);
  const choices = [places.choice(['model'], 'model', 'Choose a model…')];
  const found = await placeOfModel(model, ['model'], options);
  if ('problem' in found) return [found.problem];
  const { path } = found;
  try {
    const folder = await openModelFolder(path);
    await folder.weights.close();
    refusePrompt(folder);
    let architecture = architectureOf(folder.config, join(path, 'config.json'), task);
    const problems: RecipeProblem[] = [];
    if (strategy) {
      try {
        const stored = mapWeights(architecture, folder.weights.names()).files;
        architecture = architectureFor(strategy, architecture, (name) => stored.has(name));
        isTrainedBy(strategy, architecture);
      } catch (error) {
        if (!(error instanceof WrongKey)) throw error;
        const keys = ['strategy', error.key];
        const fixes = error.instead === undefined ? [] : [places.replace(keys, error.instead)];
        problems.push(said(error, 'wrong-value', places.value(keys), { fixes }));
      }
    }
    if (pooling !== undefined && strategy) {
      try {
        requirePooling(folder, architecture, { pooling, strategy });
      } catch (error) {
        problems.push(said(error, 'wrong-value', places.value(['pooling'])));
      }
    }
    if (maxLength !== undefined && maxLength > architecture.maxPositions && places.has(['max_length'])) {
      problems.push({
        severity: 'warning',
        code: 'wrong-value',
        message: `max_length is ${maxLength}, but the model takes at most ${tokensTaken(architecture)}; ${architecture.maxPositions} is used.`,
        ...places.value(['max_length']),
        fixes: [{ ...places.replace(['max_length'], architecture.maxPositions), preferred: true }],
        choices: [],
      });
    }
    return problems;
  } catch (error) {
    return [said(error, 'model', at, { choices })];
  }
}

/** The recipe's template, or what is wrong with it. */
async function readTemplateOf(
  template: string,
  base: string,
  places: Places,
): Promise<{ kept: KeptTemplate } | { kept: null; problem: RecipeProblem }> {
  const keys = ['template'];
  const at = places.value(keys);
  const path = await writtenPath(base, template);
  if (await exists(path)) {
    try {
      return { kept: await readTemplate(path) };
    } catch (error) {
      return { kept: null, problem: said(error, 'template', at) };
    }
  }
  const problem = await missingFile('template', template, keys, { base, places }, /\.prompty$/i);
  return { kept: null, problem };
}

/** Whether the texts are there that a prompt is pre-trained on. */
async function checkPretraining(
  strategy: Strategy | undefined,
  base: string,
  places: Places,
): Promise<RecipeProblem[]> {
  const file = pretrainingOf(strategy)?.dataset;
  if (file === undefined || (await exists(await writtenPath(base, file)))) return [];
  const keys = ['strategy', 'pretraining_dataset'];
  const isOne = /\.(csv|tsv|jsonl|ndjson|txt)$/i;
  return [await missingFile('file', file, keys, { base, places }, isOne)];
}

/** Columns that the recipe names and the file lacks. */
function absentColumns(columns: Columns, names: string[], file: string, places: Places): RecipeProblem[] {
  return Object.entries(columns).flatMap(([field, name]): RecipeProblem[] => {
    if (name === undefined || names.includes(name)) return [];
    const keys = ['columns', field];
    const near = nearest(name, names, Math.max(2, name.length / 2));
    return [
      {
        severity: 'error',
        code: 'missing-column',
        message: `${file} has no column "${name}"${near === undefined ? '.' : `; did you mean "${near}"?`}`,
        hint: `Its columns are ${names.slice(0, 20).join(', ')}.`,
        ...places.value(keys),
        fixes: near === undefined ? [] : [{ ...places.replace(keys, near), preferred: true }],
        choices: [places.choice(keys, 'column', 'Choose a column…', names)],
      },
    ];
  });
}

/** What keeps the file's rows from being trained on. */
function dataProblems(summary: DataSummary, place: { start: number; end: number }, places: Places): RecipeProblem[] {
  const names = summary.columns.map(({ name }) => name);
  const unknown = lackingFields(summary.guess, summary.task);
  return summary.problems
    .filter(({ severity }) => severity === 'error')
    .slice(0, 5)
    .map(({ code, message }): RecipeProblem => {
      const choices =
        code === 'missing-column'
          ? unknown.map(({ name, title }) =>
              places.choice(['columns', name], 'column', `Choose the column with the ${several(title)}…`, names),
            )
          : [];
      return { severity: 'error', code: 'data', message, ...place, fixes: [], choices };
    });
}

/**
 * A batch that is larger than all rows is refused, one of the default size made smaller (recipes/schedule.ts); how many
 * rows are for training, only the split itself knows.
 */
function tooFewRows(
  summary: DataSummary,
  batch: number | undefined,
  split: number,
  file: string,
  places: Places,
): RecipeProblem[] {
  if (batch === undefined || summary.rows === 0 || batch <= summary.rows) return [];
  const { row } = taskOf(summary.task);
  const keys = ['per_device_train_batch_size'];
  const fitting = 2 ** Math.floor(Math.log2(Math.max(1, summary.rows * (1 - split))));
  const isMadeSmaller = batch === DEFAULT_BATCH;
  return [
    {
      severity: isMadeSmaller ? 'warning' : 'error',
      code: 'wrong-value',
      message: `per_device_train_batch_size is ${batch}, but ${file} has only ${counted(summary.rows, row)}${isMadeSmaller ? `; each batch will have all training ${row}s` : ''}.`,
      ...places.value(keys),
      fixes: [
        { title: `Set per_device_train_batch_size to ${fitting}`, edits: places.set(keys, fitting), preferred: true },
      ],
      choices: [],
    },
  ];
}

/** Titles of fields as several: texts; words, which they are already. */
const several = (title: string): string => (title.endsWith('s') ? title : `${title}s`);

/** An error of the engine's as a problem. @throws what is none */
function said(
  error: unknown,
  code: RecipeProblem['code'],
  place: { start: number; end: number },
  more: Partial<Pick<RecipeProblem, 'fixes' | 'choices'>> = {},
): RecipeProblem {
  if (!(error instanceof LuthierError)) throw error;
  const { message, hint } = error;
  return { severity: 'error', code, message, ...(hint ? { hint } : {}), ...place, fixes: [], choices: [], ...more };
}
