import * as vscode from 'vscode';
import { formatBytes } from '../protocol/index.ts';
import { resumeExample } from './commands/example.ts';
import { registerCommands } from './commands/index.ts';
import { CompletionStatus } from './completions/status.ts';
import { Luthier } from './context.ts';
import { PANELS, type SettingName, VIEWS } from './ids.ts';
import { notifyEnds } from './notifications.ts';
import { PromptLens } from './prompts/codelens.ts';
import { PROMPT_SELECTOR } from './prompts/documents.ts';
import { RecipeActions } from './recipes/code-actions.ts';
import { RECIPE_SELECTOR, RecipeLens } from './recipes/code-lens.ts';
import { StatusBar } from './status-bar.ts';
import { DatasetsTree } from './trees/datasets-tree.ts';
import { RunsTree, selectedRuns } from './trees/runs-tree.ts';
import { selectedNodes } from './trees/selection.ts';
import { showError } from './ui.ts';

/** What a test or another extension gets from `activate`. */
export interface LuthierApi {
  /** Milliseconds of our own work in `activate`. */
  activationMs: number;
}

/** Settings that decide which engine runs and how: after a change the next request starts it anew. */
const ENGINE_SETTINGS: readonly SettingName[] = [
  'luthier.node.path',
  'luthier.node.registry',
  'luthier.huggingFace.endpoint',
  'luthier.huggingFace.cacheFolder',
];

/** Registers everything and reads nothing: folders are looked at once the window has drawn itself. */
export function activate(context: vscode.ExtensionContext): LuthierApi {
  const started = performance.now();
  const luthier = new Luthier(context);
  const runsTree = new RunsTree(luthier.runs, luthier.starter);
  const datasetsTree = new DatasetsTree(luthier.datasets, luthier.log);
  const lens = new RecipeLens(luthier);
  const promptLens = new PromptLens(luthier.templateModels, luthier.runs);
  const runsView = vscode.window.createTreeView(VIEWS.runs, {
    treeDataProvider: runsTree,
    canSelectMany: true,
    showCollapseAll: true,
  });
  const datasetsView = vscode.window.createTreeView(VIEWS.datasets, {
    treeDataProvider: datasetsTree,
    dragAndDropController: datasetsTree,
    canSelectMany: true,
    showCollapseAll: true,
  });
  luthier.diskMeasured.on((bytes) => {
    runsView.description = bytes > 0 ? `${formatBytes(bytes)} on disk` : '';
  });
  luthier.selectedRuns = () => selectedRuns(runsView, runsTree);
  luthier.selectedDatasets = () => selectedNodes(datasetsView, datasetsTree);
  context.subscriptions.push(
    luthier,
    runsTree,
    datasetsTree,
    lens,
    new StatusBar(luthier),
    new CompletionStatus(luthier),
    notifyEnds(luthier),
    registerCommands(luthier),
    runsView,
    datasetsView,
    vscode.languages.registerCodeLensProvider(RECIPE_SELECTOR, lens),
    vscode.languages.registerCodeActionsProvider(
      RECIPE_SELECTOR,
      new RecipeActions(luthier.recipes),
      RecipeActions.kinds,
    ),
    vscode.window.registerWebviewPanelSerializer(PANELS.dashboard, luthier.dashboards),
    vscode.window.registerWebviewPanelSerializer(PANELS.tryout, luthier.tryouts),
    vscode.window.registerWebviewPanelSerializer(PANELS.chat, luthier.chats),
    vscode.window.registerWebviewPanelSerializer(PANELS.dataset, luthier.inspections),
    vscode.window.registerWebviewPanelSerializer(PANELS.prompt, luthier.prompts),
    vscode.window.registerWebviewPanelSerializer(PANELS.completions, luthier.completionPages),
    vscode.window.registerWebviewPanelSerializer(PANELS.runs, luthier.runTables),
    vscode.window.registerWebviewPanelSerializer(PANELS.comparison, luthier.comparisons),
    promptLens,
    vscode.languages.registerCodeLensProvider(PROMPT_SELECTOR, promptLens),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (ENGINE_SETTINGS.some((name) => change.affectsConfiguration(name))) void luthier.engine.restart();
      if (change.affectsConfiguration('luthier.datasets')) luthier.datasets.refresh();
    }),
  );
  setImmediate(() => {
    void resumeExample(luthier).catch((error: unknown) => showError(error, luthier.log));
    luthier
      .load()
      .then(() => luthier.completions.look())
      .catch((error: Error) => luthier.log.error(error));
  });
  const activationMs = performance.now() - started;
  luthier.log.info(`Activated in ${activationMs.toFixed(1)} ms`);
  return { activationMs };
}
