import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import {
  type ActionOutcome,
  append,
  type Change,
  type DashboardMessage,
  type DashboardRequest,
  findingsOf,
  parseDashboardRequest,
  parseDashboardState,
  type RunAction,
  type RunComparison,
  type RunEvent,
  type RunSnapshot,
} from '../../protocol/index.ts';
import { learntFiles } from '../datasets/of-run.ts';
import type { EngineService } from '../engine/service.ts';
import { HostError, isCancelled, sentence, toHostError } from '../errors.ts';
import { COMMANDS, PANELS } from '../ids.ts';
import type { Log } from '../log.ts';
import type { RunActions } from '../runs/actions.ts';
import { readMeasured } from '../runs/evaluations.ts';
import { exportOnnx } from '../runs/onnx.ts';
import { hasModel, type Run } from '../runs/run.ts';
import type { RunStarter } from '../runs/starter.ts';
import type { RunStore } from '../runs/store.ts';
import { cellRows } from './cells.ts';
import { RunFeed } from './feed.ts';
import { openDataRow, openRunLog, pickRuns, saveBytes } from './open.ts';
import { Panel, webviewOptions } from './panel.ts';

/** New events go to the page at most this often: it draws once a frame, and a fast run steps 200 times a second. */
const POST_MS = 100;
/** Rows that only one of two models gets right, sent to the page at most for each. */
const COMPARED_ROWS = 50;

export interface DashboardOptions {
  extension: vscode.Uri;
  store: RunStore;
  starter: RunStarter;
  actions: Pick<RunActions, 'ending'>;
  service: EngineService;
  log: Log;
  /** Runs by their ids, once those of this window are known. */
  find(ids: readonly string[]): Promise<Run[]>;
  /** Opens what a run's finding suggests; nothing is started. */
  tryChange(run: Run, change: Change): Promise<void>;
}

/** The dashboards of this window, one panel for each set of runs. */
export class Dashboards implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly options: DashboardOptions;
  private readonly shown = new Set<Dashboard>();

  constructor(options: DashboardOptions) {
    this.options = options;
  }

  /** Shows a run with one of its evaluations, in a panel that shows it already if there is one. */
  async showEvaluation(run: Run, name: string): Promise<void> {
    const shown = [...this.shown].find((dashboard) => dashboard.shows(run)) ?? this.open(run.record.name);
    const told = shown.showEvaluation(run, name);
    if (shown.shows(run)) shown.panel.reveal();
    else await shown.setRuns([run.folder]);
    await told;
  }

  /** The model of a run's folder was measured: what shows it is told. */
  async measured(folder: string): Promise<void> {
    for (const dashboard of this.shown) await dashboard.measured(folder);
  }

  /** Shows runs, in the panel that shows the first of them already if there is one. */
  show(runs: readonly Run[]): void {
    const first = runs[0];
    if (!first) return;
    for (const dashboard of this.shown) {
      if (dashboard.focus !== first.folder) continue;
      if (runs.length > 1) void dashboard.setRuns(runs.map((run) => run.folder));
      dashboard.panel.reveal();
      return;
    }
    void this.open(first.record.name).setRuns(runs.map((run) => run.folder));
  }

  /** A panel for a run that is being made: it is there at once, and `setRuns` fills it. */
  open(title: string): Dashboard {
    const options = webviewOptions(this.options.extension);
    const panel = vscode.window.createWebviewPanel(PANELS.dashboard, title, vscode.ViewColumn.Active, options);
    return this.add(panel, title);
  }

  /** After a window's reload: the page's own state says which runs it showed. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const parsed = parseDashboardState(state);
    // Its page loads while the runs are looked for.
    const dashboard = this.add(panel, panel.title);
    const runs = await this.options.find(parsed.ok ? parsed.message.runs : []);
    const shown = runs.length > 0 ? runs : this.options.store.all().slice(0, 1);
    if (shown.length > 0) await dashboard.setRuns(shown.map((run) => run.folder));
    else dashboard.closeIfEmpty();
  }

  dispose(): void {
    for (const dashboard of [...this.shown]) dashboard.panel.dispose();
  }

  private add(panel: vscode.WebviewPanel, title: string): Dashboard {
    const dashboard = new Dashboard(panel, title, this.options);
    this.shown.add(dashboard);
    panel.onDidDispose(() => {
      this.shown.delete(dashboard);
      dashboard.dispose();
    });
    return dashboard;
  }
}

/** One panel; empty until it is told its runs. */
export class Dashboard {
  readonly panel: vscode.WebviewPanel;
  private readonly options: DashboardOptions;
  private readonly wire: Panel<DashboardRequest, DashboardMessage>;
  private readonly feeds = new Map<string, RunFeed>();
  private readonly fresh = new Map<string, RunEvent[]>();
  private readonly subscriptions: { dispose(): void }[];
  private folders: string[] = [];
  /** An evaluation to show as soon as the page is up. */
  private wanted: Extract<DashboardMessage, { type: 'showEvaluation' }> | null = null;
  private timer: NodeJS.Timeout | undefined;
  /** Whether the page has its snapshot, so that what follows makes sense to it. */
  private ready = false;

  constructor(panel: vscode.WebviewPanel, title: string, options: DashboardOptions) {
    this.panel = panel;
    this.options = options;
    const { store, starter, actions } = options;
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'dashboard', title },
      options.log,
      parseDashboardRequest,
      (request) => this.handle(request),
      (request, error) => {
        const run = 'run' in request ? request.run : null;
        if (request.type === 'action') {
          if (!error) return { type: 'acted', action: request.action, run: request.run, outcome: 'cancelled' };
          return { type: 'failed', request: request.action, run, error };
        }
        return error
          ? { type: 'failed', request: request.type, run, error }
          : { type: 'calledOff', request: request.type, run };
      },
    );
    this.subscriptions = [
      store.events.on(({ run, line, event }) => this.feeds.get(run.folder)?.live([{ line, event }])),
      store.changed.on((runs) => {
        for (const run of runs) this.onChanged(run);
      }),
      starter.changed.on(() => {
        for (const folder of this.folders) {
          const run = store.get(folder);
          if (run?.state === 'queued') this.postRecord(run);
        }
      }),
      actions.ending.on(({ run, action }) => {
        if (this.ready && this.shows(run)) this.wire.post({ type: 'ending', action, run: run.record.id });
      }),
      panel.onDidChangeViewState(() => {
        // A hidden page is gone; the next one says `ready` and gets everything.
        if (panel.visible) return;
        this.ready = false;
        this.fresh.clear();
      }),
    ];
  }

  shows(run: Run): boolean {
    return this.folders.includes(run.folder);
  }

  get focus(): string {
    return this.folders[0] ?? '';
  }

  /** Opens the tab with an evaluation that was just made. */
  async showEvaluation(run: Run, name: string): Promise<void> {
    this.wanted = { type: 'showEvaluation', run: run.record.id, name };
    // The snapshot that is on its way, or will be when the page is back, brings both.
    if (!this.ready) return;
    await this.sendReports(run);
    if (this.wanted) this.wire.post(this.wanted);
    this.wanted = null;
  }

  /** Its model was measured, here or elsewhere. */
  async measured(folder: string): Promise<void> {
    const run = this.folders.includes(folder) ? this.options.store.get(folder) : undefined;
    if (run && this.ready) await this.sendReports(run);
  }

  /** Its run could not be made. */
  closeIfEmpty(): void {
    if (this.folders.length === 0 && !this.wire.closed) this.panel.dispose();
  }

  async setRuns(folders: string[]): Promise<void> {
    this.folders = folders;
    for (const folder of [...this.feeds.keys()]) if (!folders.includes(folder)) this.feeds.delete(folder);
    await this.sendSnapshot();
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
    this.feeds.clear();
  }

  private async handle(request: DashboardRequest): Promise<void> {
    switch (request.type) {
      case 'ready':
        return await this.sendSnapshot();
      case 'action':
        return await this.act(request.action, this.run(request.run));
      case 'change': {
        const run = this.run(request.run);
        const { change } = findingsOf(run.record).find(({ code }) => code === request.finding) ?? {};
        if (change) await this.options.tryChange(run, change);
        return;
      }
      case 'cell': {
        const run = this.run(request.run);
        const service = vscode.workspace.isTrusted && hasModel(run) ? this.options.service : null;
        const found = await cellRows(run.folder, request, service);
        return this.wire.post({ ...request, ...found });
      }
      case 'compareRows':
        return await this.compareRows(request.first, request.second);
      case 'openRow':
        return await openDataRow(
          this.run(request.run),
          request.file,
          request.line,
          vscode.workspace.isTrusted ? this.options.service : null,
        );
      case 'chooseRuns': {
        const chosen = await pickRuns(this.options.store, this.folders);
        return await this.setRuns([this.focus, ...chosen.filter((folder) => folder !== this.focus)]);
      }
      case 'removeRun': {
        const { folder } = this.run(request.run);
        const rest = this.folders.filter((other) => other !== folder);
        if (rest.length > 0) await this.setRuns(rest);
        return;
      }
      case 'copyText':
        return await vscode.env.clipboard.writeText(request.text);
      case 'savePicture':
        return await saveBytes(request.name, request.png, { PNG: ['png'] });
      case 'saveText':
        return await saveBytes(request.name, Buffer.from(request.text, 'utf8'), { CSV: ['csv'] });
    }
  }

  private async compareRows(first: string, second: string): Promise<void> {
    const runs = [this.run(first), this.run(second)] as const;
    const without = runs.find((run) => !hasModel(run));
    const answer = (comparison: RunComparison | null, problem: string | null): void =>
      this.wire.post({ type: 'comparison', first, second, comparison, problem });
    if (without) return answer(null, `${without.record.name} has no model yet.`);
    if (!vscode.workspace.isTrusted) return answer(null, 'This workspace is not trusted, so no model is loaded.');
    try {
      const folders: [string, string] = [runs[0].folder, runs[1].folder];
      answer(await this.options.service.request('run/compare', { runs: folders, limit: COMPARED_ROWS }), null);
    } catch (error) {
      if (isCancelled(error)) return answer(null, 'The comparison was cancelled.');
      const failure = toHostError(error);
      this.options.log.error(error instanceof Error ? error : failure);
      answer(null, sentence(failure));
    }
  }

  /** Does it, and answers once it is done or called off: until then the page shows that it was asked for. */
  private async act(action: RunAction, run: Run): Promise<void> {
    const outcome = await this.perform(action, run);
    // The page is told what became of the run before it is told that the request is over.
    this.flush();
    const now = this.options.store.get(run.folder);
    if (now) this.postRecord(now);
    this.wire.post({ type: 'acted', action, run: run.record.id, outcome });
  }

  /** What the buttons do is what the commands of the same name do; those tell the person themselves why they failed. */
  private async perform(action: RunAction, run: Run): Promise<ActionOutcome> {
    const commands: Partial<Record<RunAction, string>> = {
      pause: COMMANDS.pauseRun,
      resume: COMMANDS.resumeRun,
      stop: COMMANDS.stopRun,
      cancel: COMMANDS.cancelRun,
      duplicate: COMMANDS.duplicateRecipe,
      reveal: COMMANDS.revealRun,
      try: COMMANDS.tryModel,
      evaluate: COMMANDS.evaluateOnFile,
      measureCompletions: COMMANDS.measureCompletions,
      export: COMMANDS.exportRun,
      crossValidate: COMMANDS.crossValidate,
    };
    const command = commands[action];
    if (action === 'exportOnnx') {
      await exportOnnx(this.options.service, run);
      return 'done';
    }
    if (command) return (await vscode.commands.executeCommand<ActionOutcome | undefined>(command, run)) ?? 'done';
    if (action === 'openLog') await openRunLog(run);
    else if (run.record.recipe_path) await vscode.window.showTextDocument(vscode.Uri.file(run.record.recipe_path));
    else await vscode.commands.executeCommand(COMMANDS.duplicateRecipe, run);
    return 'done';
  }

  private run(id: string): Run {
    const run = this.folders.map((folder) => this.options.store.get(folder)).find((run) => run?.record.id === id);
    if (!run) throw new HostError('run-not-found', 'That run no longer exists.');
    return run;
  }

  private async sendSnapshot(): Promise<void> {
    this.ready = false;
    if (this.folders.length === 0) return;
    const snapshots: RunSnapshot[] = [];
    for (const folder of this.folders) {
      const run = this.options.store.get(folder);
      if (run) snapshots.push(await this.snapshot(run));
    }
    if (this.wire.closed) return;
    const focus =
      this.options.store.get(this.focus) ?? snapshots.map(({ record }) => this.options.store.find(record.id))[0];
    if (focus) this.entitle(focus);
    this.wire.post({ type: 'snapshot', runs: snapshots, focus: focus?.record.id ?? '' });
    this.ready = true;
    if (this.wanted) this.wire.post(this.wanted);
    this.wanted = null;
    // What came after a run's figures were copied.
    this.flush();
  }

  private entitle({ record }: Run): void {
    const others = this.folders.length - 1;
    this.panel.title = others > 0 ? `${record.name} +${others}` : record.name;
  }

  private async snapshot(run: Run): Promise<RunSnapshot> {
    const feed = this.feed(run.folder);
    await feed.read();
    const measured = await readMeasured(run.folder);
    const learned_files = await learntFiles(run);
    // From here to the copies nothing may come between: what is told later must not be told twice.
    this.fresh.delete(run.folder);
    return {
      record: { ...run.record, state: run.state },
      steps: feed.steps.toColumns(),
      events: [...feed.events],
      ...measured,
      learned_files,
      ...modelOf(run),
      read_only: this.readOnly(run),
      queue_position: this.options.starter.position(run),
    };
  }

  private feed(folder: string): RunFeed {
    let feed = this.feeds.get(folder);
    if (!feed) {
      feed = new RunFeed(folder);
      feed.onEvents = (events) => this.collect(folder, events);
      this.feeds.set(folder, feed);
    }
    return feed;
  }

  private collect(folder: string, events: RunEvent[]): void {
    if (!this.wire.visible) return;
    const waiting = this.fresh.get(folder);
    if (waiting) append(waiting, events);
    else this.fresh.set(folder, [...events]);
    if (this.ready) this.timer ??= setTimeout(() => this.flush(), POST_MS);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const [folder, events] of this.fresh) {
      const run = this.options.store.get(folder);
      if (run && this.ready) this.wire.post({ type: 'events', run: run.record.id, events });
    }
    this.fresh.clear();
  }

  private onChanged(run: Run): void {
    if (!this.folders.includes(run.folder)) return;
    if (this.options.store.get(run.folder) !== run) {
      this.wire.post({ type: 'gone', run: run.record.id });
      return;
    }
    // It may have been renamed.
    if (run.folder === this.focus) this.entitle(run);
    this.postRecord(run);
    const feed = this.feeds.get(run.folder);
    if (!feed || !this.ready) return;
    // A run that nobody is attached to (another window's, an untrusted workspace's) shows by its file alone.
    if (!this.options.store.connection(run)) void feed.read();
    void this.sendReports(run);
  }

  private async sendReports(run: Run): Promise<void> {
    const measured = await readMeasured(run.folder);
    const { reports, evaluations, report_problems, completions } = measured;
    const isNothing = reports.length + evaluations.length + report_problems.length === 0 && completions === null;
    if (!this.ready || isNothing) return;
    this.wire.post({ type: 'reports', run: run.record.id, ...measured });
  }

  private postRecord(run: Run): void {
    if (!this.ready) return;
    this.wire.post({
      type: 'record',
      record: { ...run.record, state: run.state },
      queue_position: this.options.starter.position(run),
      ...modelOf(run),
    });
  }

  private readOnly(run: Run): string | null {
    if (run.readOnly) return run.readOnly;
    return vscode.workspace.isTrusted ? null : 'This workspace is not trusted: you can view runs, but not change them.';
  }
}

/** Where a run's model is, and in what forms. */
function modelOf(run: Run): { model_folder: string | null; has_onnx: boolean } {
  if (!hasModel(run)) return { model_folder: null, has_onnx: false };
  const folder = join(run.folder, run.record.model ?? 'model');
  return { model_folder: folder, has_onnx: existsSync(join(folder, 'onnx', 'model.onnx')) };
}
