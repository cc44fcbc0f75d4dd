import * as vscode from 'vscode';
import type { DataProblem } from '../protocol/index.ts';

/** Pictures of problems for pickers, whose own icons have no colour; an info has an icon like any other line. */
export function severityIcon(extension: vscode.Uri, severity: DataProblem['severity']): vscode.IconPath {
  if (severity === 'info') return new vscode.ThemeIcon('info');
  const picture = (kind: string) => vscode.Uri.joinPath(extension, 'media', `${severity}-${kind}.svg`);
  return { light: picture('light'), dark: picture('dark') };
}
