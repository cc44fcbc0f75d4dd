import * as vscode from 'vscode';
import type { Luthier } from '../context.ts';
import { COMMANDS, RECIPE_SUFFIX } from '../ids.ts';

/** Train · Open last run, above the first line of a recipe. */
export class RecipeLens implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.emitter.event;
  private readonly luthier: Luthier;
  private readonly subscription: { dispose(): void };

  constructor(luthier: Luthier) {
    this.luthier = luthier;
    this.subscription = luthier.runs.changed.on(() => this.emitter.fire());
  }

  dispose(): void {
    this.subscription.dispose();
    this.emitter.dispose();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const top = new vscode.Range(0, 0, 0, 0);
    const lenses = [
      new vscode.CodeLens(top, {
        title: '$(play) Train',
        tooltip: 'Start a run with this recipe',
        command: COMMANDS.startRun,
        arguments: [document.uri],
      }),
    ];
    const last = this.luthier.runs.all().find((run) => run.record.recipe_path === document.uri.fsPath);
    if (last) {
      lenses.push(
        new vscode.CodeLens(top, {
          title: '$(graph-line) Open last run',
          tooltip: last.record.name,
          command: COMMANDS.openDashboard,
          arguments: [last.folder],
        }),
      );
    }
    return lenses;
  }
}

export const RECIPE_SELECTOR: vscode.DocumentSelector = { scheme: 'file', pattern: `**/*${RECIPE_SUFFIX}` };
