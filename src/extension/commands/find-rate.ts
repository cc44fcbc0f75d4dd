import { basename } from 'node:path';
import * as vscode from 'vscode';
import { type RateChoice, rateCurve, rateSentences } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { choose } from '../questions.ts';
import { tell, withProgress } from '../ui.ts';
import { requireTrust } from './select.ts';
import { recipeFor, refuseUnsound } from './start.ts';

const TITLE = 'Find Learning Rate';
const WHY: Readonly<Record<RateChoice['why'], string>> = {
  steepest: 'where the loss falls fastest',
  tenth_of_lowest: 'a tenth of the rate with the lowest loss',
};

/** Trains a recipe's model for at most 100 steps with growing rates, and offers those that it suggests. */
export async function findLearningRate(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  await luthier.load();
  const path = await recipeFor(args, TITLE);
  await refuseUnsound(luthier, path);
  const found = await withProgress(`Trying learning rates for ${basename(path)}`, (signal, progress) =>
    luthier.engine.service.request(
      'recipe/rates',
      { recipe_path: path },
      {
        signal,
        onPart: (part) => {
          if (part.type === 'rows')
            progress({ message: `step ${part.done} of ${part.total} at most`, done: part.done, total: part.total });
        },
      },
    ),
  );
  const sentences = rateSentences(found);
  if (found.choices.length === 0) {
    await tell('information', sentences.join(' '));
    return;
  }
  for (;;) {
    const chosen = await choose<RateChoice | 'losses'>({
      title: TITLE,
      placeholder: `Which ${found.key} should ${basename(path)} have?`,
      items: [
        ...found.choices.map((choice) => ({ label: String(choice.rate), description: WHY[choice.why], value: choice })),
        { label: '$(graph-line) Show the losses', value: 'losses' as const },
      ],
    });
    if (chosen !== 'losses') return await write(path, chosen);
    const content = [...sentences, '', rateCurve(found.points), ''].join('\n');
    const document = await vscode.workspace.openTextDocument({ content, language: 'plaintext' });
    await vscode.window.showTextDocument(document, vscode.ViewColumn.Beside);
  }
}

/** Writes a rate into the recipe that is open, where it can be taken back. */
async function write(path: string, { edits }: RateChoice): Promise<void> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
  const change = new vscode.WorkspaceEdit();
  for (const { start, end, text } of edits)
    change.replace(document.uri, new vscode.Range(document.positionAt(start), document.positionAt(end)), text);
  await vscode.workspace.applyEdit(change);
  await vscode.window.showTextDocument(document);
}
