import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type * as vscode from 'vscode';
import { Homes } from './homes.ts';
import * as editor from './testing/vscode.ts';

let root: string;
const storage = () => join(root, 'storage', 'workspace');

function makeHomes(state = { global: editor.memento(), workspace: editor.memento() }): Homes {
  return new Homes({
    globalState: state.global,
    workspaceState: state.workspace,
    globalStorageUri: editor.Uri.file(join(root, 'storage')),
  } as unknown as vscode.ExtensionContext);
}

/** Opens folders as a workspace; gives their paths. */
async function openFolders(...names: string[]): Promise<string[]> {
  const paths = names.map((name) => join(root, name));
  for (const path of paths) await mkdir(path, { recursive: true });
  editor.workspace.workspaceFolders = paths.map((path, index) => ({
    uri: editor.Uri.file(path),
    name: names[index]!,
    index,
  }));
  return paths;
}

const uri = (path: string) => editor.Uri.file(path) as unknown as vscode.Uri;

beforeEach(async () => {
  editor.reset();
  root = await mkdtemp(join(tmpdir(), 'luthier hömes '));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('one folder takes everything, unasked', async () => {
  const [only] = await openFolders('Werkstatt für Geigen');
  const homes = makeHomes();
  expect(await homes.projectFor(undefined)).toBe(only);
  expect(homes.list()).toEqual([join(only!, '.luthier')]);
  expect(editor.window.showInformationMessage).not.toHaveBeenCalled();
});

test('of several folders it is the one that the document is in; for others one is asked', async () => {
  const [first, second] = await openFolders('a', 'b');
  const homes = makeHomes();
  expect(homes.list()).toEqual([join(first!, '.luthier'), join(second!, '.luthier')]);
  expect(await homes.projectFor(uri(join(second!, 'rows.csv')))).toBe(second);
  expect(editor.window.showWorkspaceFolderPick).not.toHaveBeenCalled();
  editor.window.showWorkspaceFolderPick.mockResolvedValueOnce(editor.workspace.workspaceFolders![0]);
  expect(await homes.projectFor(undefined)).toBe(first);
  await expect(homes.projectFor(undefined)).rejects.toMatchObject({ code: 'cancelled' });
});

test('without a folder its own storage is offered, once agreed to for good', async () => {
  const state = { global: editor.memento(), workspace: editor.memento() };
  const homes = makeHomes(state);
  expect(homes.list()).toEqual([]);
  await expect(homes.projectFor(undefined)).rejects.toMatchObject({ code: 'cancelled' });
  const [question, options] = editor.window.showInformationMessage.mock.calls[0]!;
  expect(question).toContain('No folder is open.');
  expect(options).toMatchObject({ modal: true, detail: expect.stringContaining(storage()) });
  editor.window.showInformationMessage.mockResolvedValueOnce("Use Luthier's Folder");
  expect(await homes.projectFor(undefined)).toBe(storage());
  expect(editor.workspace.fs.createDirectory).toHaveBeenCalled();
  // The next window without a folder sees what this one has made.
  const next = makeHomes(state);
  expect(next.list()).toEqual([join(storage(), '.luthier')]);
  expect(await next.projectFor(undefined)).toBe(storage());
  expect(editor.window.showInformationMessage).toHaveBeenCalledTimes(2);
});

test('Open Folder opens one, and nothing is started', async () => {
  editor.window.showInformationMessage.mockResolvedValueOnce('Open Folder…');
  await expect(makeHomes().projectFor(undefined)).rejects.toMatchObject({ code: 'cancelled' });
  expect(editor.commands.executeCommand).toHaveBeenCalledWith('workbench.action.files.openFolder');
});

test.skipIf(process.platform === 'win32')(
  'a read-only folder is told, and storage offered for it alone (skipped where folders have no such bits)',
  async () => {
    // Root may write where bits forbid it, but not into the kernel's own file system.
    const locked = process.platform === 'linux' ? '/sys' : (await openFolders('locked'))[0]!;
    if (process.platform !== 'linux') await chmod(locked, 0o555);
    editor.workspace.workspaceFolders = [{ uri: editor.Uri.file(locked), name: 'locked', index: 0 }];
    editor.window.showInformationMessage.mockResolvedValueOnce("Use Luthier's Folder");
    const homes = makeHomes();
    expect(await homes.projectFor(undefined)).toBe(storage());
    expect(editor.window.showInformationMessage.mock.calls[0]![0]).toContain('is read-only');
    expect(await homes.besideRecipe(join(locked, 'a.recipe.json'))).toBe(join(storage(), '.luthier'));
    expect(homes.list()).toContain(join(locked, '.luthier'));
  },
);

test('a .luthier folder deeper down is taken in once', async () => {
  const [folder] = await openFolders('a');
  const homes = makeHomes();
  const deep = join(folder!, 'examples', '.luthier');
  expect(homes.add(deep)).toBe(true);
  expect(homes.add(deep)).toBe(false);
  expect(homes.add(join(folder!, 'examples'))).toBe(false);
  expect(homes.list()).toEqual([join(folder!, '.luthier'), deep]);
});
