import * as vscode from 'vscode';
import { HostError } from '../errors.ts';

/** What is needed of the API of VS Code's git extension (its version 1). */
interface Git {
  getRepository(uri: vscode.Uri): Repository | null;
}
interface Repository {
  log(options: { maxEntries: number; path: string }): Promise<Commit[]>;
  show(commit: string, path: string): Promise<string>;
}
interface Commit {
  hash: string;
  message: string;
  authorDate?: Date;
}

/** A file as it was committed. */
export interface Revision {
  commit: string;
  /** First line of the commit's message. */
  subject: string;
  date: Date | null;
}

const MOST_REVISIONS = 30;

async function repositoryOf(uri: vscode.Uri): Promise<Repository | null> {
  const extension = vscode.extensions.getExtension<{ getAPI(version: 1): Git }>('vscode.git');
  if (!extension) return null;
  try {
    return (await extension.activate()).getAPI(1).getRepository(uri);
  } catch {
    // Git is switched off or not installed: there are no versions to offer.
    return null;
  }
}

/** Commits that changed a file, the newest first; none where it is in no repository. */
export async function revisionsOf(uri: vscode.Uri): Promise<Revision[]> {
  if (uri.scheme !== 'file') return [];
  const repository = await repositoryOf(uri);
  const commits = await repository?.log({ maxEntries: MOST_REVISIONS, path: uri.fsPath }).catch(() => []);
  return (commits ?? []).map(({ hash, message, authorDate }) => ({
    commit: hash,
    subject: message.split('\n', 1)[0]!,
    date: authorDate ?? null,
  }));
}

/** A file's text as of a commit. @throws HostError where it is not in it, or there is no repository */
export async function textAt(uri: vscode.Uri, commit: string): Promise<string> {
  const repository = await repositoryOf(uri);
  try {
    if (repository) return await repository.show(commit, uri.fsPath);
  } catch {
    // Told below.
  }
  throw new HostError(
    'data-unreadable',
    `The template as of commit ${commit.slice(0, 7)} cannot be read.`,
    'Take it out of the comparison, or check the repository.',
  );
}
