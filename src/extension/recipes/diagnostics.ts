import { basename } from 'node:path';
import * as vscode from 'vscode';
import { counted, type RecipeProblem } from '../../protocol/index.ts';
import { HostError, inEditor } from '../errors.ts';
import { type Checked, RecipeChecks, type RecipeChecksOptions } from './checks.ts';
import { RECIPE_SELECTOR } from './code-lens.ts';

const SEVERITY: Record<RecipeProblem['severity'], vscode.DiagnosticSeverity> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

/** What VS Code's own reading of JSON says already. */
const SAID_BY_JSON: ReadonlySet<RecipeProblem['code']> = new Set(['syntax', 'duplicate-key']);

const isRecipe = (document: vscode.TextDocument): boolean => vscode.languages.match(RECIPE_SELECTOR, document) > 0;

/** The problems of open recipes, in the Problems view and under what is wrong. */
export class RecipeDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('luthier');
  private readonly checks: RecipeChecks;
  private readonly subscriptions: { dispose(): void }[];

  constructor(options: RecipeChecksOptions) {
    this.checks = new RecipeChecks(options);
    this.subscriptions = [
      vscode.workspace.onDidOpenTextDocument((document) => this.schedule(document)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.schedule(document)),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (!isRecipe(document)) return;
        this.checks.forget(document.uri.fsPath);
        this.collection.delete(document.uri);
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.checkOpen()),
    ];
    this.checkOpen();
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.checks.dispose();
    this.collection.dispose();
  }

  /** Looks at all open recipes again: what they name may have come or gone. */
  checkOpen(): void {
    for (const document of vscode.workspace.textDocuments) this.schedule(document);
  }

  /** What is known to be wrong with the document as it stands. */
  problemsOf(document: vscode.TextDocument): readonly RecipeProblem[] {
    return this.checks.known(document.uri.fsPath, document.version);
  }

  /**
   * Checks a recipe before it is trained; where it has errors, shows them.
   * @throws HostError `recipe-invalid`
   */
  async refuseErrors(document: vscode.TextDocument): Promise<void> {
    const checked = await this.checks.now(textOf(document));
    if (!checked) return;
    this.show(document, checked);
    const errors = checked.problems.filter(({ severity }) => severity === 'error');
    const [first] = errors;
    if (!first) return;
    const at = document.positionAt(first.start);
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
    await vscode.commands.executeCommand('workbench.actions.view.problems');
    throw new HostError(
      'recipe-invalid',
      `Training did not start: ${basename(document.fileName)} has ${counted(errors.length, 'error')}.`,
      undefined,
      ['showProblems'],
    );
  }

  private schedule(document: vscode.TextDocument): void {
    if (!isRecipe(document) || document.isClosed) return;
    this.checks.schedule(textOf(document), (checked) => {
      if (!document.isClosed) this.show(document, checked);
    });
  }

  private show(document: vscode.TextDocument, { version, problems }: Checked): void {
    if (document.version !== version) return;
    const saysSyntax =
      document.languageId.startsWith('json') &&
      vscode.workspace.getConfiguration('json', document).get('validate.enable') !== false;
    this.collection.set(
      document.uri,
      problems
        .filter(({ code }) => !(saysSyntax && SAID_BY_JSON.has(code)))
        .map((problem) => diagnosticOf(problem, document)),
    );
  }
}

export function diagnosticOf(problem: RecipeProblem, document: vscode.TextDocument): vscode.Diagnostic {
  const { message, severity, code, start, end } = problem;
  const hint = inEditor(problem.hint);
  const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
  const diagnostic = new vscode.Diagnostic(range, hint ? `${message}\n${hint}` : message, SEVERITY[severity]);
  diagnostic.source = 'luthier';
  diagnostic.code = code;
  return diagnostic;
}

const textOf = (document: vscode.TextDocument) => ({
  path: document.uri.fsPath,
  text: document.getText(),
  version: document.version,
});
