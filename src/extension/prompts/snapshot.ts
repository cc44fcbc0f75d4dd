import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import type { PromptMode, PromptSnapshot } from '../../protocol/prompt-page.ts';
import { textOfVersion } from './answers.ts';
import { shownSample } from './filling.ts';
import type { ColumnRef, TemplateModels } from './models.ts';
import { optionsInWords } from './options.ts';

export const UNTRUSTED =
  'This workspace is not trusted: the template is shown, and nothing is rendered, run or sent until you trust it.';

/** A template and what it is asked of, as a page shows them. */
export async function snapshotOf(
  mode: PromptMode,
  document: vscode.TextDocument,
  file: PromptFile,
  refs: readonly ColumnRef[],
  models: TemplateModels,
): Promise<PromptSnapshot> {
  const { uri } = document;
  const { offered } = await models.bound(document, file);
  const names = new Set(file.inputs.map(({ name }) => name));
  const undeclared = Object.keys(file.sample ?? {}).filter((name) => !names.has(name));
  const columns = await Promise.all(refs.map((ref) => models.describe(ref)));
  return {
    ...{ mode, template: uri.toString(), name: basename(uri.path) },
    blocked: vscode.workspace.isTrusted ? null : UNTRUSTED,
    variables: [
      ...file.inputs.map(({ name, kind, description }) => ({
        ...{ name, kind: kind === 'thread' ? ('array' as const) : kind, description: description ?? null },
      })),
      // A sample's values reach the template whether its inputs are listed or not.
      ...undeclared.map((name) => ({ name, kind: kindOf(file.sample![name]), description: null })),
    ],
    sample: shownSample(file),
    hasSample: file.sample !== null || file.inputs.some((input) => input.sample !== undefined),
    problems: file.problems
      .filter(({ severity }) => severity === 'error')
      .map(({ message, range }) => `Line ${document.positionAt(range.start).line + 1}: ${message}`),
    dataset: file.dataset === undefined ? null : basename(file.dataset),
    columns,
    subject: mode === 'compare' ? await subjectOf(document, refs, columns) : '',
    offered: mode === 'try' ? offered : null,
    options: optionsInWords(file.model.options),
  };
}

/** What votes are about: these models (the very checkpoint of one that still trains) with these texts of the template. */
async function subjectOf(
  document: vscode.TextDocument,
  refs: readonly ColumnRef[],
  columns: PromptSnapshot['columns'],
): Promise<string> {
  const compared = await Promise.all(
    refs.map(async ({ version }, i) => {
      // A commit says which text it is, and a version that is gone has answered all the same, under its name.
      const text = version?.kind === 'git' ? null : await textOfVersion(document, version).catch(() => null);
      return [columns[i]!.id, columns[i]!.detail, text];
    }),
  );
  // Side by side in another order they are the same.
  const told = JSON.stringify(compared.map((one) => JSON.stringify(one)).sort());
  return createHash('sha256').update(told).digest('hex').slice(0, 32);
}

function kindOf(value: unknown): PromptSnapshot['variables'][number]['kind'] {
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as 'number' | 'boolean';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' && value !== null ? 'object' : 'string';
}
