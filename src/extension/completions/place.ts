import * as vscode from 'vscode';
import { lineAfter, type Place } from '../../completions/place.ts';
import { type Lines, windowAt } from '../../completions/window.ts';

/** Where something is to be completed: what the model is asked, and how its answer goes into the document. */
export interface AskedPlace extends Place {
  /** What an answer replaces. */
  range: vscode.Range;
  /** Stands in front of each answer: the entry that is selected in the list of suggestions. */
  lead: string;
}

/**
 * A place of a document with the text around it, of which only a window is read. Where the list of suggestions is open,
 * the text is as if its selected entry had been taken: VS Code shows nothing else beside it.
 */
export function placeIn(
  document: vscode.TextDocument,
  position: vscode.Position,
  selected?: vscode.SelectedCompletionInfo,
): AskedPlace {
  const language = document.languageId;
  if (!selected) {
    const range = new vscode.Range(position, position);
    return { language, ...windowAt(linesOf(document), position), range, lead: '' };
  }
  const { range, text } = selected;
  const { before } = windowAt(linesOf(document), range.start);
  const { after } = windowAt(linesOf(document), range.end);
  return { language, before: before + text.replaceAll('\r\n', '\n'), after, range, lead: text };
}

/** A document as it is just now, and the cursor in it. */
export interface Spot {
  readonly document: vscode.TextDocument;
  readonly version: number;
  /** In UTF-16 units from the document's start. */
  readonly offset: number;
}

export const spotIn = (document: vscode.TextDocument, position: vscode.Position): Spot => ({
  document,
  version: document.version,
  offset: document.offsetAt(position),
});

export const isSame = (a: Spot | null, b: Spot): boolean =>
  a !== null && a.document === b.document && a.version === b.version && a.offset === b.offset;

/** Brackets, quotes and full stops behind a cursor are what an editor or a person has put there before. */
const CLOSING = /^[\s\p{P}]*$/u;

/**
 * Whether something may be shown there without being asked for: not in the middle of a line, which would only push aside
 * what somebody has written.
 */
export const maySuggestItself = (place: Place): boolean => CLOSING.test(lineAfter(place));

/** An answer as it is put into a document, which has line ends of its own. */
export const inserted = (document: vscode.TextDocument, text: string): string =>
  document.eol === vscode.EndOfLine.CRLF ? text.replace(/\r?\n/g, '\r\n') : text;

const linesOf = (document: vscode.TextDocument): Lines => ({
  lineCount: document.lineCount,
  lineAt: (line) => document.lineAt(line).text,
});
