import * as vscode from 'vscode';
import { chooseModelFor, use } from '../completions/choose.ts';
import { languageName } from '../completions/languages.ts';
import { openMenu } from '../completions/menu.ts';
import { ALL_LANGUAGES } from '../completions/models.ts';
import type { Luthier } from '../context.ts';
import { choose } from '../questions.ts';
import { hasWriter } from '../runs/run.ts';
import { modelFolderOf } from '../views/run-panels.ts';
import { requireTrust, runFor } from './select.ts';

export async function completionsMenu(luthier: Luthier): Promise<void> {
  await openMenu(luthier);
}

/** Asks for suggestions where the cursor is. It is VS Code's own command, which has no key by itself. */
export async function suggestCompletions(): Promise<void> {
  await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
}

/** @param args the language that is meant; that of the document at hand without one */
export async function chooseCompletionModel(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const [named] = args;
  await chooseModelFor(
    luthier,
    typeof named === 'string' ? named : vscode.window.activeTextEditor?.document.languageId,
  );
}

/** Completes with what a run has trained. */
export async function useForCompletions(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const run = await runFor(luthier, args, hasWriter, {
    title: 'Use for Completions',
    none: 'No run has a model that writes yet. Fine-tune one that continues texts, or that answers.',
  });
  await luthier.completions.state.ready();
  const language = vscode.window.activeTextEditor?.document.languageId;
  const { choices } = luthier.completions.models;
  const target =
    language === undefined || Object.keys(choices).length === 0
      ? ALL_LANGUAGES
      : await choose<string>({
          title: `Use ${run.record.name} for Completions`,
          placeholder: 'In which languages?',
          items: [
            { label: 'All languages without a model of their own', value: ALL_LANGUAGES },
            { label: `Only ${languageName(language)}`, value: language },
          ],
        });
  await use(luthier, modelFolderOf(run), target);
}

export async function showCompletionCounts(luthier: Luthier): Promise<void> {
  luthier.completionPages.show();
}
