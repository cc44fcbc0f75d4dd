import { mkdtemp, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { HOME } from '../guard/index.ts';
import { HostError } from './errors.ts';
import { MEMENTO_KEYS } from './ids.ts';
import { tell } from './ui.ts';

/**
 * The `.luthier` folders of this window: one at each workspace folder's root, those that a terminal made beside
 * recipes deeper down, and the one in global storage once a person without a workspace has agreed to it.
 */
export class Homes implements vscode.Disposable {
  private readonly found = new Set<string>();
  private readonly context: vscode.ExtensionContext;

  constructor(context: vscode.ExtensionContext) {
    this.context = context;
  }

  dispose(): void {
    this.found.clear();
  }

  /** All of them, existing or not. */
  list(): string[] {
    const roots = this.workspaceFolders().map((folder) => join(folder, HOME));
    const own = this.usesStorage() ? [join(this.storage(), HOME)] : [];
    return [...new Set([...roots, ...this.found, ...own])];
  }

  /** Looks for those deeper down; each carries a .gitignore, which is what is looked for. */
  async search(): Promise<void> {
    const files = await vscode.workspace.findFiles(`**/${HOME}/.gitignore`, '**/{node_modules,.git}/**', 200);
    for (const file of files) this.found.add(dirname(file.fsPath));
  }

  /** Takes note of a `.luthier` folder that a watcher or a command met; true when it is a new one. */
  add(home: string): boolean {
    if (basename(home) !== HOME || this.list().includes(home)) return false;
    this.found.add(home);
    return true;
  }

  /** Folder that new datasets, recipes and runs belong to: that of the document, else the first of the workspace. */
  async projectFor(uri: vscode.Uri | undefined): Promise<string> {
    const folder = await this.workspaceFolderFor(uri);
    if (folder === null) return await this.offerStorage('No folder is open.');
    if (await isWritable(folder)) return folder;
    return await this.offerStorage(`${folder} is read-only.`);
  }

  /** The `.luthier` folder beside a recipe, as in a terminal; the one in storage where that cannot be written. */
  async besideRecipe(recipePath: string): Promise<string> {
    const folder = dirname(recipePath);
    if (await isWritable(folder)) return join(folder, HOME);
    return join(await this.offerStorage(`${folder} is read-only.`), HOME);
  }

  /** Null when no folder is open. */
  private async workspaceFolderFor(uri: vscode.Uri | undefined): Promise<string | null> {
    const ofDocument = uri && uri.scheme === 'file' ? vscode.workspace.getWorkspaceFolder(uri) : undefined;
    if (ofDocument?.uri.scheme === 'file') return ofDocument.uri.fsPath;
    const folders = this.workspaceFolders();
    if (folders.length < 2) return folders[0] ?? null;
    const picked = await vscode.window.showWorkspaceFolderPick({
      placeHolder: 'Which folder should the dataset and the run go to?',
    });
    if (!picked) throw new HostError('cancelled', 'No folder was chosen.');
    return picked.uri.fsPath;
  }

  /** Without a workspace, or in a read-only one: an own folder in global storage, once the person agrees. */
  private async offerStorage(why: string): Promise<string> {
    if (!this.usesStorage()) {
      const own = "Use Luthier's Folder";
      const open = 'Open Folder…';
      const answer = await tell(
        'information',
        `${why} Where should the dataset and the run go?`,
        { modal: true, detail: `Luthier can keep them in its own folder: ${this.storage()}` },
        own,
        open,
      );
      if (answer === open) void vscode.commands.executeCommand('workbench.action.files.openFolder');
      if (answer !== own) throw new HostError('cancelled', 'No folder was chosen.');
      await this.memento().update(MEMENTO_KEYS.noWorkspaceFolder, true);
    }
    await vscode.workspace.fs.createDirectory(vscode.Uri.file(this.storage()));
    return this.storage();
  }

  /** A window without a folder remembers for all such windows; a read-only folder's remembers for itself. */
  private memento(): vscode.Memento {
    return this.workspaceFolders().length === 0 ? this.context.globalState : this.context.workspaceState;
  }

  private usesStorage(): boolean {
    return this.memento().get(MEMENTO_KEYS.noWorkspaceFolder) === true;
  }

  private storage(): string {
    return join(this.context.globalStorageUri.fsPath, 'workspace');
  }

  private workspaceFolders(): string[] {
    return (vscode.workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === 'file')
      .map((folder) => folder.uri.fsPath);
  }
}

/** Found out by writing: permission bits tell nothing on Windows, and little about mounts. */
async function isWritable(folder: string): Promise<boolean> {
  try {
    await rmdir(await mkdtemp(join(folder, '.luthier-')));
    return true;
  } catch {
    return false;
  }
}
