import * as vscode from 'vscode';
import { templateOf } from './documents.ts';

/**
 * Tells whether the editor in front has a template, for what the palette offers: a `.prompt.md` may as well be a prompt
 * file of VS Code's own, with which nothing of ours can be done.
 */
export function followTemplate(tell: (isTemplate: boolean) => void): vscode.Disposable {
  const look = () => {
    const document = vscode.window.activeTextEditor?.document;
    tell(document !== undefined && templateOf(document) !== null);
  };
  look();
  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveTextEditor(look),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (document === vscode.window.activeTextEditor?.document) look();
    }),
  );
}
