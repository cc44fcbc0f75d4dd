import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import { rowValues } from '../../prompts/values.ts';
import { counted } from '../../protocol/index.ts';
import type { PromptRow, PromptValues } from '../../protocol/prompt-page.ts';
import { DATA_EXTENSIONS } from '../datasets/dataset.ts';
import type { EngineService } from '../engine/service.ts';
import { shorten } from '../format.ts';
import { shownItem } from '../ui.ts';
import { placed } from './placed.ts';

/** Rows offered to pick from. */
const PICK_LIMIT = 500;

/**
 * Lets a person pick rows of a template's dataset, which is asked for where the template names none.
 * @returns none where none is picked
 * @throws CancellationError where no dataset is chosen
 */
export async function pickRows(
  service: Pick<EngineService, 'request'>,
  document: vscode.TextDocument,
  file: PromptFile,
  several: boolean,
): Promise<PromptRow[]> {
  const data = file.dataset === undefined ? await chooseData() : undefined;
  const name = basename(data ?? file.dataset!);
  const {
    rows,
    total,
    left_out = 0,
  } = await service.request('prompt/rows', {
    ...{ text: document.getText(), ...placed(document.uri), limit: PICK_LIMIT },
    ...(data !== undefined && { data }),
  });
  const inputs = file.inputs.map((input) => input.name);
  const items = rows.map(({ row, values: cells }) => {
    const values = rowValues(file, cells);
    return shownItem({
      label: shorten(inWords(values, inputs), 120),
      description: `row ${row}`,
      row: { id: `${name} ${row}`, title: `${name}, row ${row}`, values },
    });
  });
  const picked = await vscode.window.showQuickPick(items, {
    title: several ? `Pick Rows of ${name}` : `Pick a Row of ${name}`,
    placeHolder: [
      total > rows.length ? `The first ${rows.length} of ${counted(total, 'row')}` : 'Type to search',
      ...(left_out > 0 ? [`${counted(left_out, 'broken row')} left out (Inspect Dataset says why)`] : []),
    ].join(' · '),
    canPickMany: several,
    matchOnDescription: true,
  });
  const chosen = (Array.isArray(picked) ? picked : picked ? [picked] : []) as unknown as { row: PromptRow }[];
  return chosen.map(({ row }) => row);
}

/** The values that a person knows a row by: those of the template's inputs, else all. */
function inWords(values: PromptValues, inputs: readonly string[]): string {
  const own = inputs.filter((name) => Object.hasOwn(values, name));
  const shown = own.length > 0 ? own.map((name) => values[name]) : Object.values(values);
  return shown.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' · ');
}

async function chooseData(): Promise<string> {
  const picked = await vscode.window.showOpenDialog({
    title: 'Dataset for the Template’s Inputs',
    openLabel: 'Use Dataset',
    filters: { Data: DATA_EXTENSIONS },
  });
  const path = picked?.[0]?.fsPath;
  if (!path) throw new vscode.CancellationError();
  return path;
}
