import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { DataSummary } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { DATA_EXTENSIONS, type Dataset, isDataFile, rowsFile } from '../datasets/dataset.ts';
import { Cancelled, HostError } from '../errors.ts';
import { diskUse } from '../files.ts';
import { formatBytes, formatCount, plural, shorten } from '../format.ts';
import { VIEWS } from '../ids.ts';
import { choose } from '../questions.ts';
import { confirm, withProgress } from '../ui.ts';
import { openAtLine } from '../views/open.ts';
import { requireTrust } from './select.ts';

/** The data sets that a command is about: the tree's selection or click, else one that the person picks. */
async function datasetsFor(luthier: Luthier, args: readonly unknown[], title: string): Promise<Dataset[]> {
  const all = await luthier.datasets.list();
  const [clicked, selected] = args;
  const wanted = (Array.isArray(selected) && selected.length > 0 ? selected : [clicked])
    .map((value) => (typeof value === 'object' && value !== null && 'path' in value ? value.path : undefined))
    .filter((path) => path !== undefined);
  const named = all.filter(({ path }) => wanted.includes(path));
  if (named.length > 0) return named;
  if (all.length === 0)
    throw new HostError('data-unreadable', 'There are no data sets yet.', 'Add Dataset takes a file.');
  return [
    await choose({
      title,
      placeholder: 'Choose a data set',
      items: all.map((dataset) => ({
        label: dataset.name,
        description: vscode.workspace.asRelativePath(dataset.path),
        value: dataset,
      })),
    }),
  ];
}

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
      `${basename(unfit.fsPath)} is no file with rows.`,
      'Rows come from CSV, TSV, JSON, JSON Lines, Markdown tables, or lines of label and text.',
    );
  }
  const fresh = await luthier.datasets.add(uris.map((uri) => uri.fsPath));
  await vscode.commands.executeCommand(`${VIEWS.datasets}.focus`);
  if (fresh.length === 0) void vscode.window.showInformationMessage('It is in the list already.');
}

/** Opens a data set's rows; the tree passes a line for a problem that has one. */
export async function openDataset(luthier: Luthier, ...args: unknown[]): Promise<void> {
  const [dataset] = await datasetsFor(luthier, args.slice(0, 1), 'Open Dataset');
  if (!dataset) return;
  const line = typeof args[2] === 'number' ? args[2] : 1;
  await openAtLine(rowsFile(dataset), line);
}

/** Shows what the engine finds in a data set as a document: columns, classes, and every problem with its line. */
export async function inspectDataset(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const [dataset] = await datasetsFor(luthier, args.slice(0, 1), 'Inspect Dataset');
  if (!dataset) return;
  const summary = await withProgress(`Reading ${dataset.name}`, (signal) =>
    luthier.datasets.inspect(dataset, { signal }),
  );
  await luthier.reports.show(dataset.name, summaryMarkdown(dataset.name, summary));
}

/** A data set's summary as Markdown. */
export function summaryMarkdown(name: string, summary: DataSummary): string {
  const cell = (text: string) => text.replace(/[|\\]/g, '\\$&').replace(/\s+/g, ' ');
  const problems = summary.problems.map(
    ({ severity, message, line, count }) =>
      `- **${severity}**${line === undefined ? '' : `, line ${line}`}: ${message}${count && count > 1 ? ` (${formatCount(count)} times)` : ''}`,
  );
  return [
    `# ${name}`,
    `${plural(summary.rows, 'row')}, ${summary.format}, ${summary.encoding}. ${summary.guess_reason}`,
    '',
    '## Columns',
    '| column | different values | empty | mean length | examples |',
    '|---|---|---|---|---|',
    ...summary.columns.map(
      (column) =>
        `| ${cell(column.name)} | ${formatCount(column.distinct)} | ${formatCount(column.empty)} | ${column.mean_length.toFixed(0)} | ${cell(shorten(column.examples.join(' · '), 200))} |`,
    ),
    '',
    '## Classes',
    '| class | rows | share |',
    '|---|---|---|',
    ...summary.classes.map(
      ({ label, count }) =>
        `| ${cell(label)} | ${formatCount(count)} | ${((100 * count) / Math.max(1, summary.rows)).toFixed(1)} % |`,
    ),
    '',
    '## Problems',
    ...(problems.length > 0 ? problems : ['None found.']),
    '',
  ].join('\n');
}

/** Takes added files off the list; deletes a data set that Luthier made, after a confirmation. */
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
      made.length === 1 ? `Delete the data set ${made[0]!.name}?` : `Delete ${made.length} data sets?`,
      `Its rows (${formatBytes(sizes.reduce((sum, size) => sum + size, 0))}) are deleted. Runs that learned from it keep their models, but cannot be resumed. This cannot be undone.`,
      'Delete',
    );
    for (const { path } of made) await rm(path, { recursive: true, force: true });
  }
  await luthier.datasets.forget(datasets.filter(({ kind }) => kind === 'added').map(({ path }) => path));
}
