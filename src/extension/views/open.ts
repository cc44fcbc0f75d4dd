import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import { exists } from '../../files/folders.ts';
import { FILES } from '../../runs/folder.ts';
import { datasetOfRun, sourceOf } from '../datasets/of-run.ts';
import type { EngineService } from '../engine/service.ts';
import { Cancelled, HostError } from '../errors.ts';
import { plainLine } from '../escape.ts';
import { describeRunItem } from '../runs/present.ts';
import type { Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { tell } from '../ui.ts';

type RowService = Pick<EngineService, 'request'> | null;

/**
 * Opens a row of a run's data. `file` is absolute, or relative to the run's recipe or its project folder. Rows of a
 * selection open in the file that they were selected in, as it is today.
 */
export async function openDataRow(run: Run, file: string, line: number, service: RowService): Promise<void> {
  const bases = [run.record.recipe_path ? dirname(run.record.recipe_path) : null, dirname(run.home), run.folder];
  const candidates = isAbsolute(file)
    ? [file]
    : bases.filter((base) => base !== null).map((base) => resolve(base, file));
  const data = await datasetOfRun(run);
  const source = data ? await sourceOf(data) : null;
  if (data && source && candidates.includes(source.file)) return await openRow(service, data, source.file, line);
  for (const path of candidates) if (await exists(path)) return await openAtLine(path, line);
  throw new HostError('data-unreadable', `${basename(file)} no longer exists (${file}).`);
}

/**
 * Opens a row of a dataset, by its line in the person's own file; one that has moved there since is found, and of one
 * that is no longer there the dataset's copy is shown. Both are said.
 * @param service finds such rows; null where it may not run
 * @param data the dataset's file or folder
 * @param file the file with its rows, for a dataset that was not made of another
 */
export async function openRow(service: RowService, data: string, file: string, line: number): Promise<void> {
  const source = await sourceOf(data);
  if (!source || !service) {
    const path = source && (await exists(source.file)) ? source.file : file;
    return await openAtLine(path, line);
  }
  const at = await service.request('data/locate', { data, columns: {}, file: source.file, line });
  await openAtLine(at.file, at.line);
  const name = basename(source.file);
  if (at.state === 'moved') {
    void tell(
      'information',
      `${name} has changed since its rows were taken: this row was on line ${line} and is now on line ${at.line}.`,
    );
  } else if (at.state !== 'same') {
    void tell(
      'warning',
      `${at.state === 'missing' ? `${name} no longer exists.` : `${name} has changed since its rows were taken, and this row is no longer in it.`} Luthier’s copy, which the model learns from, is shown instead.`,
    );
  }
}

/** Opens a text file with the cursor on a 1-based line. */
export async function openAtLine(path: string, line: number): Promise<void> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
  const position = new vscode.Position(Math.max(0, Math.min(line, document.lineCount) - 1), 0);
  const editor = await vscode.window.showTextDocument(document, { selection: new vscode.Range(position, position) });
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenter);
}

/** What a run's process told and printed. */
export async function openRunLog(run: Run): Promise<void> {
  const path = join(run.folder, FILES.log);
  if (!(await exists(path)))
    throw new HostError('run-not-found', `${run.record.name} has no log: its process never started.`);
  await vscode.window.showTextDocument(vscode.Uri.file(path));
}

/** Asks where to, and writes. */
export async function saveBytes(name: string, bytes: Uint8Array, filters: Record<string, string[]>): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({
    filters,
    ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, name) } : {}),
  });
  if (target) await vscode.workspace.fs.writeFile(target, bytes);
}

/** Lets the person tick runs to lay over one another; gives their folders. Throws Cancelled. */
export async function pickRuns(store: RunStore, ticked: readonly string[]): Promise<string[]> {
  const items = store.all().map((run) => ({
    label: plainLine(run.record.name),
    description: plainLine(describeRunItem(run, null)),
    picked: ticked.includes(run.folder),
    folder: run.folder,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: 'Compare Runs',
    placeHolder: 'Which runs should be compared?',
    matchOnDescription: true,
  });
  if (!chosen) throw new Cancelled();
  return chosen.map(({ folder }) => folder);
}
