import * as vscode from 'vscode';
import type { PromptProblem } from '../../protocol/index.ts';
import type { PromptChecks } from './checks.ts';
import { PROMPT_SELECTOR, rangeOf, templateOf } from './documents.ts';

const SEVERITY: Record<PromptProblem['severity'], vscode.DiagnosticSeverity> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
};

const mayBeTemplate = (document: vscode.TextDocument): boolean => vscode.languages.match(PROMPT_SELECTOR, document) > 0;

/** The problems of open templates, in the Problems view and under what is wrong, and what mends them. */
export class PromptDiagnostics implements vscode.CodeActionProvider, vscode.Disposable {
  static readonly kinds = { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] };
  private readonly collection = vscode.languages.createDiagnosticCollection('luthier-prompts');
  private readonly checks: PromptChecks;
  private readonly subscriptions: { dispose(): void }[];

  constructor(checks: PromptChecks) {
    this.checks = checks;
    this.subscriptions = [
      checks.changed.on((document) => this.show(document)),
      vscode.workspace.onDidOpenTextDocument((document) => this.schedule(document)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.schedule(document)),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (!mayBeTemplate(document)) return;
        checks.forget(document);
        this.collection.delete(document.uri);
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.checkOpen()),
    ];
    this.checkOpen();
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.collection.dispose();
  }

  /** Looks at all open templates again: what they name may have come or gone. */
  checkOpen(): void {
    for (const document of vscode.workspace.textDocuments) this.schedule(document);
  }

  provideCodeActions(document: vscode.TextDocument, range: vscode.Range): vscode.CodeAction[] {
    if (!templateOf(document)) return [];
    return this.checks
      .problemsOf(document)
      .filter((problem) => rangeOf(document, problem.range).intersection(range))
      .flatMap((problem) => actionsOf(problem, document));
  }

  private schedule(document: vscode.TextDocument): void {
    if (mayBeTemplate(document) && !document.isClosed) this.checks.schedule(document);
  }

  private show(document: vscode.TextDocument): void {
    if (document.isClosed) return;
    this.collection.set(
      document.uri,
      this.checks.problemsOf(document).map((problem) => diagnosticOf(problem, document)),
    );
  }
}

function diagnosticOf(problem: PromptProblem, document: vscode.TextDocument): vscode.Diagnostic {
  const diagnostic = new vscode.Diagnostic(
    rangeOf(document, problem.range),
    problem.message,
    SEVERITY[problem.severity],
  );
  diagnostic.source = 'luthier';
  diagnostic.code = problem.code;
  if (problem.code === 'unused-input') diagnostic.tags = [vscode.DiagnosticTag.Unnecessary];
  return diagnostic;
}

function actionsOf(problem: PromptProblem, document: vscode.TextDocument): vscode.CodeAction[] {
  return (problem.fixes ?? []).map(({ title, edits }, i) => {
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    action.diagnostics = [diagnosticOf(problem, document)];
    action.edit = new vscode.WorkspaceEdit();
    for (const { range, text } of edits) action.edit.replace(document.uri, rangeOf(document, range), text);
    if (i === 0) action.isPreferred = true;
    return action;
  });
}
