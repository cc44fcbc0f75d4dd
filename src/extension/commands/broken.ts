import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { type Broken, isBroken } from '../../files/broken.ts';
import { diskUse } from '../../files/folders.ts';
import { HOME, homeProblem, placeProblem } from '../../guard/index.ts';
import { formatBytes } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { HostError } from '../errors.ts';
import { confirm } from '../ui.ts';
import { requireTrust } from './select.ts';

/** The broken thing that a menu was opened on. */
function brokenOf(args: readonly unknown[]): Broken {
  const [node] = args;
  if (typeof node === 'object' && node !== null && isBroken(node)) return node;
  throw new HostError('usage', 'Select what cannot be read in the Datasets or Runs view.');
}

/** Shows a path in the system's file manager, or in the explorer where there is none. */
async function revealPath(path: string): Promise<void> {
  const command =
    vscode.env.remoteName || vscode.env.uiKind === vscode.UIKind.Web ? 'revealInExplorer' : 'revealFileInOS';
  await vscode.commands.executeCommand(command, vscode.Uri.file(path));
}

export async function revealBroken(_luthier: Luthier, ...args: unknown[]): Promise<void> {
  await revealPath(brokenOf(args).path);
}

/** Deletes it after a confirmation that says why it cannot be read: a newer Luthier may still want it. */
export async function removeBroken(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const { path, problem } = brokenOf(args);
  const bytes = await diskUse(path);
  await confirm(
    `Delete ${basename(path)}?`,
    `${problem} ${bytes > 0 ? `${formatBytes(bytes)} of disk space will be freed. ` : ''}This cannot be undone.`,
    'Delete',
  );
  // A queue stands in the home itself.
  const refusal =
    (await placeProblem(path)) ?? (basename(dirname(path)) === HOME ? await homeProblem(dirname(path)) : null);
  if (refusal !== null) throw new HostError('not-writable', `${basename(path)} was not deleted: ${refusal}`);
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
  luthier.datasets.refresh();
  await luthier.refreshRuns();
}
