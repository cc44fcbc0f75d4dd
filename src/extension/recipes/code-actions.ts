import { dirname, isAbsolute, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import type { RecipeChoice, RecipeProblem } from '../../protocol/index.ts';
import { askModel } from '../commands/models.ts';
import type { Luthier } from '../context.ts';
import { INTERNAL_COMMANDS } from '../ids.ts';
import { BACK, choose, Questions } from '../questions.ts';
import { diagnosticOf, type RecipeDiagnostics } from './diagnostics.ts';

/** What mends a recipe's problems: edits, and questions whose answer is written into it. */
export class RecipeActions implements vscode.CodeActionProvider {
  static readonly kinds = { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] };
  private readonly diagnostics: RecipeDiagnostics;

  constructor(diagnostics: RecipeDiagnostics) {
    this.diagnostics = diagnostics;
  }

  provideCodeActions(document: vscode.TextDocument, range: vscode.Range): vscode.CodeAction[] {
    return this.diagnostics
      .problemsOf(document)
      .filter((problem) => diagnosticOf(problem, document).range.intersection(range))
      .flatMap((problem) => actionsOf(problem, document));
  }
}

function actionsOf(problem: RecipeProblem, document: vscode.TextDocument): vscode.CodeAction[] {
  const action = (title: string) => {
    const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    made.diagnostics = [diagnosticOf(problem, document)];
    return made;
  };
  const edits = problem.fixes.map((fix) => {
    const made = action(fix.title);
    made.edit = new vscode.WorkspaceEdit();
    for (const { start, end, text } of fix.edits) {
      made.edit.replace(document.uri, rangeOf(document, start, end), text);
    }
    if (fix.preferred) made.isPreferred = true;
    return made;
  });
  const questions = problem.choices.map((choice) => {
    const made = action(choice.title);
    made.command = {
      command: INTERNAL_COMMANDS.chooseInRecipe,
      title: choice.title,
      arguments: [document.uri, document.version, choice],
    };
    return made;
  });
  return [...edits, ...questions];
}

const rangeOf = (document: vscode.TextDocument, start: number, end: number) =>
  new vscode.Range(document.positionAt(start), document.positionAt(end));

/** Asks, and writes the answer into the recipe, if that still is the text that the question was about. */
export async function chooseInRecipe(
  luthier: Luthier,
  uri: vscode.Uri,
  version: number,
  choice: RecipeChoice,
): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  const answer = await ask(luthier, choice);
  if (answer === BACK || document.version !== version) return;
  const edit = new vscode.WorkspaceEdit();
  const text = `${choice.before}${JSON.stringify(relativeTo(uri, answer, choice))}${choice.after}`;
  edit.replace(uri, rangeOf(document, choice.start, choice.end), text);
  await vscode.workspace.applyEdit(edit);
}

async function ask(luthier: Luthier, { what, title, names = [], task }: RecipeChoice): Promise<string | typeof BACK> {
  const plain = title.replace(/…$/, '');
  if (what === 'column') {
    const items = names.map((name) => ({ label: name, value: name }));
    return await choose({ title: plain, placeholder: 'Which column of the file?', items });
  }
  const questions = new Questions(plain);
  try {
    return await askModel(luthier, questions, {}, task ? { task } : {});
  } finally {
    questions.dispose();
  }
}

/** A model's folder below the recipe's is written as the recipe would name it on another machine. */
function relativeTo(recipe: vscode.Uri, answer: string, { what }: RecipeChoice): string {
  if (what !== 'model' || !isAbsolute(answer)) return answer;
  const path = relative(dirname(recipe.fsPath), answer);
  return path.startsWith('..') || isAbsolute(path) ? answer : path.split(sep).join('/');
}
