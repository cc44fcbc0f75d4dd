import { basename, dirname, join, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { exists, listFolder } from '../../files/folders.ts';
import { slug, uniqueName } from '../../files/names.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import { nameIn, writtenPath } from '../../files/written-path.ts';
import { HOME } from '../../guard/index.ts';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import {
  type Columns,
  type DataSummary,
  FEW_ROWS_FOLDS,
  type RecipeInput,
  type RunEstimate,
  type StrategySuggestion,
  type TaskName,
  taskOf,
} from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { HostError, isCancelled, toHostError } from '../errors.ts';
import { RECIPE_SUFFIX } from '../ids.ts';
import { templateOf } from '../prompts/documents.ts';
import { BACK, type Choice, type Notice, type Position, Questions, separator } from '../questions.ts';
import { blockingProblem, recipeText, suggestRecipe, summaryLines } from '../recipes/suggest.ts';
import { setting } from '../settings.ts';
import { datasetItem } from './datasets.ts';
import { foldsChoice } from './folds.ts';
import { askMethod } from './method.ts';
import { askModel, noticeOf } from './models.ts';
import { templateFor } from './prompts.ts';
import { inspect } from './reading.ts';
import { requireTrust } from './select.ts';
import { startRecipe } from './start.ts';

/** A template to running fine-tuning: dataset, task, column of answers, model and method; the recipe stands beside it. */
export async function useTemplateInTraining(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const document = await templateFor(args[0]);
  if (document.uri.scheme !== 'file')
    throw new HostError('usage', 'A recipe names its template as a file.', 'Save the template first.');
  const name = basename(document.fileName);
  if (document.isDirty && !(await document.save()))
    throw new HostError('not-writable', `${name} could not be saved.`, 'Save it, then try again.');
  await luthier.load();
  const questions = new Questions(`Use ${name} in Training`);
  try {
    const { path, folds } = await new Flow(luthier, questions, document.fileName, templateOf(document)!).play();
    questions.dispose();
    if (path) await startRecipe(luthier, path, join(await luthier.homes.projectFor(document.uri), HOME), { folds });
  } finally {
    questions.dispose();
  }
}

/** In their order. */
const STEPS = ['data', 'task', 'answer', 'model', 'method', 'summary'] as const;
type Step = (typeof STEPS)[number];

/** `skipped`: nothing was asked, and nobody comes back to it. */
/** The recipe to start, as a cross-validation where it has folds; no path where it is to be edited first. */
interface Conclusion {
  path: string | undefined;
  folds?: number;
}

type Outcome = 'answered' | 'skipped' | typeof BACK | Conclusion;

/** What columns with answers are often called. */
const USUAL = ['completion', 'answer', 'output', 'response', 'target', 'label', 'summary', 'category', 'class', 'tag'];

const CHOICES: { readonly [name in TaskName]?: { label: string; detail: string } } = {
  conversational: {
    label: 'Answer',
    detail: 'The rendered messages are the dialogue; the model learns to write the answer',
  },
  'text-generation': {
    label: 'Complete',
    detail: 'The rendered text is the prompt; the model learns to write what follows',
  },
  'text-classification': {
    label: 'Classify',
    detail: 'The rendered text is what the model reads; it learns to choose a label',
  },
};

class Flow {
  private path = '';
  private found: DataSummary | undefined;
  private learnt: TaskName = 'conversational';
  private column = '';
  private base: string | undefined;
  private suggestion: StrategySuggestion | undefined;

  constructor(
    private readonly luthier: Luthier,
    private readonly questions: Questions,
    private readonly template: string,
    private readonly file: PromptFile,
  ) {}

  async play(): Promise<Conclusion> {
    let at = 0;
    // What is not asked is no step, and is not come back to.
    let first = 0;
    let notice: Notice | undefined;
    for (;;) {
      const position = {
        ...{ step: at - first + 1, totalSteps: STEPS.length - first },
        ...{ canGoBack: at > first, notice },
      };
      notice = undefined;
      try {
        const outcome: Outcome = await this[STEPS[at] as Step](position);
        if (typeof outcome === 'object') return outcome;
        if (outcome === 'skipped') first = at + 1;
        at += outcome === BACK ? -1 : 1;
      } catch (error) {
        if (isCancelled(error) || at === first) throw error;
        this.luthier.log.error(error as Error);
        notice = noticeOf(this.luthier, toHostError(error));
        at--;
      }
    }
  }

  /** The template's dataset, else the one that is chosen. */
  private async data(position: Position): Promise<Outcome> {
    const bound =
      this.file.dataset === undefined ? undefined : await writtenPath(dirname(this.template), this.file.dataset);
    if (bound !== undefined && (await exists(bound))) {
      await this.read(bound);
      return 'skipped';
    }
    const datasets = await this.luthier.datasets.list();
    if (datasets.length === 0) {
      const what = bound === undefined ? 'There are no datasets yet' : `${basename(bound)} no longer exists`;
      throw new HostError('data-unreadable', `${what}.`, 'Use Add Dataset to add a file.', ['addDataset']);
    }
    const gone = bound === undefined ? '' : `${basename(bound)} no longer exists. `;
    const answer = await this.questions.ask({
      ...position,
      placeholder: `${gone}Which rows fill the template?`,
      items: datasets.map(datasetItem),
    });
    if (answer === BACK) return BACK;
    await this.read(answer.path);
    return 'answered';
  }

  private async read(path: string): Promise<void> {
    this.path = path;
    this.found = await inspect(this.luthier, this.questions, `Reading ${basename(path)}…`, { file: path });
    const names = this.found.columns.map(({ name }) => name);
    const lacking = this.file.inputs.filter(
      (input) => input.default === undefined && !names.includes(this.columnOf(input.name)),
    );
    const [first] = lacking;
    if (!first) return;
    throw new HostError(
      'data-invalid',
      `${basename(path)} has no column “${this.columnOf(first.name)}” for ${basename(this.template)}.`,
      `Its columns are ${names.join(', ')}. Name the one that is meant in the template, under luthier.columns.`,
    );
  }

  private columnOf(input: string): string {
    return this.file.columns[input] ?? input;
  }

  private async task(position: Position): Promise<Outcome> {
    const tasks: TaskName[] = [
      this.file.model.api === 'chat' ? 'conversational' : 'text-generation',
      'text-classification',
    ];
    const items = tasks.map(
      (task): Choice<TaskName> => ({ ...CHOICES[task]!, description: taskOf(task).title, value: task }),
    );
    const answer = await this.questions.ask<TaskName>({
      ...{ ...position, placeholder: 'What should the model learn?', items },
      active: items.find(({ value }) => value === this.learnt),
    });
    if (answer === BACK) return BACK;
    this.learnt = answer;
    return 'answered';
  }

  private async answer(position: Position): Promise<Outcome> {
    const inputs = new Set(this.file.inputs.map(({ name }) => this.columnOf(name)));
    const free = this.found!.columns.filter(({ name }) => !inputs.has(name));
    if (free.length === 0) {
      throw new HostError(
        'data-invalid',
        `All columns of ${basename(this.path)} are inputs of the template: none has the answers.`,
        'Add a column with them, or choose another dataset.',
      );
    }
    const items = free.map(
      ({ name, examples }): Choice<string> => ({
        label: name,
        ...(examples[0] === undefined ? {} : { description: examples[0].slice(0, 80) }),
        value: name,
      }),
    );
    const usual = USUAL.map((name) => items.find(({ label }) => label.toLowerCase() === name));
    const answer = await this.questions.ask<string>({
      ...{ ...position, items },
      placeholder:
        this.learnt === 'text-classification' ? 'Which column has the labels?' : 'Which column has the answers?',
      active: items.find(({ value }) => value === this.column) ?? usual.find((item) => item !== undefined) ?? items[0],
    });
    if (answer === BACK) return BACK;
    this.column = answer;
    return 'answered';
  }

  private async model(position: Position): Promise<Outcome> {
    const options = { task: this.learnt, before: this.base };
    const answer = await askModel(this.luthier, this.questions, position, options);
    if (answer === BACK) return BACK;
    this.base = answer;
    return 'answered';
  }

  private async method(position: Position): Promise<Outcome> {
    const about = { model: this.base!, base: dirname(this.template), rows: this.found!.rows, task: this.learnt };
    const answer = await askMethod(this.luthier, this.questions, position, about, this.suggestion);
    if (answer === BACK) return BACK;
    this.suggestion = answer;
    return 'answered';
  }

  private async summary(position: Position): Promise<Outcome> {
    const recipe = this.recipe();
    const estimate = await this.questions.work('Estimating time and memory…', (signal) =>
      this.luthier.engine.service.request('run/estimate', { recipe, base: dirname(this.template) }, { signal }),
    );
    const isBlocked = blockingProblem(estimate) !== null;
    const folds = isBlocked ? null : foldsChoice(estimate, this.learnt);
    const start: Choice<'start' | 'folds' | 'edit'> = {
      label: '$(play) Start fine-tuning',
      description: `${basename(this.path)} through ${basename(this.template)}`,
      value: 'start',
    };
    const edit: Choice<'start' | 'folds' | 'edit'> = { label: '$(edit) Edit the recipe first', value: 'edit' };
    const begin = isBlocked ? [] : folds?.first ? [folds.choice, start] : [start, ...(folds ? [folds.choice] : [])];
    const answer = await this.questions.ask<'start' | 'folds' | 'edit'>({
      ...position,
      placeholder: isBlocked ? 'This cannot start as it is' : 'Press Enter to start',
      items: [...begin, edit, separator('What it will take'), ...linesOf(estimate, this.learnt)],
      active: begin[0] ?? edit,
    });
    if (answer === BACK) return BACK;
    const path = await writeRecipe(this.template, recipe);
    if (answer === 'start') return { path };
    if (answer === 'folds') return { path, folds: FEW_ROWS_FOLDS };
    await vscode.window.showTextDocument(vscode.Uri.file(path));
    return { path: undefined };
  }

  private recipe(): RecipeInput {
    const columns: Columns =
      this.learnt === 'text-classification' ? { label: this.column } : { completion: this.column };
    const { version, task, problem_type, model, dataset, ...rest } = suggestRecipe({
      ...{ task: this.learnt, model: this.base!, columns, rows: this.found!.rows, suggestion: this.suggestion! },
      dataset: nameBeside(this.template, this.path),
      backend: setting('luthier.backend'),
    });
    const { encoding_guess, encoding } = this.found!;
    return {
      ...{ version, task, ...(problem_type && { problem_type }), model, dataset, template: basename(this.template) },
      ...(encoding_guess && !encoding_guess.is_sure && { encoding }),
      ...rest,
    } as RecipeInput;
  }
}

const linesOf = (estimate: RunEstimate, task: TaskName): Choice<never>[] =>
  summaryLines(estimate, task).map(({ icon, text, detail }) => ({
    label: `$(${icon}) ${text}`,
    ...(detail ? { detail } : {}),
    alwaysShow: true,
  }));

/** A file as a recipe beside the template names it: relative, also where it stands in a folder next to it. */
function nameBeside(template: string, path: string): string {
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(template));
  const other = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path));
  return folder && folder === other
    ? relative(dirname(template), path).split(sep).join('/')
    : nameIn(dirname(template), path);
}

/** Beside the template, so that what it names stands where it says. */
async function writeRecipe(template: string, recipe: RecipeInput): Promise<string> {
  const folder = dirname(template);
  const taken = (await listFolder(folder)).map((entry) => entry.name.replace(RECIPE_SUFFIX, ''));
  const name = slug(basename(template).replace(/\.(prompty|prompt\.md)$/, ''));
  const path = join(folder, `${uniqueName(name, taken)}${RECIPE_SUFFIX}`);
  try {
    await writeFileAtomically(path, recipeText(recipe));
  } catch (error) {
    throw new HostError(
      'not-writable',
      `The recipe could not be written to ${folder}: ${(error as Error).message}`,
      'Save the template in a folder that you can write to.',
    );
  }
  return path;
}
