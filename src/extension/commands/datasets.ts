import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { diskUse } from '../../files/folders.ts';
import { placeProblem } from '../../guard/index.ts';
import { formatBytes } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { DATA_EXTENSIONS, type Dataset, describeDataset, isDataFile, rowsFile } from '../datasets/dataset.ts';
import { Cancelled, HostError } from '../errors.ts';
import { VIEWS } from '../ids.ts';
import { type Choice, choose } from '../questions.ts';
import { type DatasetNode, isDetail } from '../trees/datasets-tree.ts';
import { confirm, tell } from '../ui.ts';
import { openAtLine, openRow } from '../views/open.ts';
import { requireTrust } from './select.ts';

/** The datasets that a command is about: the tree's clicked or selected ones, else one that the person picks. */
export async function datasetsFor(luthier: Luthier, args: readonly unknown[], title: string): Promise<Dataset[]> {
  const all = await luthier.datasets.list();
  const [clicked, together] = args;
  let nodes: readonly unknown[] = Array.isArray(together) && together.length > 0 ? together : [clicked];
  // A click and a key pass nothing, and mean what is selected.
  if (args.length === 0) nodes = await luthier.selectedDatasets();
  const paths = nodes.map(pathOf);
  const named = all.filter(({ path }) => paths.includes(path));
  if (named.length > 0) return named;
  if (all.length === 0) {
    throw new HostError('data-unreadable', 'There are no datasets yet.', 'Use Add Dataset to add a file.', [
      'addDataset',
    ]);
  }
  return [await choose({ title, placeholder: 'Choose a dataset', items: all.map(datasetItem) })];
}

/** The dataset of a tree's item, or of a line under it. */
function pathOf(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  if ('of' in node) return pathOf(node.of);
  return 'path' in node && 'kind' in node ? String(node.path) : undefined;
}

export const datasetItem = (dataset: Dataset): Choice<Dataset> => ({
  label: dataset.name,
  description: describeDataset(dataset, (path) => vscode.workspace.asRelativePath(path)),
  iconPath: new vscode.ThemeIcon(dataset.kind === 'made' ? 'database' : 'file'),
  value: dataset,
});

/** Adds files to the tree: the explorer's selection, or those that the person picks. */
export async function addDataset(luthier: Luthier, ...args: unknown[]): Promise<void> {
  const [clicked, selected] = args;
  const fromExplorer = (Array.isArray(selected) ? selected : [clicked]).filter((uri) => uri instanceof vscode.Uri);
  const uris =
    fromExplorer.length > 0
      ? fromExplorer
      : await vscode.window.showOpenDialog({
          title: 'Add Dataset',
          openLabel: 'Add',
          canSelectMany: true,
          filters: { 'Files with rows': DATA_EXTENSIONS },
        });
  if (!uris) throw new Cancelled();
  const unfit = uris.find((uri) => !isDataFile(uri.fsPath));
  if (unfit) {
    throw new HostError(
      'data-invalid',
      `${basename(unfit.fsPath)} is not a file with rows.`,
      'Rows come from CSV, TSV, JSON, JSON Lines, Markdown tables, or lines of label and text.',
    );
  }
  const fresh = await luthier.datasets.add(uris.map((uri) => uri.fsPath));
  await vscode.commands.executeCommand(`${VIEWS.datasets}.focus`);
  if (fresh.length === 0) void tell('information', 'It is already in the list.');
}

/** Opens a dataset's rows; a click on a problem that has a line opens that line, in the person's own file. */
export async function openDataset(luthier: Luthier, ...args: unknown[]): Promise<void> {
  const [node] = args.length === 0 ? await luthier.selectedDatasets() : [args[0] as DatasetNode | undefined];
  if (typeof node === 'object' && node !== null && isDetail(node) && node.line !== undefined) {
    return await openRow(luthier.rowService(), node.of.path, rowsFile(node.of), node.line);
  }
  const [dataset] = await datasetsFor(luthier, node ? [node] : args.slice(0, 1), 'Open Dataset');
  if (dataset) await openAtLine(rowsFile(dataset), 1);
}

/** Shows what is in a dataset: rows, classes, lengths, columns, and every problem with its line. */
export async function inspectDataset(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const [dataset] = await datasetsFor(luthier, args.slice(0, 1), 'Inspect Dataset');
  if (dataset) luthier.inspections.show(dataset);
}

/** Takes added files off the list; deletes a dataset that Luthier made, after a confirmation. */
export async function removeDataset(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const datasets = await datasetsFor(luthier, args, 'Remove Dataset');
  const made = datasets.filter(({ kind }) => kind === 'made');
  const found = datasets.find(({ kind }) => kind === 'found');
  if (found && datasets.length === 1) {
    throw new HostError(
      'usage',
      `${found.name} is listed because it is in the workspace.`,
      'Exclude it with luthier.datasets.exclude, or delete the file.',
    );
  }
  if (made.length > 0) {
    const sizes = await Promise.all(made.map(({ path }) => diskUse(path)));
    await confirm(
      made.length === 1 ? `Delete the dataset ${made[0]!.name}?` : `Delete ${made.length} datasets?`,
      `Its rows (${formatBytes(sizes.reduce((sum, size) => sum + size, 0))}) are deleted. Runs that learned from it keep their models, but cannot be resumed. This cannot be undone.`,
      'Delete',
    );
    for (const { path, name } of made) {
      const problem = await placeProblem(path);
      if (problem !== null) throw new HostError('not-writable', `${name} was not deleted: ${problem}`);
      await rm(path, { recursive: true, force: true });
    }
  }
  await luthier.datasets.forget(datasets.filter(({ kind }) => kind === 'added').map(({ path }) => path));
}
