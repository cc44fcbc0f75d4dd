import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import {
  type Columns,
  type Prediction,
  parseTryoutRequest,
  type TryoutMessage,
  type TryoutRequest,
} from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { HostError, isCancelled } from '../errors.ts';
import { exists } from '../files.ts';
import { shorten } from '../format.ts';
import { COMMANDS, PANELS } from '../ids.ts';
import type { Log } from '../log.ts';
import { choose } from '../questions.ts';
import { hasModel, type Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { type BaseModel, findBaseModel } from './base-model.ts';
import { Panel, webviewOptions } from './panel.ts';

export interface TryoutOptions {
  extension: vscode.Uri;
  store: RunStore;
  service: EngineService;
  log: Log;
  /** Runs by their ids, once those of this window are known. */
  find(ids: readonly string[]): Promise<Run[]>;
}

/** Rows offered to pick from. */
const PICK_LIMIT = 500;

/** The panels in which a trained model is tried, one a run. */
export class Tryouts implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly options: TryoutOptions;
  private readonly open = new Map<string, vscode.WebviewPanel>();

  constructor(options: TryoutOptions) {
    this.options = options;
  }

  show(run: Run): void {
    const shown = this.open.get(run.folder);
    if (shown) {
      shown.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      PANELS.tryout,
      `Try ${run.record.name}`,
      vscode.ViewColumn.Active,
      webviewOptions(this.options.extension),
    );
    this.add(panel, run);
  }

  /** After a window's reload: the page's state says which run it was about. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const id = typeof state === 'object' && state !== null && 'run' in state ? String(state.run) : '';
    const [run] = await this.options.find([id]);
    if (run) this.add(panel, run);
    else panel.dispose();
  }

  dispose(): void {
    for (const panel of [...this.open.values()]) panel.dispose();
  }

  private add(panel: vscode.WebviewPanel, run: Run): void {
    const tryout = new Tryout(panel, run, this.options);
    this.open.set(run.folder, panel);
    panel.onDidDispose(() => {
      tryout.dispose();
      this.open.delete(run.folder);
    });
  }
}

class Tryout {
  private readonly run: Run;
  private readonly options: TryoutOptions;
  private readonly wire: Panel<TryoutRequest, TryoutMessage>;
  private base: BaseModel | null = null;
  private predicting: AbortController | null = null;
  private loaded = false;
  private readonly renamed: { dispose(): void };

  constructor(panel: vscode.WebviewPanel, run: Run, options: TryoutOptions) {
    this.run = run;
    this.options = options;
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'tryout', title: `Try ${run.record.name}` },
      options.log,
      parseTryoutRequest,
      (request) => this.handle(request),
      (request, error) => ({
        type: 'failed',
        request: request.type,
        id: request.type === 'predict' ? request.id : null,
        error,
      }),
    );
    let { name } = run.record;
    this.renamed = options.store.changed.on(() => {
      const now = this.current.record.name;
      if (now === name) return;
      name = now;
      panel.title = `Try ${name}`;
      void this.sendSnapshot();
    });
  }

  /** The run as it is now; as it was when its folder is gone. */
  private get current(): Run {
    return this.options.store.get(this.run.folder) ?? this.run;
  }

  dispose(): void {
    this.renamed.dispose();
    this.predicting?.abort();
  }

  private async handle(request: TryoutRequest): Promise<void> {
    switch (request.type) {
      case 'ready':
        return await this.sendSnapshot();
      case 'predict':
        return await this.predict(request.id, request.texts, request.compare);
      case 'pickRow':
        return await this.pickRow();
      case 'addRow':
        return await this.addRow(request.text, request.label);
      case 'chooseModel':
        await vscode.commands.executeCommand(COMMANDS.tryModel);
        return;
      case 'copyText':
        return await vscode.env.clipboard.writeText(request.text);
    }
  }

  private async sendSnapshot(): Promise<void> {
    const { record } = this.current;
    this.base = await findBaseModel(this.run);
    const data = await this.dataFile();
    this.wire.post({
      type: 'snapshot',
      run: record.id,
      tuned: { name: record.name, labels: record.labels },
      base: this.base.model,
      base_note: this.base.note,
      dataset: data ? basename(data) : null,
    });
  }

  private async predict(id: number, texts: string[], compare: boolean): Promise<void> {
    this.predicting?.abort();
    const controller = new AbortController();
    this.predicting = controller;
    const { service } = this.options;
    if (!this.loaded || !service.isRunning)
      this.wire.post({ type: 'loading', message: `Loading ${this.current.record.name}…` });
    const started = performance.now();
    const predict = (model: string): Promise<Prediction[]> =>
      service.request('predict', { model, texts }, { signal: controller.signal });
    try {
      const tuned = await predict(this.modelFolder());
      const base = compare && this.base?.path ? await predict(this.base.path) : null;
      this.loaded = true;
      this.wire.post({ type: 'predictions', id, tuned, base, ms: performance.now() - started });
    } catch (error) {
      if (!isCancelled(error)) throw error;
    } finally {
      if (this.predicting === controller) this.predicting = null;
    }
  }

  private async pickRow(): Promise<void> {
    const data = await this.requireData();
    const { rows, total } = await this.options.service.request('data/rows', {
      data,
      columns: this.columns(),
      limit: PICK_LIMIT,
    });
    const row = await choose({
      title: `Pick a Row of ${basename(data)}`,
      placeholder: total > rows.length ? `The first ${rows.length} of ${total} rows` : 'Type to search',
      items: rows.map((row) => ({ label: shorten(row.text, 120), description: row.label, value: row })),
    });
    this.wire.post({ type: 'row', ...row });
  }

  private async addRow(text: string, label: string): Promise<void> {
    const data = await this.requireData();
    await this.options.service.request('data/append', { data, columns: this.columns(), rows: [{ text, label }] });
    this.wire.post({ type: 'added', text, label, dataset: basename(data) });
  }

  private modelFolder(): string {
    const run = this.current;
    if (!hasModel(run)) {
      throw new HostError(
        'model-not-found',
        `${run.record.name} has no model on disk (yet).`,
        'Wait for its end, or try another run.',
      );
    }
    return join(run.folder, run.record.model ?? 'model');
  }

  private columns(): Columns {
    return this.run.record.recipe.columns ?? {};
  }

  /** File or folder that the run learned from; null when it is gone or the record does not say. */
  private async dataFile(): Promise<string | null> {
    const reference = this.run.record.recipe.dataset;
    const name = typeof reference === 'string' ? reference : reference?.train;
    if (!name) return null;
    if (isAbsolute(name)) return (await exists(name)) ? name : null;
    const recipe = this.run.record.recipe_path;
    const candidates = [
      recipe ? resolve(dirname(recipe), name) : null,
      resolve(dirname(this.run.home), name),
      join(this.run.home, 'datasets', name),
    ];
    for (const path of candidates) if (path && (await exists(path))) return path;
    return null;
  }

  private async requireData(): Promise<string> {
    const data = await this.dataFile();
    if (data) return data;
    throw new HostError(
      'data-unreadable',
      `The data set that ${this.run.record.name} learned from is no longer there.`,
    );
  }
}
