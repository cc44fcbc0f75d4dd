import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { PromptSource } from '../../protocol/prompt.ts';

/** Where a template's paths are looked up: from its folder, or the workspace's where it was never saved. */
export function placed({ scheme, fsPath }: vscode.Uri): Pick<PromptSource, 'path' | 'base' | 'roots'> {
  const roots = (vscode.workspace.workspaceFolders ?? []).flatMap(({ uri }) =>
    uri.scheme === 'file' ? [uri.fsPath] : [],
  );
  const isFile = scheme === 'file';
  return {
    ...(isFile ? { path: fsPath } : roots[0] !== undefined ? { base: roots[0] } : {}),
    roots: roots.length > 0 ? roots : isFile ? [dirname(fsPath)] : [],
  };
}
