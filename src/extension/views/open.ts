import { dirname, isAbsolute, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import { Cancelled, HostError } from '../errors.ts';
import { exists } from '../files.ts';
import { describeRunItem } from '../runs/present.ts';
import type { Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';

/** Opens a data file at a 1-based line. `file` is absolute, or relative to the run's recipe or its project folder. */
export async function openDataRow(run: Run, file: string, line: number): Promise<void> {
  const bases = [run.record.recipe_path ? dirname(run.record.recipe_path) : null, dirname(run.home), run.folder];
  const candidates = isAbsolute(file)
    ? [file]
    : bases.filter((base) => base !== null).map((base) => resolve(base, file));
  for (const path of candidates) if (await exists(path)) return await openAtLine(path, line);
  throw new HostError('data-unreadable', `${file} is no longer there.`);
}

/** Opens a text file with the cursor on a 1-based line. */
export async function openAtLine(path: string, line: number): Promise<void> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
  const position = new vscode.Position(Math.max(0, Math.min(line, document.lineCount) - 1), 0);
  const editor = await vscode.window.showTextDocument(document, { selection: new vscode.Range(position, position) });
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenter);
}

/** What a run's process printed. */
export async function openRunLog(run: Run): Promise<void> {
  const path = join(run.folder, 'run.log');
  if (!(await exists(path)))
    throw new HostError('run-not-found', `${run.record.name} has no log: its process never ran.`);
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
    label: run.record.name,
    description: describeRunItem(run, null),
    picked: ticked.includes(run.folder),
    folder: run.folder,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: 'Compare Runs',
    placeHolder: 'Runs to lay over one another',
    matchOnDescription: true,
  });
  if (!chosen) throw new Cancelled();
  return chosen.map(({ folder }) => folder);
}
