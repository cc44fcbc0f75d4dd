import * as vscode from 'vscode';
import { COMMANDS, TREE_ITEMS } from '../ids.ts';
import { describeRunItem, runContextValue, stateIcon, stateWord, tooltipLines } from '../runs/present.ts';
import { datasetName, type Run } from '../runs/run.ts';
import type { RunStarter } from '../runs/starter.ts';
import type { RunStore } from '../runs/store.ts';

export interface RunGroup {
  group: string;
}
export type RunNode = RunGroup | Run;

const isGroup = (node: RunNode): node is RunGroup => 'group' in node;
export const isRun = (node: RunNode): node is Run => !isGroup(node);

/** A working run's line is drawn at most this often. */
const REDRAW_MS = 1000;

/** Runs, grouped by the data set that they learn from, newest first. */
export class RunsTree implements vscode.TreeDataProvider<RunNode>, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<RunNode | undefined>();
  readonly onDidChangeTreeData = this.emitter.event;
  private readonly groups = new Map<string, RunGroup>();
  private readonly store: RunStore;
  private readonly starter: RunStarter;
  private readonly subscriptions: { dispose(): void }[];
  private readonly due = new Map<Run, NodeJS.Timeout>();
  /** Folders drawn so far; a change within them redraws a line, any other the whole tree. */
  private drawn = new Map<string, string>();
  private whole: NodeJS.Timeout | undefined;

  constructor(store: RunStore, starter: RunStarter) {
    this.store = store;
    this.starter = starter;
    this.subscriptions = [
      store.changed.on((runs) => this.onChanged(runs)),
      store.events.on(({ run, event }) => {
        if (event.event === 'step') this.redrawSoon(run);
      }),
      starter.changed.on(() => this.redrawAll()),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const timer of this.due.values()) clearTimeout(timer);
    clearTimeout(this.whole);
    this.emitter.dispose();
  }

  getChildren(node?: RunNode): RunNode[] {
    const runs = this.store.all();
    if (!node) {
      this.drawn = new Map(runs.map((run) => [run.folder, datasetName(run.record)]));
      return [...new Set(this.drawn.values())].map((name) => this.group(name));
    }
    return isGroup(node) ? runs.filter((run) => datasetName(run.record) === node.group) : [];
  }

  getParent(node: RunNode): RunNode | undefined {
    return isGroup(node) ? undefined : this.group(datasetName(node.record));
  }

  getTreeItem(node: RunNode): vscode.TreeItem {
    if (isGroup(node)) {
      const item = new vscode.TreeItem(node.group, vscode.TreeItemCollapsibleState.Expanded);
      item.id = `group:${node.group}`;
      item.iconPath = new vscode.ThemeIcon('database');
      item.contextValue = TREE_ITEMS.runGroup;
      return item;
    }
    const description = describeRunItem(node, this.starter.position(node));
    const item = new vscode.TreeItem(node.record.name, vscode.TreeItemCollapsibleState.None);
    item.id = node.folder;
    item.description = node.record.note ? `${description} — ${node.record.note}` : description;
    const { icon, color } = stateIcon(node);
    item.iconPath = new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
    item.contextValue = runContextValue(node);
    item.accessibilityInformation = { label: `${node.record.name}, ${stateWord(node)}, ${description}` };
    item.command = { command: COMMANDS.openDashboard, title: 'Open Dashboard', arguments: [node] };
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, node: RunNode): vscode.TreeItem {
    if (!isGroup(node)) item.tooltip = new vscode.MarkdownString(tooltipLines(node).join('\n\n'), true);
    return item;
  }

  private group(name: string): RunGroup {
    let group = this.groups.get(name);
    if (!group) {
      group = { group: name };
      this.groups.set(name, group);
    }
    return group;
  }

  private onChanged(runs: readonly Run[]): void {
    const known = (run: Run) =>
      this.store.get(run.folder) === run && this.drawn.get(run.folder) === datasetName(run.record);
    if (runs.length > 20 || !runs.every(known)) this.redrawAll();
    else for (const run of runs) this.emitter.fire(run);
  }

  private redrawAll(): void {
    // Many changes at once (a first look, a folder deleted) are one drawing.
    this.whole ??= setTimeout(() => {
      this.whole = undefined;
      this.emitter.fire(undefined);
    }, 30);
  }

  private redrawSoon(run: Run): void {
    if (this.due.has(run)) return;
    this.due.set(
      run,
      setTimeout(() => {
        this.due.delete(run);
        if (this.store.get(run.folder) === run) this.emitter.fire(run);
      }, REDRAW_MS),
    );
  }
}
