import * as vscode from 'vscode';
import { type Broken, isBroken } from '../../files/broken.ts';
import {
  capitalized,
  counted,
  countedRows,
  type DataSummary,
  FIELDS,
  FORMAT_NAMES,
  formatCount,
  taskOf,
} from '../../protocol/index.ts';
import { type Dataset, describeDataset, isDataFile } from '../datasets/dataset.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { sentence, toHostError } from '../errors.ts';
import { shorten } from '../format.ts';
import { COMMANDS, CONTEXT_KEYS, TREE_ITEMS } from '../ids.ts';
import type { Log } from '../log.ts';
import { tell } from '../ui.ts';
import { brokenItem } from './broken-item.ts';
import { Drawing } from './selection.ts';

/** A line under a dataset: a figure, a class, a column, or a problem. */
export interface DatasetDetail {
  detail: string;
  /** Place among the dataset's lines: VS Code finds a line by it again after drawing. */
  index: number;
  description?: string;
  icon: string;
  /** 1-based line to open. */
  line?: number;
  of: Dataset;
}
export type DatasetNode = Dataset | DatasetDetail | Broken;

export const isDetail = (node: DatasetNode): node is DatasetDetail => 'detail' in node;

const URI_LIST = 'text/uri-list';

/** So long after it was given lines VS Code has them. */
const HAS_LINES_MS = 500;

/** Datasets: those Luthier made, files of the workspace that could be one, and files added by hand or dropped here. */
export class DatasetsTree
  implements vscode.TreeDataProvider<DatasetNode>, vscode.TreeDragAndDropController<DatasetNode>, vscode.Disposable
{
  readonly dropMimeTypes = [URI_LIST];
  readonly dragMimeTypes = [URI_LIST];
  private readonly emitter = new vscode.EventEmitter<DatasetNode | undefined>();
  readonly onDidChangeTreeData = this.emitter.event;
  private readonly store: DatasetStore;
  private readonly log: Log;
  private readonly subscription: { dispose(): void };
  private readonly drawing = new Drawing<DatasetNode>();

  constructor(store: DatasetStore, log: Log) {
    this.store = store;
    this.log = log;
    this.subscription = store.changed.on(() => this.draw(undefined));
  }

  dispose(): void {
    this.subscription.dispose();
    this.emitter.dispose();
  }

  /** VS Code may be drawing, and then knows of no selection until it has every line again. */
  get mayBeDrawing(): boolean {
    return this.drawing.mayBe;
  }

  private draw(node: DatasetNode | undefined): void {
    this.drawing.begin(node);
    this.emitter.fire(node);
  }

  async getChildren(node?: DatasetNode): Promise<DatasetNode[]> {
    try {
      return await this.childrenOf(node);
    } finally {
      this.drawing.made(node);
    }
  }

  private async childrenOf(node: DatasetNode | undefined): Promise<DatasetNode[]> {
    if (!node) {
      const datasets = await this.store.list();
      void vscode.commands.executeCommand('setContext', CONTEXT_KEYS.scanned, true);
      return [...datasets, ...this.store.broken];
    }
    if (isDetail(node) || isBroken(node)) return [];
    if (!vscode.workspace.isTrusted) {
      return [{ detail: 'Trust this workspace to read the file', icon: 'shield', index: 0, of: node }];
    }
    try {
      const before = node.summary;
      const summary = await this.store.inspect(node);
      // Figures known for the first time belong on the dataset's own line, once VS Code has these lines: told earlier, it
      // forgets them, and does not ask again.
      if (summary !== before) setTimeout(() => this.draw(node), HAS_LINES_MS);
      return summaryDetails(node, summary);
    } catch (error) {
      const failure = toHostError(error);
      this.log.warn(`${node.path}: ${failure.message}`);
      return [{ detail: sentence(failure), icon: 'warning', index: 0, of: node }];
    }
  }

  getTreeItem(node: DatasetNode): vscode.TreeItem {
    if (isBroken(node)) return brokenItem(node);
    if (isDetail(node)) {
      const item = new vscode.TreeItem(node.detail);
      item.id = `${node.of.kind}:${node.of.path}#${node.index}`;
      item.iconPath = themeIcon(node.icon);
      item.tooltip = node.detail;
      if (node.description) item.description = node.description;
      if (node.line !== undefined) {
        // Without arguments, as in the runs' tree: VS Code forgets them when it draws the line again. What is meant is
        // what the click has selected.
        item.command = { command: COMMANDS.openDataset, title: 'Open' };
      } else if (['error', 'warning', 'ellipsis'].includes(node.icon) && node.of.summary) {
        // What is of no single line is shown whole by the page about the dataset.
        item.command = { command: COMMANDS.inspectDataset, title: 'Inspect' };
      }
      return item;
    }
    const item = new vscode.TreeItem(node.name, vscode.TreeItemCollapsibleState.Collapsed);
    item.id = `${node.kind}:${node.path}`;
    item.description = describeDataset(node, relativeFolder);
    item.tooltip = node.path;
    item.contextValue = `${TREE_ITEMS.dataset}.${node.kind}`;
    if (node.kind === 'made') item.iconPath = new vscode.ThemeIcon('database');
    else {
      item.resourceUri = vscode.Uri.file(node.path);
      item.iconPath = vscode.ThemeIcon.File;
    }
    return item;
  }

  handleDrag(source: readonly DatasetNode[], data: vscode.DataTransfer): void {
    const files = source.filter((node) => !isDetail(node) && !isBroken(node) && node.kind !== 'made') as Dataset[];
    data.set(
      URI_LIST,
      new vscode.DataTransferItem(files.map((dataset) => vscode.Uri.file(dataset.path).toString()).join('\r\n')),
    );
  }

  async handleDrop(_target: DatasetNode | undefined, data: vscode.DataTransfer): Promise<void> {
    const list = (await data.get(URI_LIST)?.asString()) ?? '';
    const uris = list.split(/\r?\n/).filter((line) => line && !line.startsWith('#'));
    const files = uris.map((line) => vscode.Uri.parse(line, true)).filter((uri) => uri.scheme === 'file');
    const usable = files.filter((uri) => isDataFile(uri.fsPath));
    if (usable.length > 0) await this.store.add(usable.map((uri) => uri.fsPath));
    if (usable.length < uris.length) {
      void tell(
        'warning',
        'Only files with rows can be datasets: CSV, TSV, JSON, JSON Lines, Markdown tables, CoNLL or text.',
      );
    }
  }
}

/** A folder as the explorer would call it; nothing for a workspace folder itself. */
function relativeFolder(path: string): string {
  const isRoot = vscode.workspace.workspaceFolders?.some((folder) => folder.uri.fsPath === path);
  return isRoot ? '' : vscode.workspace.asRelativePath(path);
}

const COLORS: Record<string, string> = { error: 'list.errorForeground', warning: 'list.warningForeground' };

const themeIcon = (icon: string) =>
  new vscode.ThemeIcon(icon, COLORS[icon] ? new vscode.ThemeColor(COLORS[icon]) : undefined);

/** What there is to say about a dataset, as lines. */
export function summaryDetails(of: Dataset, summary: DataSummary): DatasetDetail[] {
  const details: Omit<DatasetDetail, 'index'>[] = [
    {
      detail: countedRows(summary),
      description: `${FORMAT_NAMES[summary.format]}, ${summary.encoding.toUpperCase()}`,
      icon: 'table',
      of,
    },
  ];
  const { guess } = summary;
  const [one, many] = taskOf(summary.task).label;
  const more = [`more ${one}`, `more ${many}`] as const;
  if (Object.keys(guess).length > 0) {
    const fields = FIELDS[summary.task].filter(({ name, required }) => required || guess[name] !== undefined);
    details.push({
      detail: fields.map(({ name, title }) => `${capitalized(title)}: ${guess[name] ?? '—'}`).join(' · '),
      description: summary.guess_reason,
      icon: 'symbol-field',
      of,
    });
  }
  for (const { label: name, count } of summary.classes.slice(0, 20)) {
    details.push({ detail: shorten(name, 60), description: formatCount(count), icon: 'tag', of });
  }
  if (summary.classes.length > 20) {
    details.push({ detail: counted(summary.classes.length - 20, ...more), icon: 'ellipsis', of });
  }
  const problems = summary.problems.filter(({ severity }) => severity !== 'info');
  for (const problem of problems.slice(0, 10)) {
    details.push({
      detail: problem.message,
      icon: problem.severity,
      ...(problem.line === undefined ? {} : { line: problem.line }),
      of,
    });
  }
  if (problems.length > 10) {
    details.push({ detail: counted(problems.length - 10, 'more problem'), icon: 'ellipsis', of });
  }
  return details.map((detail, index) => ({ ...detail, index }));
}
