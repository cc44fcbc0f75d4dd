import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { diskUse } from '../files/folders.ts';
import { HOME } from '../guard/index.ts';
import { FILES } from '../runs/folder.ts';
import { Achievements } from './achievements.ts';
import { trainCandidate, workOn } from './commands/compare.ts';
import { pickModel } from './commands/models.ts';
import { tryChange } from './commands/try-change.ts';
import { Completions } from './completions/completions.ts';
import { ContextKeys, runKeys } from './context-keys.ts';
import { describeDataset } from './datasets/dataset.ts';
import { DatasetStore } from './datasets/store.ts';
import { EngineHost } from './engine/host.ts';
import { Emitter } from './events.ts';
import { Homes } from './homes.ts';
import { type Achievement, CONTEXT_KEYS, MEMENTO_KEYS } from './ids.ts';
import { tellDisk } from './notifications.ts';
import { EndpointKeys } from './prompts/endpoint-keys.ts';
import { PromptLanguage } from './prompts/language.ts';
import { listPromptModels } from './prompts/model-names.ts';
import { TemplateModels } from './prompts/models.ts';
import { PromptPanels } from './prompts/prompt-panels.ts';
import { followTemplate } from './prompts/template-key.ts';
import { RecipeDiagnostics } from './recipes/diagnostics.ts';
import { RunActions } from './runs/actions.ts';
import { RunsDisk } from './runs/disk.ts';
import type { Run } from './runs/run.ts';
import { RunStarter } from './runs/starter.ts';
import { RunStore } from './runs/store.ts';
import { setting } from './settings.ts';
import type { DatasetNode } from './trees/datasets-tree.ts';
import { showError } from './ui.ts';
import { Chats } from './views/chat.ts';
import { Comparisons } from './views/comparison.ts';
import { CompletionPages } from './views/completion-counts.ts';
import { Dashboards } from './views/dashboard.ts';
import { Inspections } from './views/inspection.ts';
import { Reports } from './views/reports.ts';
import { RunTables } from './views/runs-table.ts';
import { Tryouts } from './views/tryout.ts';

/** How often folders are looked at again, for file systems that do not tell of changes. */
const POLL_MS = 5_000;

/**
 * Owns everything that lives as long as the window: log, engine, stores, panels. Making one reads nothing and starts
 * nothing; `load` does the first reading, and the engine starts with the first request.
 */
export class Luthier implements vscode.Disposable {
  readonly extension: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly engine: EngineHost;
  readonly homes: Homes;
  readonly runs: RunStore;
  readonly starter: RunStarter;
  readonly actions: RunActions;
  readonly datasets: DatasetStore;
  readonly recipes: RecipeDiagnostics;
  readonly promptLanguage: PromptLanguage;
  readonly disk: RunsDisk;
  /** The disk that all runs take, in bytes, whenever it is known again. */
  readonly diskMeasured = new Emitter<number>();
  readonly dashboards: Dashboards;
  readonly runTables: RunTables;
  readonly tryouts: Tryouts;
  readonly chats: Chats;
  readonly inspections: Inspections;
  readonly endpointKeys: EndpointKeys;
  readonly templateModels: TemplateModels;
  readonly prompts: PromptPanels;
  readonly completions: Completions;
  readonly completionPages: CompletionPages;
  readonly comparisons: Comparisons;
  readonly reports = new Reports();
  /** Those selected in the tree while it is seen: what a key pressed there means. */
  selectedRuns: () => Promise<readonly Run[]> = async () => [];
  /** Likewise in the datasets' tree: datasets, and lines under them. */
  selectedDatasets: () => Promise<readonly DatasetNode[]> = async () => [];
  private readonly disposables: { dispose(): void }[] = [];
  private loading: Promise<void> | null = null;
  private knowing: Promise<void> | null = null;
  private readonly achievements: Achievements;
  private readonly keys = new ContextKeys((key, value) => {
    void vscode.commands.executeCommand('setContext', key, value);
  });

  constructor(extension: vscode.ExtensionContext) {
    this.extension = extension;
    this.log = vscode.window.createOutputChannel('Luthier', { log: true });
    this.achievements = new Achievements(extension.globalState);
    this.engine = new EngineHost(extension, this.log);
    this.homes = new Homes(extension);
    this.runs = new RunStore({
      log: this.log,
      client: `vscode ${vscode.version}`,
      mayConnect: () => vscode.workspace.isTrusted,
    });
    this.starter = new RunStarter({
      store: this.runs,
      log: this.log,
      launch: (folder, launch) => this.engine.launchRun(folder, launch),
      mayStart: () => vscode.workspace.isTrusted,
      onFailure: (_run, error) => showError(error, this.log),
    });
    this.actions = new RunActions(this.runs, this.starter);
    this.datasets = new DatasetStore({
      service: this.engine.service,
      homes: () => this.homes.list(),
      find: async () => {
        try {
          return await findDataFiles();
        } catch (error) {
          this.log.warn(`Looking for data files: ${(error as Error).message}`);
          return [];
        }
      },
      added: {
        get: () => extension.workspaceState.get<string[]>(MEMENTO_KEYS.addedDatasets, []),
        set: async (paths) => await extension.workspaceState.update(MEMENTO_KEYS.addedDatasets, [...new Set(paths)]),
      },
    });
    this.recipes = new RecipeDiagnostics({
      byEngine: (text, base, signal) => this.engine.checkRecipe(text, base, signal),
      byText: (text) => this.engine.checkRecipeText(text),
      log: this.log,
    });
    this.datasets.changed.on(() => this.recipes.checkOpen());
    this.disk = new RunsDisk({
      store: this.runs,
      measure: diskUse,
      limit: () => setting('luthier.runs.diskWarning'),
      onMeasured: (bytes) => this.diskMeasured.fire(bytes),
      onLimit: (bytes) => void tellDisk(bytes),
      log: this.log,
    });
    const shared = {
      extension: extension.extensionUri,
      store: this.runs,
      service: this.engine.service,
      log: this.log,
      find: (ids: readonly string[]) => this.find(ids),
    };
    this.dashboards = new Dashboards({
      ...shared,
      starter: this.starter,
      actions: this.actions,
      tryChange: (run, change) => tryChange(this, run, change),
    });
    this.runTables = new RunTables({ ...shared, load: () => this.load() });
    this.tryouts = new Tryouts(shared);
    this.chats = new Chats(shared);
    this.inspections = new Inspections({
      ...shared,
      datasets: this.datasets,
      askModel: (task, before) => pickModel(this, { task, before }),
    });
    this.endpointKeys = new EndpointKeys(extension.secrets);
    const { workspaceState: memento } = extension;
    this.templateModels = new TemplateModels({ extension: extension.extensionUri, runs: this.runs, memento });
    this.prompts = new PromptPanels({
      ...{ extension: shared.extension, log: shared.log, runs: this.runs, memento },
      service: this.engine.service,
      ...{ models: this.templateModels, keys: this.endpointKeys },
    });
    this.completions = new Completions({
      ...{ extension, engine: this.engine, runs: this.runs, log: this.log },
      achieved: (step) => this.achieved(step),
    });
    this.completionPages = new CompletionPages({
      ...{ extension: shared.extension, log: shared.log },
      completions: this.completions,
    });
    this.comparisons = new Comparisons({
      ...{ extension: shared.extension, log: shared.log, service: this.engine.service },
      work: (session) => workOn(this, session),
      train: (asked, recipe, start) => trainCandidate(this, asked, recipe, start),
    });
    this.promptLanguage = new PromptLanguage({
      list: () => this.datasets.list(),
      inspect: (dataset) => this.datasets.inspect(dataset),
      dataChanged: this.datasets.changed,
      ask: (params, signal) => this.engine.service.request('prompt/check', params, { signal }),
      modelOf: (document) => this.templateModels.folderOf(document),
      models: async () =>
        await listPromptModels((await this.engine.startsQuietly()) ? this.engine.service : null, this.runs),
      datasets: async () =>
        (await this.datasets.list()).map((dataset) => ({
          path: dataset.path,
          detail: describeDataset(dataset, (path) => vscode.workspace.asRelativePath(path)),
        })),
      mayStart: () => this.engine.startsQuietly(),
      log: this.log,
    });
    this.disposables.push(
      followTemplate((isTemplate) => this.keys.set({ [CONTEXT_KEYS.template]: isTemplate })),
      this.achievements,
      this.disk,
      this.recipes,
      this.promptLanguage,
      this.dashboards,
      this.runTables,
      this.tryouts,
      this.chats,
      this.inspections,
      this.prompts,
      this.completionPages,
      this.comparisons,
      this.completions,
      this.templateModels,
      this.reports,
      this.starter,
      this.runs,
      this.engine,
      this.homes,
      this.log,
    );
    this.runs.changed.on(() => {
      const runs = this.runs.all();
      this.keys.set(runKeys(runs));
      if (runs.length > 0) this.achieved('started');
    });
    this.datasets.listed.on((datasets) => {
      if (datasets.length > 0) this.achieved('brought');
      this.keys.set({
        [CONTEXT_KEYS.hasDatasets]: datasets.length > 0,
        [CONTEXT_KEYS.hasOwnDatasets]: datasets.some(({ kind }) => kind !== 'found'),
      });
    });
  }

  /** Runs by their ids. Those in the workspace's own folders are known soon; for others everything is searched. */
  async find(ids: readonly string[]): Promise<Run[]> {
    const known = () => ids.map((id) => this.runs.find(id)).filter((run) => run !== undefined);
    await this.knowOwn();
    if (known().length < ids.length) await this.load();
    return known();
  }

  /** First look at the runs, once; then the folders are watched. */
  load(): Promise<void> {
    this.loading ??= this.firstLook();
    return this.loading;
  }

  /** Takes a `.luthier` folder in that may be new, and reads its runs. */
  async include(home: string): Promise<void> {
    this.homes.add(home);
    await this.refreshRuns();
  }

  async refreshRuns(): Promise<void> {
    await this.runs.setHomes(this.homes.list());
    await this.starter.reload(this.homes.list());
  }

  /** The service, where it may run: what finds rows that have moved. */
  rowService(): EngineHost['service'] | null {
    return vscode.workspace.isTrusted ? this.engine.service : null;
  }

  /** A run just made by the service, known to the store from here on. */
  async adopt(folder: string): Promise<Run> {
    await this.include(dirname(dirname(folder)));
    const run = (await this.runs.refreshRun(folder)) ?? this.runs.get(folder);
    if (!run) throw new Error(`The run was created, but its folder ${folder} is missing.`);
    return run;
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private knowOwn(): Promise<void> {
    this.knowing ??= this.refreshRuns();
    return this.knowing;
  }

  private async firstLook(): Promise<void> {
    // The page with the walkthroughs may be what this window was opened for.
    this.achievements.announce();
    await this.knowOwn();
    this.watch();
    this.runs.poll(POLL_MS);
    try {
      await this.homes.search();
    } catch (error) {
      // The workspace folders' own are known all the same.
      this.log.warn(`Looking for ${HOME} folders: ${(error as Error).message}`);
    }
    await this.refreshRuns();
  }

  private watch(): void {
    const records = vscode.workspace.createFileSystemWatcher(`**/${HOME}/runs/*/run.json`);
    const recordChanged = (uri: vscode.Uri) => {
      if (uri.scheme !== 'file') return;
      const folder = dirname(uri.fsPath);
      const home = dirname(dirname(folder));
      if (this.homes.add(home)) void this.refreshRuns();
      else void this.runs.refreshRun(folder);
    };
    records.onDidCreate(recordChanged);
    records.onDidChange(recordChanged);
    records.onDidDelete(() => void this.runs.refresh());
    // By this window, another one, or a terminal.
    const measurements = vscode.workspace.createFileSystemWatcher(`**/${HOME}/runs/*/${FILES.completions}`);
    const measured = (uri: vscode.Uri) => {
      if (uri.scheme === 'file') void this.dashboards.measured(dirname(uri.fsPath));
    };
    measurements.onDidCreate(measured);
    measurements.onDidChange(measured);
    const queues = vscode.workspace.createFileSystemWatcher(`**/${HOME}/queue.json`);
    const queueChanged = () => void this.starter.reload(this.homes.list());
    queues.onDidCreate(queueChanged);
    queues.onDidChange(queueChanged);
    const data = vscode.workspace.createFileSystemWatcher(
      '**/*.{csv,tsv,jsonl,conll,iob,iob2,bio}',
      false,
      true,
      false,
    );
    const made = vscode.workspace.createFileSystemWatcher(`**/${HOME}/datasets/*/dataset.json`, false, false, false);
    let soon: NodeJS.Timeout | undefined;
    const datasetsChanged = () => {
      clearTimeout(soon);
      // A checkout of a branch touches many files at once: one look will do.
      soon = setTimeout(() => this.datasets.refresh(), 300);
    };
    const dataChanged = (uri: vscode.Uri) => {
      if (!uri.path.includes(`/${HOME}/`)) datasetsChanged();
    };
    data.onDidCreate(dataChanged);
    data.onDidDelete(dataChanged);
    made.onDidCreate(datasetsChanged);
    made.onDidChange(datasetsChanged);
    made.onDidDelete(datasetsChanged);
    // A folder deleted whole is told of as that folder alone, not as the files in it.
    const folders = [HOME, ...['runs', 'datasets'].flatMap((name) => [`${HOME}/${name}`, `${HOME}/${name}/*`])];
    const removed = vscode.workspace.createFileSystemWatcher(`**/{${folders.join(',')}}`, true, true, false);
    removed.onDidDelete(() => {
      void this.runs.refresh();
      datasetsChanged();
    });
    this.disposables.push(
      records,
      measurements,
      queues,
      data,
      made,
      removed,
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        void this.refreshRuns();
        this.datasets.refresh();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.refreshRuns()),
    );
  }

  /** Ticks a step of a walkthrough off. */
  achieved(step: Achievement): void {
    this.achievements.add(step);
  }
}

/** Files of the workspace that are or could be datasets. Throws what the editor's search throws. */
async function findDataFiles(): Promise<string[]> {
  const files = await vscode.workspace.findFiles(
    setting('luthier.datasets.include'),
    setting('luthier.datasets.exclude') || null,
    500,
  );
  return files.filter((uri) => uri.scheme === 'file').map((uri) => uri.fsPath);
}
