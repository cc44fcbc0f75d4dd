import * as vscode from 'vscode';
import { checkPrompt, type PromptCheck } from '../../prompts/check.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import type { PromptFile, Range } from '../../prompts/prompt-file.ts';
import { PROMPT_LANGUAGE } from '../ids.ts';
import type { PromptFiles, Surroundings } from './surroundings.ts';

/**
 * What may be a prompt template: `.prompty`, and `.prompt.md`, which VS Code has prompt files of its own in and which
 * keeps its language. Whether one of these is ours, its front matter says: `templateOf`.
 */
export const PROMPT_SELECTOR: readonly vscode.DocumentFilter[] = [
  { language: PROMPT_LANGUAGE },
  { pattern: '**/*.prompt.md' },
];

/** A larger file is no prompt that somebody wrote, and reading it with every key would be felt. */
const MAX_CHARACTERS = 200_000;

/** Keys by which a `.prompt.md` is a template, and none of VS Code's own prompt files. */
const OURS: ReadonlySet<string> = new Set(['inputs', 'sample']);

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

/** A template with all that is known of it. */
export interface Look {
  document: vscode.TextDocument;
  text: string;
  file: PromptFile;
  check: PromptCheck;
  around: Surroundings;
}

/** Looks at templates, once for each version of a text and of what stands around it. */
export class PromptDocuments {
  readonly files: PromptFiles;
  private readonly looks = new WeakMap<vscode.TextDocument, { version: number; look: Look }>();

  constructor(files: PromptFiles) {
    this.files = files;
  }

  /** Null for a document that is no template. */
  look(document: vscode.TextDocument): Look | null {
    const file = templateOf(document);
    if (!file) return null;
    const around = this.files.of(document.uri, file);
    const before = this.looks.get(document);
    if (before?.version === document.version && before.look.around === around) return before.look;
    const text = document.getText();
    const look = { document, text, file, around, check: checkPrompt(text, file, around) };
    this.looks.set(document, { version: document.version, look });
    return look;
  }
}

export const rangeOf = (document: vscode.TextDocument, { start, end }: Range): vscode.Range =>
  new vscode.Range(document.positionAt(start), document.positionAt(end));

/** Whether a place is in a range, or right behind it: where a cursor stands that has just typed it. */
export const touches = ({ start, end }: Range, offset: number): boolean => start <= offset && offset <= end;
