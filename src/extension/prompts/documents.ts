import * as vscode from 'vscode';

import { parsePrompt } from '../../prompts/parse.ts';
import type { PromptFile, Range } from '../../prompts/prompt-file.ts';
import { PROMPT_LANGUAGE } from '../ids.ts';

/**
 * What may be a prompt template: `.prompty`, and `.prompt.md`, which VS Code has prompt files of its own in and which
 * keeps its language. Whether one of these is ours, its front matter says: `templateOf`.
 */
export const PROMPT_SELECTOR: vscode.DocumentSelector = [
  { language: PROMPT_LANGUAGE },
  { scheme: 'file', pattern: '**/*.prompt.md' },
  { scheme: 'untitled', pattern: '**/*.prompt.md' },
];

/** A larger file is no prompt that somebody wrote, and reading it with every key would be felt. */
const MAX_CHARACTERS = 200_000;

/** A document as it was read, for as long as it is not changed. */
const known = new WeakMap<vscode.TextDocument, { version: number; file: PromptFile | null }>();

/** The template that a document is; null for one that is none, or too large. */
export function templateOf(document: vscode.TextDocument): PromptFile | null {
  const before = known.get(document);
  if (before?.version === document.version) return before.file;
  const file = read(document);
  known.set(document, { version: document.version, file });
  return file;
}

function read(document: vscode.TextDocument): PromptFile | null {
  const isOurs = document.languageId === PROMPT_LANGUAGE;
  if (!isOurs && !document.uri.path.endsWith('.prompt.md')) return null;
  const text = document.getText();
  if (text.length > MAX_CHARACTERS) return null;
  const file = parsePrompt(text);
  return isOurs || file.keys.some(({ path }) => path.length === 1 && OURS.has(path[0]!)) ? file : null;
}

/** Keys by which a `.prompt.md` is a template, and none of VS Code's own prompt files. */
const OURS: ReadonlySet<string> = new Set(['inputs', 'sample']);

export const rangeOf = (document: vscode.TextDocument, { start, end }: Range): vscode.Range =>
  new vscode.Range(document.positionAt(start), document.positionAt(end));
