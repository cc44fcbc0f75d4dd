import { rm } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import type { Columns, DataSummary, RecipeInput, RunEstimate } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { slug, uniqueName } from '../datasets/names.ts';
import { HostError } from '../errors.ts';
import { listFolder, writeFileAtomic } from '../files.ts';
import { RECIPE_SUFFIX } from '../ids.ts';
import { BACK, type Choice, Questions, separator } from '../questions.ts';
import { blockingProblem, type Method, methods, recipeText, suggestRecipe, summaryLines } from '../recipes/suggest.ts';
import { HOME } from '../runs/store.ts';
import { setting } from '../settings.ts';
import { askColumns } from './columns.ts';
import { askModel } from './models.ts';
import { requireTrust } from './select.ts';
import { columnsOf, findSource, type Source } from './source.ts';
import { startRecipe } from './start.ts';

const TITLE = 'Fine-tune on Selection';
const STEPS = 4;

interface Answers {
  columns: Columns;
  model: string;
  method: Method;
}

/** Selection or document to running fine-tuning: columns, model, method, then a summary before anything starts. */
export async function fineTuneSelection(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const source = await findSource(luthier, args);
  const questions = new Questions(TITLE);
  try {
    const summary = await questions.work(`Reading ${basename(source.data.file)}…`, async (signal) => {
      const known = await columnsOf(luthier, source);
      const columns = known ? { columns: known } : {};
      return await luthier.engine.service.request('data/inspect', { ...source.data, ...columns }, { signal });
    });
    refuse(summary);
    const project = await luthier.homes.projectFor(source.uri);
    let answers: Answers | null = null;
    for (;;) {
      answers = await askAll(luthier, questions, summary, answers);
      const path = await summarise(luthier, questions, source, summary, project, answers);
      if (path === BACK) continue;
      questions.dispose();
      if (path) await startRecipe(luthier, path, join(project, HOME));
      return;
    }
  } finally {
    questions.dispose();
  }
}

/** From the data sets' tree: all rows of one. */
export async function fineTuneDataset(luthier: Luthier, ...args: unknown[]): Promise<void> {
  await fineTuneSelection(luthier, ...args);
}

function refuse(summary: DataSummary): void {
  // A column that could not be guessed is asked for, as long as there are columns to choose from.
  const askable = summary.columns.length >= 2 ? 'missing-column' : '';
  const error = summary.problems.find(({ severity, code }) => severity === 'error' && code !== askable);
  if (error) {
    const where = error.line === undefined ? '' : ` (line ${error.line})`;
    throw new HostError('data-invalid', `${error.message}${where}`);
  }
  if (summary.rows === 0) {
    throw new HostError('data-invalid', 'There are no rows to learn from.', 'Select rows with texts and labels.');
  }
}

/** The three questions, with a way back from each; `before` holds the answers of an earlier round. */
async function askAll(
  luthier: Luthier,
  questions: Questions,
  summary: DataSummary,
  before: Answers | null,
): Promise<Answers> {
  let step = before ? 3 : 1;
  let columns: Columns = before?.columns ?? {};
  let model = before?.model ?? '';
  for (;;) {
    const position = { step, totalSteps: STEPS, canGoBack: step > 1 };
    if (step === 1) {
      const answer = await askColumns(questions, summary, position);
      if (answer === BACK) continue;
      columns = answer;
      step = 2;
    } else if (step === 2) {
      const answer = await askModel(luthier, questions, position);
      if (answer !== BACK) model = answer;
      step = answer === BACK ? 1 : 3;
    } else {
      const items = methods(summary.rows).map(
        (method, i): Choice<Method> => ({
          label: method.label,
          ...(i === 0 ? { description: 'recommended' } : {}),
          detail: method.detail,
          value: method,
        }),
      );
      const answer = await questions.ask({ ...position, placeholder: 'How it learns', items });
      if (answer === BACK) step = 2;
      else return { columns, model, method: answer };
    }
  }
}

type Decision = 'start' | 'edit';

/**
 * Writes what the estimate needs and shows it. Gives the recipe to start, or nothing when it is to be edited first.
 * What was written goes again when the person turns back.
 */
async function summarise(
  luthier: Luthier,
  questions: Questions,
  source: Source,
  summary: DataSummary,
  project: string,
  { columns, model, method }: Answers,
): Promise<string | typeof BACK | undefined> {
  const home = join(project, HOME);
  const { service } = luthier.engine;
  const made = source.file
    ? null
    : await questions.work('Writing the data set…', async (signal) => {
        const taken = (await listFolder(join(home, 'datasets'))).map(({ name }) => name);
        const name = uniqueName(slug(source.name), taken);
        return await service.request('data/create', { ...source.data, folder: home, name, columns }, { signal });
      });
  let kept = false;
  try {
    const recipe = suggestRecipe({
      model,
      dataset: made ? made.record.name : toRecipePath(source.file!, project),
      columns: made ? {} : columns,
      rows: made?.record.rows ?? summary.rows,
      method,
      backend: setting('luthier.backend'),
    });
    const estimate = await questions.work('Estimating time and memory…', (signal) =>
      service.request('run/estimate', { recipe, base: project }, { signal }),
    );
    const decision = await showSummary(questions, source, estimate);
    if (decision === BACK) return BACK;
    const path = await writeRecipe(project, made?.record.name ?? slug(source.name), recipe);
    kept = true;
    if (made) luthier.datasets.refresh();
    if (decision === 'start') return path;
    await vscode.window.showTextDocument(vscode.Uri.file(path));
    return undefined;
  } finally {
    if (made && !kept) await rm(made.path, { recursive: true, force: true });
  }
}

async function showSummary(
  questions: Questions,
  source: Source,
  estimate: RunEstimate,
): Promise<Decision | typeof BACK> {
  const blocked = blockingProblem(estimate);
  const start: Choice<Decision> = {
    label: '$(play) Start fine-tuning',
    description: [basename(source.data.file), source.lines].filter(Boolean).join(', '),
    value: 'start',
  };
  const edit: Choice<Decision> = { label: '$(edit) Edit the recipe first', value: 'edit' };
  const lines = summaryLines(estimate).map(
    ({ icon, text, detail }): Choice<Decision> => ({
      label: `$(${icon}) ${text}`,
      ...(detail ? { detail } : {}),
      alwaysShow: true,
    }),
  );
  const answer = await questions.ask<Decision>({
    step: STEPS,
    totalSteps: STEPS,
    canGoBack: true,
    placeholder: blocked ? 'This cannot start as it is' : 'Enter starts it',
    items: [...(blocked ? [] : [start]), edit, separator('What it will take'), ...lines],
    active: blocked ? edit : start,
  });
  return answer;
}

/** The recipe as a file in the project folder, so that it can be read, edited and trained again, here or in a terminal. */
async function writeRecipe(project: string, name: string, recipe: RecipeInput): Promise<string> {
  const taken = (await listFolder(project)).map((entry) => entry.name.replace(RECIPE_SUFFIX, ''));
  const path = join(project, `${uniqueName(name, taken)}${RECIPE_SUFFIX}`);
  try {
    await writeFileAtomic(path, recipeText(recipe));
  } catch (error) {
    throw new HostError(
      'not-writable',
      `The recipe could not be written to ${project}: ${(error as Error).message}`,
      'Open a folder that you may write to.',
    );
  }
  return path;
}

/** A file as a recipe in `project` names it: relative with forward slashes where it is inside. */
function toRecipePath(file: string, project: string): string {
  const within = relative(project, file);
  return within.startsWith('..') || within === file ? file : within.split(sep).join('/');
}
