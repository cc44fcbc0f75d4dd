import * as vscode from 'vscode';
import type { PromptFile, Range } from '../../prompts/prompt-file.ts';
import { rangeOf, templateOf } from './documents.ts';

/** What to write where, so that a template's front matter names a model; null where it names one in another way. */
export function modelEdit(file: PromptFile, text: string, name: string): { range: Range; text: string } | null {
  const find = (...path: string[]) => file.keys.find((key) => key.path.join('.') === path.join('.'));
  const written = JSON.stringify(name);
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const [model, id] = [find('model'), find('model', 'id')];
  if (id?.value) return { range: id.value, text: written };
  const inner = file.keys.filter(({ path }) => path.length === 2 && path[0] === 'model');
  if (model?.value && inner.length === 0) return { range: model.value, text: written };
  // The first generation names services under “configuration”: what stands there is somebody else's.
  if (inner.some(({ path }) => path[1] === 'configuration')) return null;
  const first = inner[0];
  if (first) {
    const start = first.key.start;
    const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
    return /^[ \t]*$/.test(indent) ? { range: { start, end: start }, text: `id: ${written}${end}${indent}` } : null;
  }
  if (model) return null;
  if (!file.frontMatter) return { range: { start: 0, end: 0 }, text: `---${end}model: ${written}${end}---${end}` };
  const { start } = file.frontMatter;
  return { range: { start, end: start }, text: `model: ${written}${end}` };
}

/** Writes a model into a template's front matter, where it can be undone; false where it says so otherwise already. */
export async function bindInFile(document: vscode.TextDocument, name: string): Promise<boolean> {
  const file = templateOf(document);
  const edit = file && modelEdit(file, document.getText(), name);
  if (!edit) return false;
  const change = new vscode.WorkspaceEdit();
  change.replace(document.uri, rangeOf(document, edit.range), edit.text);
  return await vscode.workspace.applyEdit(change);
}
