import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { exists, isFolder, isWithin } from '../../files/folders.ts';
import { readJson } from '../../files/json.ts';
import {
  type Answer,
  type AppendUndo,
  type Columns,
  type LabelsWritten,
  labelText,
  type NewRow,
  parseTryoutRequest,
  type RowFields,
  type TaskName,
  type Texts,
  type TryoutMessage,
  type TryoutModel,
  type TryoutRequest,
  taskNameOf,
  taskOf,
} from '../../protocol/index.ts';
import { isDataFile } from '../datasets/dataset.ts';
import { datasetOfRun, type SourceFile, sourceOf } from '../datasets/of-run.ts';
import type { EngineService } from '../engine/service.ts';
import { Cancelled, HostError, isCancelled } from '../errors.ts';
import { shorten } from '../format.ts';
import { PANELS } from '../ids.ts';
import type { Log } from '../log.ts';
import { choose, Questions } from '../questions.ts';
import { hasModel, type Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { confirm, tell } from '../ui.ts';
import { type BaseModel, findBaseModel } from './base-model.ts';
import { openRow } from './open.ts';
import { Panel } from './panel.ts';
import { followName, modelFolderOf, RunPanels, triedFolder } from './run-panels.ts';
import { columnTyped, templateNote, templateOfRun } from './run-template.ts';
import { type BaseTried, describeTried, isRun, type Tried, triedId, triedName, tryTitle } from './tried.ts';
import { askTried } from './tried-choices.ts';

export interface TryoutOptions {
  extension: vscode.Uri;
  store: RunStore;
  service: EngineService;
  log: Log;
  /** Runs by their ids, once those of this window are known. */
  find(ids: readonly string[]): Promise<Run[]>;
}

/** Rows with the same text that are named at most. */
const STANDING = 5;
/** Rows offered to pick from. */
const PICK_LIMIT = 500;

/** The panels in which a model that answers with labels, tags, values or words is tried, one for each run or base model. */
export class Tryouts extends RunPanels {
  protected readonly options: TryoutOptions;

  constructor(options: TryoutOptions) {
    super(PANELS.tryout, options.extension);
    this.options = options;
  }

  protected start(panel: vscode.WebviewPanel, tried: Tried, moved: (other: Tried) => boolean): Tryout {
    return new Tryout(panel, tried, this.options, moved);
  }
}

class Tryout {
  private tried: Tried;
  private readonly options: TryoutOptions;
  /** Tells that the page is about another model from now on; false where that has a page of its own already. */
  private readonly moved: (other: Tried) => boolean;
  private readonly wire: Panel<TryoutRequest, TryoutMessage>;
  private base: BaseModel | null = null;
  private predicting: AbortController | null = null;
  /** Whether corrections go to the file that a selection was made in; null before it was asked. */
  private intoSource: boolean | null = null;
  /** Files outside of the workspace that rows may be added to. */
  private readonly agreed = new Set<string>();
  /** What takes added rows out again, by their texts. */
  private readonly undos = new Map<string, AppendUndo[]>();
  private readonly renamed: { dispose(): void };

  constructor(panel: vscode.WebviewPanel, tried: Tried, options: TryoutOptions, moved: (other: Tried) => boolean) {
    this.tried = tried;
    this.options = options;
    this.moved = moved;
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'tryout', title: tryTitle(tried) },
      options.log,
      parseTryoutRequest,
      (request) => this.handle(request),
      (request, error) =>
        error && {
          type: 'failed',
          request: request.type,
          id: request.type === 'predict' ? request.id : null,
          error,
        },
    );
    this.renamed = followName(
      panel,
      options.store,
      () => (isRun(this.tried) ? this.current : this.tried),
      () => void this.sendSnapshot(),
    );
  }

  /** The run that is tried. @throws HostError for a base model, which has learned nothing of anybody's rows */
  private get run(): Run {
    if (isRun(this.tried)) return this.tried;
    throw new HostError('usage', `${this.tried.name} is a base model: there are no rows that it learned from.`);
  }

  /** The run as it is now; as it was when its folder is gone. */
  private get current(): Run {
    return this.options.store.get(this.run.folder) ?? this.run;
  }

  dispose(): void {
    this.renamed.dispose();
    this.stopPredicting();
  }

  /** Without a word to the page, which has something else to show, or is gone. */
  private stopPredicting(): void {
    const { predicting } = this;
    this.predicting = null;
    predicting?.abort();
  }

  private async handle(request: TryoutRequest): Promise<void> {
    switch (request.type) {
      case 'ready':
        return await this.sendSnapshot();
      case 'predict':
        return await this.predict(request.id, request.texts, request.compare);
      case 'cancel':
        return this.predicting?.abort();
      case 'pickRow':
        return await this.pickRow();
      case 'addRow':
        return await this.addRow(textsOf(request), request);
      case 'undoRow':
        return await this.undoRow(textsOf(request));
      case 'openRow': {
        const data = await this.requireData();
        return await openRow(this.options.service, data, request.file, request.line);
      }
      case 'chooseModel':
        return await this.chooseModel();
      case 'copyText':
        return await vscode.env.clipboard.writeText(request.text);
    }
  }

  private async sendSnapshot(): Promise<void> {
    if (!isRun(this.tried)) return await this.sendBase(this.tried);
    const { record } = this.current;
    const { name: task } = taskOf(taskNameOf(record.recipe));
    this.base = await findBaseModel(this.run, this.options.extension.fsPath);
    const data = await this.dataFile();
    const source = data && this.intoSource !== false ? await sourceOf(data) : null;
    const target = source && (await exists(source.file)) ? source.file : data;
    const template = templateOfRun(this.run);
    // What fills several columns is no text of a row, and columns of a selection's file may have other names.
    const isTyped = template === null || (columnTyped(template) !== null && source === null);
    const isCorrected = CORRECTED.has(task) && isTyped;
    this.wire.post({
      type: 'snapshot',
      run: record.id,
      rows: true,
      tuned: { task, name: record.name, labels: record.labels, ...(await this.pair()) },
      base: this.base.model,
      base_note: this.base.note,
      dataset: target && isCorrected ? basename(target) : null,
      ...(template && { template_note: templateNote(template, 'Each line', this.base.model?.name ?? null) }),
    });
  }

  /** A base model by itself. */
  private async sendBase(tried: BaseTried): Promise<void> {
    this.base = null;
    const { name, answers, labels, mask } = await describeTried(this.options.service, tried);
    this.wire.post({
      type: 'snapshot',
      run: triedId(tried),
      rows: false,
      tuned: { task: answers, name, labels: labels ?? [], ...(mask !== null && { mask }) },
      base: null,
      base_note: null,
      dataset: null,
    });
  }

  /** The two columns of a run that learned from pairs; its model's folder says so, also where they were guessed. */
  private async pair(): Promise<Pick<TryoutModel, 'pair'>> {
    const run = this.current;
    const { text, text_pair } = run.record.recipe.columns ?? {};
    const config =
      hasModel(run) && (await readJson(join(modelFolderOf(this.current), 'config.json')).catch(() => undefined));
    const inputs = (config as { luthier?: { inputs?: unknown } } | undefined)?.luthier?.inputs;
    const [first, second] = Array.isArray(inputs) ? inputs.map(String) : [text ?? 'text', text_pair];
    return second === undefined ? {} : { pair: { text: first!, text_pair: second } };
  }

  private async predict(id: number, texts: Texts[], compare: boolean): Promise<void> {
    this.stopPredicting();
    const controller = new AbortController();
    this.predicting = controller;
    const { service } = this.options;
    const loading = (name: string) => this.wire.post({ type: 'loading', message: `Loading ${name}…` });
    const tried = isRun(this.tried) ? this.current : this.tried;
    const name = triedName(tried);
    if (!service.isRunning) loading(name);
    const started = performance.now();
    const predict = (model: string, name: string): Promise<Answer[]> =>
      service.request('predict', { model, texts }, { signal: controller.signal, onProgress: () => loading(name) });
    try {
      const tuned = await predict(triedFolder(tried), name);
      const base = compare && this.base?.path ? await predict(this.base.path, this.base.model.name) : null;
      this.wire.post({ type: 'predictions', id, tuned, base, ms: performance.now() - started });
    } catch (error) {
      if (!isCancelled(error)) throw error;
      // What a later request replaced is of no interest any more.
      if (this.predicting === controller) this.wire.post({ type: 'cancelled', id });
    } finally {
      if (this.predicting === controller) this.predicting = null;
    }
  }

  private async pickRow(): Promise<void> {
    const data = await this.requireData();
    const template = templateOfRun(this.run);
    if (template && columnTyped(template) === null) {
      throw new HostError(
        'usage',
        'Rows cannot be picked here: the model’s prompt template is filled from several columns.',
        'Type their values as JSON, or use Predict on File for the whole dataset.',
      );
    }
    const reading = this.reading(data);
    const said = (label: string) => labelText(reading.task, label);
    const { rows, total } = await this.options.service.request('data/rows', {
      ...reading,
      limit: PICK_LIMIT,
    });
    const row = await choose({
      title: `Pick a Row from ${basename(data)}`,
      placeholder: total > rows.length ? `The first ${rows.length} of ${total} rows` : 'Type to search',
      items: rows.map((row) => ({
        label: shorten(textOf(row), 120),
        ...(row.label !== undefined && { description: said(row.label) }),
        ...(row.text_pair !== undefined && { detail: shorten(row.text_pair, 120) }),
        value: row,
      })),
    });
    const { text_pair, label, file, line } = row;
    this.wire.post({
      type: 'row',
      ...textsOf({ text: textOf(row), ...(text_pair !== undefined && { text_pair }) }),
      label: label === undefined ? null : said(label),
      ...(row.tokens && { words: row.tokens }),
      file,
      line,
    });
  }

  private async addRow(
    texts: Texts,
    { label, words, anyway }: Extract<TryoutRequest, { type: 'addRow' }>,
  ): Promise<void> {
    const data = await this.requireData();
    const source = await this.correctedFile(data);
    const { service } = this.options;
    await this.requireOwn(source ? [source.file, data] : [data], source?.file);
    const target = source
      ? { data: source.file, task: source.task, columns: source.columns, ...source.how }
      : this.reading(data);
    const dataset = basename(target.data);
    const rows: NewRow[] = [words ? { tokens: words, tags: JSON.parse(label) as string[] } : { ...texts, label }];
    if (!anyway) {
      const { rows: there } = await service.request('data/rows', {
        ...target,
        limit: STANDING,
        ...(words ? { text: words.join(' ') } : texts),
      });
      if (there.length > 0) {
        const standing = there.map(({ file, line, label, tags }) => ({
          file,
          line,
          label: label ?? JSON.stringify(tags),
        }));
        return this.wire.post({ type: 'stands', ...texts, label, dataset, rows: standing });
      }
    }
    const added = await service.request('data/append', {
      ...target,
      rows,
    });
    const undo = [added.undo];
    if (source) {
      // The copy that the model learns from, too, with its place in the person's file.
      const inCopy = await service.request('data/append', {
        ...this.reading(data),
        rows,
        source_line: added.line,
      });
      undo.push(inCopy.undo);
    }
    this.undos.set(keyOf(texts), undo);
    this.wire.post({ type: 'added', ...texts, label, dataset, file: added.file, line: added.line });
  }

  /** Takes a row out again, of the person's file first: where that has changed since, nothing is done. */
  private async undoRow(texts: Texts): Promise<void> {
    const undos = this.undos.get(keyOf(texts));
    if (!undos)
      throw new HostError('data-invalid', 'That row was added in another window.', 'Open the file and delete the row.');
    for (const undo of undos) await this.options.service.request('data/undo-append', { undo });
    this.undos.delete(keyOf(texts));
    this.wire.post({ type: 'undone', ...texts });
  }

  /**
   * Records of runs and datasets may have come with the folder, and whoever wrote them chose the files that they name: a
   * row goes to files of data alone, and out of the workspace only for a run of this machine, after a question.
   * @param told a file whose path the person has agreed to already
   * @throws HostError `run-untrusted`, Cancelled
   */
  private async requireOwn(files: readonly string[], told: string | undefined): Promise<void> {
    const roots = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
    for (const file of files) {
      if (await isWithin(file, [...roots, dirname(this.run.home)])) continue;
      const name = basename(file);
      const where = `${file} is outside this workspace`;
      if (this.current.foreign) {
        throw new HostError(
          'run-untrusted',
          `No row was added to ${name}: ${where}, and ${this.run.record.name} was not started on this machine.`,
          'Copy the file into the workspace and train on it there.',
        );
      }
      // A folder is one that Luthier made, and resolveDataset requires its record.
      if (!isDataFile(file) && !(await isFolder(file))) {
        throw new HostError('run-untrusted', `No row was added to ${name}: ${where}, and it is not a data file.`);
      }
      if (file === told || this.agreed.has(file)) continue;
      await confirm(`Add rows to ${name}?`, `${where}. The row is added at the end of the file.`, 'Add Row');
      this.agreed.add(file);
    }
  }

  /**
   * The file that a run's selection was made in, once the person has agreed that corrections go there; null where the
   * run learned from a file itself, that file is gone, or the dataset alone is wanted.
   */
  private async correctedFile(data: string): Promise<SourceFile | null> {
    const source = await sourceOf(data);
    if (!source || !(await exists(source.file))) return null;
    if (this.intoSource === null) {
      const name = basename(source.file);
      const both = `Add to ${name}`;
      const copy = 'Only to the Dataset';
      const answer = await tell(
        'information',
        `Add corrections to ${name}?`,
        {
          modal: true,
          detail: `This model learned from a selection of ${name}. A corrected row goes to the end of that file (${source.file}) and to the dataset that Luthier made from the selection.`,
        },
        both,
        copy,
      );
      if (!answer) throw new Cancelled();
      this.intoSource = answer === both;
    }
    return this.intoSource ? source : null;
  }

  /** Another model for this page; what was typed stays. */
  private async chooseModel(): Promise<void> {
    const questions = new Questions('Choose Model');
    let chosen: Tried;
    try {
      chosen = await askTried(questions, this.options, this.tried);
    } finally {
      questions.dispose();
    }
    if (triedId(chosen) === triedId(this.tried) || !this.moved(chosen)) return;
    this.stopPredicting();
    this.tried = chosen;
    this.intoSource = null;
    this.undos.clear();
    this.wire.panel.title = tryTitle(chosen);
    await this.sendSnapshot();
  }

  /** The run's data as it read it. */
  private reading(data: string): LabelsWritten & { data: string; task: TaskName; columns: Columns; encoding?: string } {
    const { recipe } = this.run.record;
    const { columns, encoding, label_separator, label_columns } = recipe;
    const template = templateOfRun(this.run);
    const text = template && columnTyped(template);
    return {
      ...{ data, task: taskOf(taskNameOf(recipe)).name, columns: { ...columns, ...(text !== null && { text }) } },
      ...(encoding !== undefined && { encoding }),
      ...(label_separator !== undefined && { label_separator }),
      ...(label_columns !== undefined && { label_columns }),
    };
  }

  private async dataFile(): Promise<string | null> {
    return await datasetOfRun(this.run);
  }

  private async requireData(): Promise<string> {
    const data = await this.dataFile();
    if (data) return data;
    throw new HostError('data-unreadable', `The data that ${this.run.record.name} learned from is no longer there.`);
  }
}

/** Tasks whose answers are corrected here; a number is written by hand. */
const CORRECTED: ReadonlySet<TaskName> = new Set([
  'text-classification',
  'multi_label_classification',
  'token-classification',
]);

/** What a model reads of a row; words with blanks between them. */
const textOf = ({ text, tokens }: RowFields): string => text ?? tokens?.join(' ') ?? '';

/** The texts alone of what carries them. */
const textsOf = ({ text, text_pair }: Texts): Texts => ({ text, ...(text_pair !== undefined && { text_pair }) });

const keyOf = ({ text, text_pair }: Texts): string => JSON.stringify([text, text_pair]);
