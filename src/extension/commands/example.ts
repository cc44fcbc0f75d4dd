import { cp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { exists } from '../../files/folders.ts';
import { homeProblem } from '../../guard/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError } from '../errors.ts';
import { MEMENTO_KEYS } from '../ids.ts';
import { choose } from '../questions.ts';
import { fineTune } from './fine-tune.ts';
import { requireTrust } from './select.ts';
import { fromFile } from './source.ts';

/** Folder that the examples are copied to. */
const FOLDER = 'luthier-examples';

/** What each shows, by the task that is recognised in it. */
const EXAMPLES = [
  {
    file: 'tickets.csv',
    label: '$(tag) Support tickets',
    description: 'Text classification',
    detail: 'Messages to a shop’s support, each with one of 8 intents',
  },
  {
    file: 'reviews.csv',
    label: '$(thumbsup) Reviews',
    description: 'Text classification',
    detail: 'Sentences from reviews, each positive or negative',
  },
  {
    file: 'feedback.jsonl',
    label: '$(checklist) Feedback',
    description: 'Several labels, or a number of stars',
    detail: '48 remarks on orders: enough to see how it works, too few for a good model',
  },
  {
    file: 'names.conll',
    label: '$(symbol-keyword) Names',
    description: 'Token classification',
    detail: 'Sentences about orders in which people, places and companies are tagged',
  },
  {
    file: 'support.jsonl',
    label: '$(comment-discussion) Support dialogues',
    description: 'Conversation',
    detail: 'Customers of a notes app and its support: the model learns to answer, and you chat with it',
  },
  {
    file: 'commits.jsonl',
    label: '$(git-commit) Commit messages',
    description: 'Text generation',
    detail: 'Short diffs, each with its message: the model learns to write the message',
  },
] as const;

/** Copies example data to where the person says, and begins Fine-tune on Selection with it. */
export async function tryExample(luthier: Luthier): Promise<void> {
  requireTrust();
  const name = await choose<string>({
    title: 'Try with Example Data',
    placeholder: 'Which texts should the model learn from?',
    items: EXAMPLES.map(({ file, ...shown }) => ({ ...shown, value: file })),
  });
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const OTHER = '';
  const parent = await choose<string>({
    title: 'Try with Example Data',
    placeholder: `Where should the folder ${FOLDER} go?`,
    items: [
      ...folders.map(({ name, uri }) => ({ label: `$(folder) ${name}`, description: uri.fsPath, value: uri.fsPath })),
      { label: '$(folder-opened) Choose a folder…', detail: 'It opens in this window.', value: OTHER },
    ],
  });
  if (parent !== OTHER) return await begin(luthier, await copyExamples(luthier, parent, name), parent);
  const picked = await vscode.window.showOpenDialog({
    title: `Folder for ${FOLDER}`,
    openLabel: 'Copy Here',
    canSelectFolders: true,
    canSelectFiles: false,
  });
  if (!picked?.[0]) throw new Cancelled();
  const file = await copyExamples(luthier, picked[0].fsPath, name);
  // Opening a folder starts the window over: it goes on from there.
  await luthier.extension.globalState.update(MEMENTO_KEYS.pendingExample, file);
  await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(dirname(file)));
}

/** Goes on where opening the examples' folder began the window again; does nothing in any other window. */
export async function resumeExample(luthier: Luthier): Promise<void> {
  const { globalState } = luthier.extension;
  const file = globalState.get<string>(MEMENTO_KEYS.pendingExample);
  if (!file || !vscode.workspace.workspaceFolders?.some(({ uri }) => uri.fsPath === dirname(file))) return;
  if (!vscode.workspace.isTrusted) {
    const granted = vscode.workspace.onDidGrantWorkspaceTrust(() => {
      granted.dispose();
      void resumeExample(luthier).catch((error: Error) => luthier.log.error(error));
    });
    return;
  }
  await globalState.update(MEMENTO_KEYS.pendingExample, undefined);
  if (await exists(file)) await begin(luthier, file, dirname(file));
}

async function begin(luthier: Luthier, file: string, project: string): Promise<void> {
  await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false });
  luthier.datasets.refresh();
  await fineTune(luthier, fromFile(file), project);
}

/**
 * Copies the example workspace; what is there already, perhaps changed by the person, is left alone.
 * @param name the file with the rows
 * @returns its path
 */
export async function copyExamples(luthier: Luthier, parent: string, name: string): Promise<string> {
  const from = vscode.Uri.joinPath(luthier.extension.extensionUri, 'examples').fsPath;
  const folder = join(parent, FOLDER);
  const problem = await homeProblem(folder);
  if (problem !== null) throw new HostError('not-writable', problem, 'Choose another folder.');
  try {
    await cp(from, folder, { recursive: true, force: false });
  } catch (error) {
    throw new HostError(
      'not-writable',
      `The example data could not be copied to ${basename(parent)}: ${(error as Error).message}`,
      'Choose a folder that you can write to.',
    );
  }
  return join(folder, name);
}
