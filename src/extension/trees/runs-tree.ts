import * as vscode from 'vscode';
import { type Broken, isBroken } from '../../files/broken.ts';
import {
  type Compared,
  counted,
  formatMetric,
  metricName,
  type TrainingResult,
  trainingName,
  trainingsOf,
} from '../../protocol/index.ts';
import { COMMANDS, TREE_ITEMS } from '../ids.ts';
import { describeRunItem, runContextValue, stateIcon, stateWord, tooltipLines } from '../runs/present.ts';
import { datasetName, decisiveMetric, type Run } from '../runs/run.ts';
import type { RunStarter } from '../runs/starter.ts';
import type { RunStore } from '../runs/store.ts';
import { tooltip } from '../ui.ts';
import { brokenItem } from './broken-item.ts';
import { Drawing, selectedNodes } from './selection.ts';

export interface RunGroup {
  group: string;
}
/** The runs of a comparison or a search on the same data. */
export interface RunSet {
  set: string;
  group: RunGroup;
}
/** A finished training of a run that has several: a fold of a cross-validation (null for its model of all rows), or a seed. */
export interface RunPart {
  of: Run;
  part: TrainingResult | null;
}
export type RunNode = RunGroup | RunSet | Run | RunPart | Broken;

const isPart = (node: RunNode): node is RunPart => 'of' in node;
const isSet = (node: RunNode): node is RunSet => 'set' in node;
const isGroup = (node: RunNode): node is RunGroup => 'group' in node && !isSet(node);
const isRun = (node: RunNode): node is Run => 'record' in node;

/** A working run's line shows how far it is at most this often. */
const PROGRESS_MS = 1000;
/** Many changes at once (a first look, a folder deleted) are one drawing. */
const SOON_MS = 30;
/** VS Code draws once it has been told nothing for 200 ms: told of every checkpoint of a fast run, it would never do. */
const PAUSE_MS = 300;

/** Runs, grouped by the dataset that they learn from, newest first. */
export class RunsTree implements vscode.TreeDataProvider<RunNode>, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<RunNode | undefined>();
  readonly onDidChangeTreeData = this.emitter.event;
  private readonly groups = new Map<string, RunGroup>();
  private readonly sets = new Map<string, RunSet>();
  private readonly store: RunStore;
  private readonly starter: RunStarter;
  private readonly subscriptions: { dispose(): void }[];
  /** Runs whose lines are to be drawn. */
  private readonly due = new Set<Run>();
  private wholeDue = false;
  /** Runs drawn so far, with their groups; a change within a group redraws a line, any other the whole tree. */
  private drawn = new Map<Run, string>();
  /** What the lines say: one that says the same is not drawn anew, which costs a machine without a GPU. */
  private readonly said = new WeakMap<Run, string>();
  private timer: NodeJS.Timeout | undefined;
  private timerAt = 0;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private readonly drawing = new Drawing<RunNode>();

  constructor(store: RunStore, starter: RunStarter) {
    this.store = store;
    this.starter = starter;
    this.subscriptions = [
      store.changed.on((runs) => {
        for (const run of runs) this.due.add(run);
        this.drawIn(SOON_MS);
      }),
      store.events.on(({ run, event }) => {
        if (event.event !== 'step') return;
        this.due.add(run);
        this.drawIn(PROGRESS_MS);
      }),
      store.brokenChanged.on(() => {
        this.wholeDue = true;
        this.drawIn(SOON_MS);
      }),
      starter.changed.on(() => {
        this.wholeDue = true;
        this.drawIn(SOON_MS);
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    clearTimeout(this.timer);
    this.emitter.dispose();
  }

  /** VS Code may be drawing the whole tree, and then knows of no selection until it has every line again. */
  get mayBeDrawing(): boolean {
    return this.drawing.mayBe;
  }

  getChildren(node?: RunNode): RunNode[] {
    this.drawing.made(node);
    const runs = this.store.all();
    if (!node) {
      this.drawn = new Map(runs.map((run) => [run, datasetName(run.record)]));
      const groups = [...new Set(this.drawn.values())].map((name) => this.group(name));
      return [...this.starter.broken, ...this.store.broken, ...groups];
    }
    if (isRun(node)) return partsOf(node);
    if (isSet(node)) return runs.filter((run) => this.setOf(run) === node);
    if (!isGroup(node)) return [];
    const own = runs.filter((run) => datasetName(run.record) === node.group);
    // Each set stands where the newest of its runs would.
    return [...new Set(own.map((run) => this.setOf(run) ?? run))];
  }

  getParent(node: RunNode): RunNode | undefined {
    if (isPart(node)) return node.of;
    if (isSet(node)) return node.group;
    return isRun(node) ? (this.setOf(node) ?? this.group(datasetName(node.record))) : undefined;
  }

  getTreeItem(node: RunNode): vscode.TreeItem {
    if (isBroken(node)) return brokenItem(node);
    if (isGroup(node)) {
      const item = new vscode.TreeItem(node.group, vscode.TreeItemCollapsibleState.Expanded);
      item.id = `group:${node.group}`;
      item.iconPath = new vscode.ThemeIcon('database');
      item.contextValue = TREE_ITEMS.runGroup;
      return item;
    }
    if (isPart(node)) return partItem(node);
    if (isSet(node)) return setItem(node, this.getChildren(node).filter(isRun));
    const item = this.line(node);
    this.said.set(node, JSON.stringify(item));
    return item;
  }

  private line(run: Run): vscode.TreeItem {
    const description = describeRunItem(run, this.starter.position(run));
    const { None, Collapsed } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(run.record.name, partsOf(run).length > 0 ? Collapsed : None);
    item.id = run.folder;
    const tags = (run.record.tags ?? []).map((tag) => `#${tag}`);
    const described = [description, ...tags].filter(Boolean).join(' ');
    item.description = run.record.note ? `${described} — ${run.record.note}` : described;
    const { icon, color } = stateIcon(run);
    item.iconPath = new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
    item.contextValue = runContextValue(run);
    item.accessibilityInformation = { label: `${run.record.name}, ${stateWord(run)}, ${described}` };
    // Without arguments: VS Code forgets them whenever it draws the line anew, and a click that comes just then is lost.
    item.command = { command: COMMANDS.openDashboard, title: 'Open Dashboard' };
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, node: RunNode): vscode.TreeItem {
    if (isRun(node)) item.tooltip = tooltip(tooltipLines(node).join('\n\n'));
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

  /** The comparison or search that a run was made for. */
  private setOf({ record }: Run): RunSet | undefined {
    if (!record.comparison) return undefined;
    const name = datasetName(record);
    const key = JSON.stringify([record.comparison.id, name]);
    const set = this.sets.get(key) ?? { set: record.comparison.id, group: this.group(name) };
    this.sets.set(key, set);
    return set;
  }

  private drawIn(ms: number): void {
    const at = Math.max(performance.now() + ms, this.drawnAt + PAUSE_MS);
    if (this.timer && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => this.draw(), at - performance.now());
  }

  private draw(): void {
    this.timer = undefined;
    this.drawnAt = performance.now();
    const runs = [...this.due];
    const inPlace = (run: Run) => this.store.get(run.folder) === run && this.drawn.get(run) === datasetName(run.record);
    const whole = this.wholeDue || runs.length > 20 || !runs.every(inPlace);
    this.due.clear();
    this.wholeDue = false;
    if (whole) {
      this.drawing.begin(undefined);
      this.emitter.fire(undefined);
    } else for (const run of runs) if (JSON.stringify(this.line(run)) !== this.said.get(run)) this.emitter.fire(run);
  }
}

/** What stands beneath a run of several trainings, as far as it has come. */
function partsOf(run: Run): RunPart[] {
  const trainings = trainingsOf(run.record);
  if (!trainings) return [];
  const finished = trainings.results.map((part): RunPart => ({ of: run, part }));
  return run.record.model === null || trainings.what === 'seed' ? finished : [...finished, { of: run, part: null }];
}

const SETS: Readonly<Record<Compared, string>> = { ways: 'Ways', models: 'Models', search: 'Search' };

function setItem({ set, group }: RunSet, runs: readonly Run[]): vscode.TreeItem {
  const compared = runs[0]?.record.comparison?.compared ?? 'ways';
  const item = new vscode.TreeItem(SETS[compared], vscode.TreeItemCollapsibleState.Collapsed);
  item.id = `set:${group.group}:${set}`;
  item.description = `${counted(runs.length, 'run')} · #${set}`;
  item.iconPath = new vscode.ThemeIcon('list-tree');
  item.contextValue = TREE_ITEMS.runSet;
  item.accessibilityInformation = { label: `${SETS[compared]}, ${item.description}` };
  return item;
}

function partItem({ of, part }: RunPart): vscode.TreeItem {
  const trainings = trainingsOf(of.record);
  const name = !trainings
    ? ''
    : part && trainings.what === 'seed'
      ? `Seed ${part.name}`
      : trainingName(trainings, part?.name);
  const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.None);
  item.id = `${of.folder}#${part?.name ?? 'model'}`;
  const metric = part && decisiveMetric(of.record, part.metrics);
  const isKept = trainings?.what === 'seed' && part?.name === trainings.names[0] && of.record.model !== null;
  item.description = part
    ? [
        ...(metric ? [`${formatMetric(metric.key, metric.value)} ${metricName(metric.key)}`] : []),
        `${counted(part.n, 'row')} held out`,
        ...(isKept ? ['the run’s model'] : []),
      ].join(' · ')
    : 'measured by the folds';
  item.iconPath = new vscode.ThemeIcon(part ? 'layers' : 'symbol-misc');
  item.contextValue = TREE_ITEMS.runFold;
  item.accessibilityInformation = { label: `${name}, ${item.description}` };
  item.command = { command: COMMANDS.openDashboard, title: 'Open Dashboard' };
  return item;
}

/** The runs that are selected in the tree; a fold's, or a seed's, is the run that it is of. */
export async function selectedRuns(
  view: Pick<vscode.TreeView<RunNode>, 'visible' | 'selection'>,
  tree: Pick<RunsTree, 'mayBeDrawing'>,
): Promise<Run[]> {
  const nodes = (await selectedNodes(view, tree)).map((node) => (isPart(node) ? node.of : node));
  return [...new Set(nodes.filter(isRun))];
}
