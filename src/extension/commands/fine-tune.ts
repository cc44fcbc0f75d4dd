import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { listFolder } from '../../files/folders.ts';
import { slug, uniqueName } from '../../files/names.ts';
import { nameIn } from '../../files/written-path.ts';
import { HOME } from '../../guard/index.ts';
import {
  areNamed,
  type Columns,
  type DataProblem,
  type DataSummary,
  FEW_ROWS_FOLDS,
  type LabelsWritten,
  type StrategySuggestion,
  type TaskName,
} from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { type HostError, isCancelled, toHostError } from '../errors.ts';
import { BACK, type Notice, type Position, Questions } from '../questions.ts';
import { mergeProblems, suggestRecipe } from '../recipes/suggest.ts';
import { setting } from '../settings.ts';
import { severityIcon } from '../severity.ts';
import { askColumns, tooFewColumns } from './columns.ts';
import { datasetsFor } from './datasets.ts';
import { settleEncoding } from './encoding.ts';
import { BLOCKED, type Decision, summaryQuestion } from './fine-tune-summary.ts';
import { askMethod } from './method.ts';
import { askModel, noticeOf } from './models.ts';
import { otherChoices } from './other-learning.ts';
import { inspect } from './reading.ts';
import { requireTrust } from './select.ts';
import { findSource, fromDataset, type Source } from './source.ts';
import { startRecipe } from './start.ts';
import { doubtful, LEAST_ROWS, placed, refuse, tooFew } from './unfit-rows.ts';
import { writeRecipe } from './write-recipe.ts';

const TITLE = 'Fine-tune on Selection';
const STEPS = { columns: 1, model: 2, method: 3, summary: 4 } as const;
type Step = keyof typeof STEPS;
const ORDER: readonly Step[] = ['columns', 'model', 'method', 'summary'];

/** What has been answered so far. */
interface Answers {
  columns?: Columns;
  model?: string;
  method?: StrategySuggestion;
}

/** Answers for a document's rows while the window lives: who called it off to mend the rows need not answer again. */
const remembered = new Map<string, Answers>();

/** Selection or document to running fine-tuning: columns, model, method, then a summary before anything starts. */
export async function fineTuneSelection(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  await fineTune(luthier, await findSource(luthier, args));
}

/** From the datasets' tree: all rows of one. */
export async function fineTuneDataset(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const [dataset] = await datasetsFor(luthier, args.slice(0, 1), 'Fine-tune on Dataset');
  if (dataset) await fineTune(luthier, fromDataset(dataset));
}

/** @param folder project folder that the run goes to; that of the document when absent */
export async function fineTune(luthier: Luthier, source: Source, folder?: string): Promise<void> {
  const questions = new Questions(TITLE);
  try {
    const summary = await inspect(luthier, questions, `Reading ${basename(source.data.file)}…`, source.data);
    const read = await settleEncoding(luthier, questions, source, summary);
    refuse(read.summary, source.uri);
    const project = folder ?? (await luthier.homes.projectFor(source.uri));
    const { path, folds } = await new Flow(luthier, questions, read.source, read.summary, project).play();
    questions.dispose();
    if (path) await startRecipe(luthier, path, join(project, HOME), { folds });
  } finally {
    questions.dispose();
  }
}

/**
 * The questions in their order, with a way back from each. What fails leads back to its question and says why there;
 * all other answers stay.
 */
class Flow {
  private readonly answers: Answers;
  private summary: DataSummary;
  private notice: Notice | undefined;
  /** Columns that looked wrong, and were asked about. */
  private readonly doubted = new Set<string>();
  /** What could be learnt instead and was not wanted. */
  private readonly declined = new Set<string>();
  /** How several labels of a row are written, as the person confirmed it. */
  private how: LabelsWritten = {};

  constructor(
    private readonly luthier: Luthier,
    private readonly questions: Questions,
    private readonly source: Source,
    summary: DataSummary,
    private readonly project: string,
  ) {
    this.summary = summary;
    this.answers = fitting(remembered.get(source.data.file), summary);
  }

  async play(): Promise<Conclusion> {
    while ((await this.settleOther(this.summary, { canGoBack: false })) === 'other') delete this.answers.columns;
    const error = this.summary.problems.find(({ severity }) => severity === 'error');
    if (error) this.notice = this.problem(error);
    else if (this.summary.rows < LEAST_ROWS) this.notice = this.tooFewRows();
    let step: Step = 'columns';
    for (;;) {
      const position = {
        step: STEPS[step],
        totalSteps: ORDER.length,
        canGoBack: step !== 'columns',
        notice: this.notice,
      };
      if (step === 'summary') {
        const { columns, model, method } = this.answers;
        const result = await this.conclude({ columns: columns!, model: model!, method: method! });
        if ('path' in result) return result;
        step = result.back;
        continue;
      }
      this.notice = undefined;
      const isAnswered = await this[step](position);
      remembered.set(this.source.data.file, this.answers);
      const next: number = ORDER.indexOf(step) + (isAnswered === BACK ? -1 : 1);
      if (isAnswered !== 'refused') step = ORDER[Math.max(0, next)]!;
    }
  }

  private async columns(position: Position): Promise<Outcome> {
    const { label_columns } = this.how;
    const answer = await askColumns(this.questions, this.summary, position, this.answers.columns, label_columns);
    if (answer === BACK) return BACK;
    if ('task' in answer) return await this.changeTask(answer.task as TaskName);
    this.answers.columns = answer;
    const { file } = this.source.data;
    const { task } = this.summary;
    const checked = await this.questions.work('Checking the columns…', (signal) =>
      this.luthier.engine.service.request(
        'data/inspect',
        { ...this.source.data, ...this.how, task, columns: answer },
        { signal },
      ),
    );
    const settled = await this.settleOther(checked, { canGoBack: true }, answer);
    if (settled === BACK) return 'refused';
    // Its columns are confirmed for what is learnt of them now.
    if (settled === 'other') return 'refused';
    const error = checked.problems.find(({ severity }) => severity === 'error');
    const key = JSON.stringify(answer);
    // What only looks wrong is asked once, and goes through when it is confirmed.
    const doubt = error || this.doubted.has(key) ? null : doubtful(checked);
    this.doubted.add(key);
    if (!error && checked.rows < LEAST_ROWS) {
      this.notice = this.tooFewRows();
      return 'refused';
    }
    if (!error && !doubt) return 'answered';
    const swapped =
      answer.text !== undefined && answer.text === this.summary.guess.label && answer.label === this.summary.guess.text;
    this.notice = {
      ...this.problem(error ?? { severity: 'warning', code: 'many-classes', message: doubt! }),
      hint:
        swapped || doubt
          ? 'Text and label may be the wrong way round.'
          : `Choose other columns, or correct ${basename(file)}.`,
    };
    return 'refused';
  }

  /**
   * Asks whether all labels of a row, or numbers, are to be learnt where rows look like that: only a person knows.
   * @param columns that were chosen
   */
  private async settleOther(
    { problems }: DataSummary,
    { canGoBack }: { canGoBack: boolean },
    columns?: Columns,
  ): Promise<'same' | 'other' | typeof BACK> {
    const found = problems.find(({ other }) => other && !this.declined.has(JSON.stringify(other)));
    if (!found?.other) return 'same';
    const answer = await this.questions.ask<boolean>({
      step: STEPS.columns,
      totalSteps: ORDER.length,
      canGoBack,
      ...otherChoices(found.other),
      notice: this.problem(found),
    });
    if (answer === BACK) return BACK;
    if (!answer) {
      this.declined.add(JSON.stringify(found.other));
      return 'same';
    }
    const { problem_type: task, ...how } = found.other;
    const { file } = this.source.data;
    this.summary = await inspect(this.luthier, this.questions, `Reading ${basename(file)}…`, {
      ...{ ...this.source.data, ...how, task },
      ...(columns && { columns }),
    });
    this.how = how;
    if (columns) this.answers.columns = columns;
    return 'other';
  }

  /** Reads the rows for another task, whose columns are asked next. */
  private async changeTask(task: TaskName): Promise<Outcome> {
    if (task === this.summary.task) return 'refused';
    const { file } = this.source.data;
    try {
      const summary = await this.questions.work(`Reading ${basename(file)}…`, (signal) =>
        this.luthier.engine.service.request('data/inspect', { ...this.source.data, task }, { signal }),
      );
      // The task that was asked about before still stands.
      const tooFew = tooFewColumns(summary);
      if (tooFew) throw tooFew;
      this.summary = summary;
    } catch (error) {
      if (isCancelled(error)) throw error;
      this.notice = noticeOf(this.luthier, toHostError(error));
      return 'refused';
    }
    delete this.answers.columns;
    this.how = {};
    this.declined.clear();
    const error = this.summary.problems.find(({ severity }) => severity === 'error');
    if (error) this.notice = this.problem(error);
    return 'refused';
  }

  private async model(position: Position): Promise<Outcome> {
    const options = { task: this.summary.task, before: this.answers.model };
    const answer = await askModel(this.luthier, this.questions, position, options);
    if (answer === BACK) return BACK;
    this.answers.model = answer;
    return 'answered';
  }

  private async method(position: Position): Promise<Outcome> {
    const { rows, task, classes } = this.summary;
    const about = {
      ...{ model: this.answers.model!, base: this.project, rows, task },
      ...{ classes: classes.length, named: areNamed(this.summary) },
    };
    const answer = await askMethod(this.luthier, this.questions, position, about, this.answers.method);
    if (answer === BACK) return BACK;
    this.answers.method = answer;
    return 'answered';
  }

  /** Shows what it will take, and writes the recipe when the person wants it. */
  private async conclude(answers: Required<Answers>): Promise<Conclusion | { back: Step }> {
    try {
      return await this.summarise(answers);
    } catch (error) {
      if (isCancelled(error)) throw error;
      const failure = toHostError(error);
      this.luthier.log.error(error as Error);
      this.notice = noticeOf(this.luthier, failure);
      const back = questionOf(failure);
      if (back !== 'summary') return { back };
      const answer = await this.questions.ask<Decision>({
        step: STEPS.summary,
        totalSteps: ORDER.length,
        canGoBack: true,
        placeholder: BLOCKED,
        items: [
          { label: '$(refresh) Try again', value: 'again' },
          { label: '$(library) Choose another model…', value: 'model' },
          { label: '$(list-selection) Choose other columns…', value: 'columns' },
        ],
        notice: this.notice,
      });
      this.notice = undefined;
      if (answer === BACK) return { back: 'method' };
      return { back: answer === 'model' || answer === 'columns' ? answer : 'summary' };
    }
  }

  /** Writes what the estimate needs and shows it. What was written goes again when the person turns back. */
  private async summarise(answers: Required<Answers>): Promise<Conclusion | { back: Step }> {
    const { luthier, questions, source, project } = this;
    const home = join(project, HOME);
    const { service } = luthier.engine;
    const { columns, model, method } = answers;
    const { task } = this.summary;
    const made = source.file
      ? null
      : await questions.work('Writing the dataset…', async (signal) => {
          const taken = (await listFolder(join(home, 'datasets'))).map(({ name }) => name);
          const name = uniqueName(slug(source.name), taken);
          return await service.request(
            'data/create',
            { ...source.data, ...this.how, task, folder: home, name, columns },
            { signal },
          );
        });
    let kept = false;
    try {
      const recipe = suggestRecipe({
        task,
        model,
        dataset: made ? made.record.name : nameIn(project, source.file!),
        columns: made ? {} : columns,
        // A dataset's own rows have their labels as lists.
        how: made ? {} : this.how,
        rows: made?.record.rows ?? this.summary.rows,
        suggestion: method,
        backend: setting('luthier.backend'),
      });
      // A dataset's own rows are in UTF-8.
      if (!made && source.data.encoding !== undefined) recipe.encoding = source.data.encoding;
      const estimated = await questions.work('Estimating time and memory…', (signal) =>
        service.request('run/estimate', { recipe, base: project }, { signal }),
      );
      const estimate = { ...estimated, problems: mergeProblems(made?.problems ?? [], estimated.problems) };
      const decision = await questions.ask<Decision>({
        step: STEPS.summary,
        totalSteps: ORDER.length,
        canGoBack: true,
        ...summaryQuestion(estimate, { source, task, method, extensionUri: luthier.extension.extensionUri }),
      });
      if (decision === BACK) return { back: 'method' };
      if (decision === 'model' || decision === 'columns') return { back: decision };
      const path = await writeRecipe(project, made?.record.name ?? slug(source.name), recipe);
      kept = true;
      remembered.delete(source.data.file);
      if (made) luthier.datasets.refresh();
      if (decision === 'start') return { path };
      if (decision === 'folds') return { path, folds: FEW_ROWS_FOLDS };
      await vscode.window.showTextDocument(vscode.Uri.file(path));
      return { path: undefined };
    } finally {
      if (made && !kept) await rm(made.path, { recursive: true, force: true });
    }
  }

  private tooFewRows(): Notice {
    const icon = severityIcon(this.luthier.extension.extensionUri, 'error');
    return { ...tooFew(this.source, this.summary), icon };
  }

  private problem(problem: DataProblem): Notice {
    return {
      message: placed(problem, basename(this.source.data.file)),
      icon: severityIcon(this.luthier.extension.extensionUri, problem.severity),
    };
  }
}

/** The recipe to start, as a cross-validation where it has folds; no path when it is to be edited first. */
interface Conclusion {
  path: string | undefined;
  folds?: number;
}

type Outcome = 'answered' | 'refused' | typeof BACK;

/** Answers of an earlier call that still make sense for the rows as they are now. */
function fitting(answers: Answers | undefined, summary: DataSummary): Answers {
  const names = summary.columns.map(({ name }) => name);
  const { columns, ...rest } = answers ?? {};
  const fits = columns && Object.values(columns).every((name) => name === undefined || names.includes(name));
  return { ...rest, ...(fits ? { columns } : {}) };
}

/** The question whose answer a failure is about. */
function questionOf({ code }: HostError): Step {
  if (code.startsWith('model-') || code === 'tokenizer-invalid' || code === 'download-failed') return 'model';
  return code.startsWith('data-') ? 'columns' : 'summary';
}
