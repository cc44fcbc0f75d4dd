import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { mapLimited } from '../../files/folders.ts';
import {
  type PageRequest,
  parseRunsRequest,
  parseRunsState,
  type RunRow,
  type RunsMessage,
  type RunsRequest,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { type Measured, NOT_MEASURED, readMeasured, runRow } from '../../runs/row.ts';
import { HostError } from '../errors.ts';
import { COMMANDS, PANELS } from '../ids.ts';
import type { Log } from '../log.ts';
import type { Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { saveBytes } from './open.ts';
import { Panel } from './panel.ts';
import { OnlyPanel } from './panels.ts';

const TITLE = 'Runs';
/** Runs that change while the table is seen are drawn this often; a run's steps less often. */
const DRAW_MS = 200;
const PROGRESS_MS = 1000;
/** Evaluations read at once: each may have some megabytes. */
const READERS = 4;

export interface RunTablesOptions {
  extension: vscode.Uri;
  store: Pick<RunStore, 'all' | 'get' | 'changed' | 'events' | 'broken' | 'brokenChanged'>;
  /** The first look at the runs. */
  load(): Promise<void>;
  log: Log;
}

/** The runs table: one, of all runs. */
export class RunTables extends OnlyPanel {
  private readonly options: RunTablesOptions;
  /** Kept from one page to the next: evaluations are read once. */
  private readonly measured = new Map<string, { mark: string; value: Measured }>();

  constructor(options: RunTablesOptions) {
    super(PANELS.runs, options.extension, TITLE, parseRunsState);
    this.options = options;
  }

  protected start(panel: vscode.WebviewPanel): RunTable {
    return new RunTable(panel, this.options, this.measured);
  }
}

/** One panel: sends each run as its record says it, then with what its evaluation and its events say. */
export class RunTable {
  private readonly options: RunTablesOptions;
  private readonly measured: Map<string, { mark: string; value: Measured }>;
  private readonly wire: Panel<RunsRequest, RunsMessage>;
  private readonly subscriptions: { dispose(): void }[];
  private readonly due = new Set<string>();
  /** Rows as the page has them. */
  private readonly sent = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private timerAt = 0;
  private reading: Promise<void> | null = null;
  /** Something changed while evaluations were read. */
  private again = false;
  private ready = false;
  private closed = false;

  constructor(
    panel: vscode.WebviewPanel,
    options: RunTablesOptions,
    measured: Map<string, { mark: string; value: Measured }>,
  ) {
    this.options = options;
    this.measured = measured;
    const { store, log, extension } = options;
    this.wire = new Panel(
      panel,
      extension,
      { name: 'runs', title: TITLE },
      log,
      parseRunsRequest,
      (request) => this.handle(request),
      (request, error) => error && { type: 'failed', request: request.type, error },
    );
    this.subscriptions = [
      store.changed.on((runs) => this.drawSoon(runs, DRAW_MS)),
      store.events.on(({ run, event }) => {
        if (event.event === 'step') this.drawSoon([run], PROGRESS_MS);
      }),
      store.brokenChanged.on(() => this.wire.post({ type: 'broken', broken: this.broken() })),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.send()),
    ];
  }

  dispose(): void {
    this.closed = true;
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async handle(request: Exclude<RunsRequest, PageRequest>): Promise<void> {
    switch (request.type) {
      case 'ready':
        await this.options.load();
        this.ready = true;
        this.send();
        return;
      case 'open':
        await vscode.commands.executeCommand(COMMANDS.openDashboard, this.run(request.run));
        return;
      case 'compare': {
        const runs = request.runs.map((folder) => this.run(folder));
        await vscode.commands.executeCommand(COMMANDS.compareRuns, runs[0], runs);
        return;
      }
      case 'tag': {
        const runs = request.runs.map((folder) => this.run(folder));
        await vscode.commands.executeCommand(COMMANDS.tagRun, runs[0], runs);
        return;
      }
      case 'save':
        await saveBytes('runs.csv', new TextEncoder().encode(request.csv), { 'CSV file': ['csv'] });
        return;
      case 'reveal': {
        const broken = this.options.store.broken.find(({ path }) => path === request.path);
        if (broken) await vscode.commands.executeCommand(COMMANDS.revealBroken, broken);
        return;
      }
      case 'start':
        await vscode.commands.executeCommand(COMMANDS.fineTuneSelection);
    }
  }

  private run(folder: string): Run {
    const run = this.options.store.get(folder);
    if (run) return run;
    throw new HostError('run-not-found', 'The run no longer exists.');
  }

  private broken() {
    return this.options.store.broken.map(({ path, problem }) => ({ path, problem }));
  }

  private send(): void {
    if (!this.ready) return;
    const rows = this.options.store.all().map((run) => this.row(run));
    this.sent.clear();
    for (const row of rows) this.sent.set(row.run, JSON.stringify(row));
    this.wire.post({ type: 'snapshot', rows, broken: this.broken(), changeable: vscode.workspace.isTrusted });
    this.measure();
  }

  private row(run: Run): RunRow {
    const { state, silent, readOnly, damaged, progress } = run;
    const shown = { state, silent, problem: damaged ? readOnly : null };
    const steps = progress ? { step: progress.step, total: progress.totalSteps } : {};
    return runRow(run.folder, run.record, { ...shown, ...steps }, this.measured.get(run.folder)?.value ?? NOT_MEASURED);
  }

  private drawSoon(runs: readonly Run[], ms: number): void {
    if (!this.ready) return;
    for (const run of runs) this.due.add(run.folder);
    const at = performance.now() + ms;
    if (this.timer && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.draw();
      this.measure();
    }, ms);
  }

  /** Sends the rows that are due and say something else than the page has. */
  private draw(): void {
    const rows: RunRow[] = [];
    const removed: string[] = [];
    for (const folder of this.due) {
      const run = this.options.store.get(folder);
      if (!run) {
        if (this.sent.delete(folder)) removed.push(folder);
        this.measured.delete(folder);
        continue;
      }
      const row = this.row(run);
      const text = JSON.stringify(row);
      if (this.sent.get(folder) === text) continue;
      this.sent.set(folder, text);
      rows.push(row);
    }
    this.due.clear();
    if (rows.length + removed.length > 0) this.wire.post({ type: 'changed', rows, removed });
  }

  /** Reads what is not known yet of the runs' evaluations, and sends the rows as they come to be known. */
  private measure(): void {
    if (this.reading) {
      this.again = true;
      return;
    }
    this.again = false;
    this.reading = this.read()
      .catch((error: Error) => this.options.log.warn(`Evaluations of runs: ${error.message}`))
      .finally(() => {
        this.reading = null;
        if (this.again) this.measure();
      });
  }

  private async read(): Promise<void> {
    const runs = this.options.store.all().filter(({ record }) => record.started_at !== null);
    await mapLimited(runs, READERS, async ({ folder, state }) => {
      if (this.closed || !this.wire.visible) return;
      const mark = await markOf(folder, state);
      if (this.measured.get(folder)?.mark === mark) return;
      this.measured.set(folder, { mark, value: await readMeasured(folder) });
      const run = this.options.store.get(folder);
      if (run) this.drawSoon([run], DRAW_MS);
    });
  }
}

/** What is measured of a run is another once this is: its evaluation was written again, or its data was read. */
async function markOf(folder: string, state: string): Promise<string> {
  const time = await stat(join(folder, FILES.evaluation)).catch(() => null);
  return `${state} ${time?.mtimeMs ?? 0}`;
}
