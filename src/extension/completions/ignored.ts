import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { Log } from '../log.ts';

/** What is needed of the API of VS Code's git extension (its version 1). */
interface Git {
  readonly git: { readonly path: string };
}

/** A git that takes longer, as on a network's disk, has not answered. */
const PATIENCE_MS = 5_000;
const REMEMBERED = 500;

/** How git ends where a file is ignored, and where it is not; else there is no repository, or it cannot be read. */
const IGNORED = 0;

/**
 * Whether git ignores a file. Git itself is asked, once for each file until a file with such rules changes; where there
 * is no git, or no repository, nothing is ignored.
 */
export class IgnoredFiles implements vscode.Disposable {
  private readonly known = new Map<string, Promise<boolean>>();
  private readonly watchers: vscode.Disposable[] = [];
  private readonly log: Log;
  private program: Promise<string> | null = null;

  constructor(log: Log) {
    this.log = log;
    const watched = vscode.workspace.createFileSystemWatcher('**/{.gitignore,.git/info/exclude}');
    const forget = () => this.known.clear();
    this.watchers.push(watched, watched.onDidChange(forget), watched.onDidCreate(forget), watched.onDidDelete(forget));
  }

  isIgnored(path: string): Promise<boolean> {
    const known = this.known.get(path);
    if (known) return known;
    if (this.known.size >= REMEMBERED) this.known.clear();
    const asking = this.ask(path);
    this.known.set(path, asking);
    return asking;
  }

  dispose(): void {
    for (const watcher of this.watchers) watcher.dispose();
  }

  private async ask(path: string): Promise<boolean> {
    this.program ??= gitProgram();
    const program = await this.program;
    const { code, killed } = await endOf(program, path);
    if (!killed) return code === IGNORED;
    // Nobody knows: rather nothing is completed. The next question may be answered.
    this.log.warn(`git did not say within ${PATIENCE_MS / 1000} s whether it ignores ${path}.`);
    this.known.delete(path);
    return true;
  }
}

/** A file that is in the repository is not ignored, whatever the rules say. Nothing that a repository names is started. */
function endOf(program: string, path: string): Promise<{ code: unknown; killed: boolean }> {
  return new Promise((resolve) => {
    execFile(
      program,
      ['-c', 'core.fsmonitor=false', 'check-ignore', '--quiet', '--', path],
      {
        cwd: dirname(path),
        timeout: PATIENCE_MS,
        windowsHide: true,
        env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
      },
      (error) => resolve(error ? { code: error.code, killed: error.killed === true } : { code: 0, killed: false }),
    );
  });
}

/** The git that VS Code uses, which a setting may name; else the one that is on the PATH. */
async function gitProgram(): Promise<string> {
  try {
    const extension = vscode.extensions.getExtension<{ getAPI(version: 1): Git }>('vscode.git');
    return (extension && (await extension.activate()).getAPI(1).git.path) || 'git';
  } catch {
    // VS Code's git is switched off.
    return 'git';
  }
}
