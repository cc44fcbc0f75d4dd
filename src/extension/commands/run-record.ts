import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { diskUse, exists, mapLimited } from '../../files/folders.ts';
import { forgetRun, placeProblem } from '../../guard/index.ts';
import { counted, formatBytes } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError } from '../errors.ts';
import { requireNone } from '../runs/errors.ts';
import { describeRunItem } from '../runs/present.ts';
import { isFinished, isOver, isWorking, type Run } from '../runs/run.ts';
import { describeRun } from '../runs/starter.ts';
import { askText, confirm, showError, shownItem, tell } from '../ui.ts';
import { requireTrust, runFor, runsFor } from './select.ts';

const NONE = 'There are no runs yet.';

export async function renameRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, (run) => !run.readOnly, { title: 'Rename Run', none: NONE });
  const name = await askText({
    title: 'Rename Run',
    value: run.record.name,
    validateInput: (text) => (text.trim() ? undefined : 'A run needs a name.'),
  });
  if (name.trim() !== run.record.name) await describeRun(luthier.runs, run, { name: name.trim() });
}

export async function noteRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, (run) => !run.readOnly, { title: 'Edit Note', none: NONE });
  const note = await askText({
    title: `Note on ${run.record.name}`,
    value: run.record.note,
    placeHolder: 'What you tried and what it showed',
  });
  await describeRun(luthier.runs, run, { note: note.trim() });
}

/** Deletes runs' folders after a confirmation that says what goes with them. A run at work has to be ended first. */
export async function deleteRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const runs = await runsFor(luthier, args, () => true, { title: 'Delete Run', none: NONE });
  const working = runs.find(isWorking);
  if (working) {
    throw new HostError('run-busy', `${working.record.name} is still running.`, 'Stop or discard it, then delete it.');
  }
  const bytes = (await mapLimited(runs, 4, (run) => diskUse(run.folder))).reduce((sum, size) => sum + size, 0);
  const models = runs.filter((run) => run.record.model !== null).length;
  await confirm(
    runs.length === 1 ? `Delete ${runs[0]!.record.name}?` : `Delete ${runs.length} runs?`,
    `${formatBytes(bytes)} of disk space will be freed.${models > 0 ? ` ${counted(models, 'trained model')} will be deleted.` : ''} This cannot be undone.`,
    'Delete',
  );
  await removeRuns(luthier, runs);
}

interface CleanUpItem extends vscode.QuickPickItem {
  bytes?: number;
  run?: Run;
  checkpoints?: boolean;
}

/** Offers checkpoints of finished runs and whole runs, with the disk space that each frees. */
export async function cleanUpRuns(luthier: Luthier): Promise<void> {
  requireTrust();
  await luthier.load();
  const runs = luthier.runs.all().filter((run) => isOver(run) && !run.readOnly);
  if (runs.length === 0) throw new HostError('run-not-found', 'There are no finished runs to clean up.');
  const sizes = await mapLimited(runs, 4, async (run) => ({
    run,
    whole: await diskUse(run.folder),
    checkpoints: isFinished(run) ? await diskUse(join(run.folder, FILES.checkpoints)) : 0,
  }));
  const items: CleanUpItem[] = [
    { label: 'Checkpoints of finished runs (their models and metrics stay)', kind: vscode.QuickPickItemKind.Separator },
    ...sizes
      .filter(({ checkpoints }) => checkpoints > 0)
      .map(({ run, checkpoints }) => ({
        label: `$(archive) Checkpoints of ${run.record.name}`,
        description: formatBytes(checkpoints),
        bytes: checkpoints,
        run,
        checkpoints: true,
        picked: run.state !== 'failed',
      })),
    { label: 'Whole runs, with their models', kind: vscode.QuickPickItemKind.Separator },
    ...sizes.map(({ run, whole }) => ({
      label: `$(trash) ${run.record.name}`,
      description: `${formatBytes(whole)} · ${describeRunItem(run, null)}`,
      bytes: whole,
      run,
      picked: run.state === 'cancelled',
    })),
  ];
  const picked = await pickMany(items);
  const whole = picked.filter((item) => !item.checkpoints).map((item) => item.run!);
  const checkpoints = picked.filter((item) => item.checkpoints && !whole.includes(item.run!)).map((item) => item.run!);
  const bytes = freed(picked);
  await confirm(
    `Free ${formatBytes(bytes)}?`,
    [
      checkpoints.length > 0 ? `The checkpoints of ${counted(checkpoints.length, 'run')} will be deleted.` : '',
      whole.length > 0
        ? `${counted(whole.length, 'whole run')} will be deleted, models included: ${whole.map((run) => run.record.name).join(', ')}.`
        : '',
      'This cannot be undone.',
    ]
      .filter(Boolean)
      .join(' '),
    'Delete',
  );
  for (const run of checkpoints) {
    await requireInPlace(run);
    await rm(join(run.folder, FILES.checkpoints), { recursive: true, force: true });
  }
  await removeRuns(luthier, whole);
  // Checkpoints that are gone change no run.
  await luthier.disk.measure(true);
  void tell('information', `${formatBytes(bytes)} freed.`);
}

/** A run's checkpoints are counted once when the whole run goes too. */
function freed(items: readonly CleanUpItem[]): number {
  const whole = new Set(items.filter((item) => !item.checkpoints).map((item) => item.run));
  return items
    .filter((item) => !item.checkpoints || !whole.has(item.run))
    .reduce((sum, item) => sum + (item.bytes ?? 0), 0);
}

async function pickMany(items: CleanUpItem[]): Promise<CleanUpItem[]> {
  const picker = vscode.window.createQuickPick<CleanUpItem>();
  picker.title = 'Clean Up Runs';
  picker.canSelectMany = true;
  const shown = items.map((item) => shownItem(item));
  picker.items = shown;
  picker.selectedItems = shown.filter((item) => item.picked);
  const say = (chosen: readonly CleanUpItem[]) => {
    picker.placeholder = `${formatBytes(freed(chosen))} would be freed`;
  };
  say(picker.selectedItems);
  picker.onDidChangeSelection(say);
  try {
    return await new Promise<CleanUpItem[]>((resolve, reject) => {
      picker.onDidAccept(() => {
        if (picker.selectedItems.length > 0) resolve([...picker.selectedItems]);
      });
      picker.onDidHide(() => reject(new Cancelled()));
      picker.show();
    });
  } finally {
    picker.dispose();
  }
}

/** Links in a run's folder are deleted as links; where the folder itself is one, something else would be deleted. */
const requireInPlace = async ({ folder, record }: Run): Promise<void> =>
  requireNone(await placeProblem(folder), `${record.name} was not deleted`);

async function removeRuns(luthier: Luthier, runs: readonly Run[]): Promise<void> {
  for (const run of runs) {
    try {
      await requireInPlace(run);
      if (run.state === 'queued') await luthier.starter.withdraw(run);
      await forgetRun(run.folder);
      await rm(run.folder, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      showError(error, luthier.log);
    }
  }
  await luthier.runs.refresh();
}

/** Shows the run's folder in the system's file manager, or in the explorer where there is none. */
export async function revealRun(luthier: Luthier, ...args: unknown[]): Promise<void> {
  const run = await runFor(luthier, args, () => true, { title: 'Reveal Run', none: NONE });
  const model = run.record.model ? join(run.folder, run.record.model) : null;
  const path = model && (await exists(model)) ? model : run.folder;
  const command =
    vscode.env.remoteName || vscode.env.uiKind === vscode.UIKind.Web ? 'revealInExplorer' : 'revealFileInOS';
  await vscode.commands.executeCommand(command, vscode.Uri.file(path));
}
