import * as vscode from 'vscode';
import type { Luthier } from '../context.ts';
import { COMMANDS, RECIPE_SUFFIX } from '../ids.ts';
import type { Run } from '../runs/run.ts';

/** A recipe that is being written need not be JSON yet. */
const hasSearch = (text: string): boolean => /"search"\s*:\s*\{/.test(text);

/** Train · Cross-Validate, or Search · Open last run, above the first line of a recipe. */
export class RecipeLens implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.emitter.event;
  private readonly luthier: Luthier;
  private readonly subscription: { dispose(): void };
  /** Each recipe's last run, as last told. */
  private told = '';

  constructor(luthier: Luthier) {
    this.luthier = luthier;
    this.subscription = luthier.runs.changed.on(() => {
      // A fast run changes many times a second, and an editor that is told so each time never gets to show a lens.
      const now = JSON.stringify([...lastRuns(luthier.runs.all())].map(([path, run]) => [path, run.folder]).sort());
      if (now === this.told) return;
      this.told = now;
      this.emitter.fire();
    });
  }

  dispose(): void {
    this.subscription.dispose();
    this.emitter.dispose();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const top = new vscode.Range(0, 0, 0, 0);
    const lens = (command: string, title: string, tooltip: string) =>
      new vscode.CodeLens(top, { title, tooltip, command, arguments: [document.uri] });
    const lenses = hasSearch(document.getText())
      ? [lens(COMMANDS.startRun, '$(search) Search', 'Try the values of this recipe’s search, and find the best')]
      : [
          lens(COMMANDS.startRun, '$(play) Train', 'Start a run with this recipe'),
          lens(
            COMMANDS.crossValidate,
            '$(layers) Cross-validate…',
            'Train several times, each time measuring on another part of the rows',
          ),
        ];
    const last = lastRuns(this.luthier.runs.all()).get(document.uri.fsPath);
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

/** The newest run of each recipe file, by its path. */
function lastRuns(newestFirst: readonly Run[]): Map<string, Run> {
  const last = new Map<string, Run>();
  for (const run of newestFirst) {
    const path = run.record.recipe_path;
    if (path && !last.has(path)) last.set(path, run);
  }
  return last;
}
