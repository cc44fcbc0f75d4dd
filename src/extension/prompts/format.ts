import * as vscode from 'vscode';
import type { Tag } from '../../prompts/tags.ts';
import { type Look, type PromptDocuments, rangeOf } from './documents.ts';

/**
 * One blank inside of delimiters, and markers of roles as everybody writes them. Nothing that a model would see is
 * touched: blanks and lines of the text are the author's.
 */
export class PromptFormat implements vscode.DocumentFormattingEditProvider {
  private readonly documents: PromptDocuments;

  constructor(documents: PromptDocuments) {
    this.documents = documents;
  }

  provideDocumentFormattingEdits(document: vscode.TextDocument): vscode.TextEdit[] {
    const look = this.documents.look(document);
    if (!look) return [];
    return [...look.check.tags.flatMap((tag) => tagEdits(look, tag)), ...markerEdits(look)];
  }
}

function tagEdits({ document, text }: Look, { kind, range, closed, tokens }: Tag): vscode.TextEdit[] {
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (!closed || !first || !last || (kind !== 'expression' && kind !== 'statement')) return [];
  const open = /^\{[{%][-+]?/.exec(text.slice(range.start, first.range.start))![0].length;
  const close = /[-+]?[}%]\}$/.exec(text.slice(last.range.end, range.end))![0].length;
  return [
    { start: range.start + open, end: first.range.start },
    { start: last.range.end, end: range.end - close },
  ].flatMap((gap) => {
    const blanks = text.slice(gap.start, gap.end);
    // Lines inside of a long expression are the author's.
    if (blanks === ' ' || blanks.includes('\n')) return [];
    return [vscode.TextEdit.replace(rangeOf(document, gap), ' ')];
  });
}

function markerEdits({ document, file, text }: Look): vscode.TextEdit[] {
  return file.parts.flatMap(({ marker }) => {
    if (!marker) return [];
    const written = text.slice(marker.start, marker.end);
    const match = /^\s*(#?)\s*([A-Za-z]+)\s*(\[[^\]]*\])?\s*:\s*$/.exec(written);
    if (!match) return [];
    const wanted = `${match[1] ? '# ' : ''}${match[2]!.toLowerCase()}${match[3] ?? ''}:`;
    return wanted === written ? [] : [vscode.TextEdit.replace(rangeOf(document, marker), wanted)];
  });
}
