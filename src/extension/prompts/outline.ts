import * as vscode from 'vscode';
import type { PromptKey, Range } from '../../prompts/prompt-file.ts';
import type { Block } from '../../prompts/tags.ts';
import { shorten } from '../format.ts';
import { type Look, type PromptDocuments, rangeOf } from './documents.ts';

/** Front matter, messages and blocks, for the outline, the breadcrumbs and the folding margin. */
export class PromptOutline implements vscode.DocumentSymbolProvider, vscode.FoldingRangeProvider {
  private readonly documents: PromptDocuments;

  constructor(documents: PromptDocuments) {
    this.documents = documents;
  }

  provideDocumentSymbols(document: vscode.TextDocument): vscode.DocumentSymbol[] {
    const look = this.documents.look(document);
    return look ? symbolsOf(look) : [];
  }

  provideFoldingRanges(document: vscode.TextDocument): vscode.FoldingRange[] {
    const look = this.documents.look(document);
    return look ? foldsOf(look) : [];
  }
}

interface Entry {
  symbol: vscode.DocumentSymbol;
  range: Range;
}

function symbolsOf(look: Look): vscode.DocumentSymbol[] {
  const { document, file, text, check } = look;
  const symbol = (name: string, detail: string, kind: vscode.SymbolKind, range: Range, selection: Range): Entry => ({
    // VS Code refuses one without a name, and one whose name stands outside of it.
    symbol: new vscode.DocumentSymbol(
      name.trim() || '…',
      detail,
      kind,
      rangeOf(document, { start: Math.min(range.start, selection.start), end: Math.max(range.end, selection.end) }),
      rangeOf(document, selection),
    ),
    range,
  });
  const top: vscode.DocumentSymbol[] = [];
  if (file.frontMatter) {
    const front = symbol(
      'Front matter',
      file.name ?? '',
      vscode.SymbolKind.Namespace,
      file.frontMatter,
      file.frontMatter,
    );
    front.symbol.children = keySymbols(look, symbol);
    top.push(front.symbol);
  }
  const parts = file.parts.map(({ role, marker, range, text: words }) =>
    symbol(
      role,
      firstLine(words),
      vscode.SymbolKind.Class,
      { start: marker?.start ?? range.start, end: range.end },
      marker ?? { start: range.start, end: range.start },
    ),
  );
  for (const { symbol: one } of parts) top.push(one);
  const made = new Map<Block, Entry>();
  for (const block of check.blocks) {
    const { name, open, range } = block;
    const words = text.slice(open.range.start, open.range.end).replace(/^\{%[-+]?\s*|\s*[-+]?%\}$/g, '');
    const entry = symbol(shorten(words, 60), '', BLOCK_KINDS[name] ?? vscode.SymbolKind.Function, range, open.range);
    made.set(block, entry);
    const parent =
      (block.parent && made.get(block.parent)) ??
      parts.findLast(({ range: part }) => part.start <= range.start && range.start < part.end);
    (parent ? parent.symbol.children : top).push(entry.symbol);
  }
  return top;
}

const BLOCK_KINDS: Record<string, vscode.SymbolKind> = {
  for: vscode.SymbolKind.Array,
  if: vscode.SymbolKind.Boolean,
  set: vscode.SymbolKind.Variable,
};

/** Deeper keys are no landmarks. */
const DEEPEST_KEY = 3;

function keySymbols(
  { file, text }: Look,
  symbol: (name: string, detail: string, kind: vscode.SymbolKind, range: Range, selection: Range) => Entry,
): vscode.DocumentSymbol[] {
  const top: vscode.DocumentSymbol[] = [];
  const parents = new Map<string, vscode.DocumentSymbol>();
  const byPath = new Map(file.keys.map((key) => [JSON.stringify(key.path), key]));
  const holders = new Set(file.keys.map(({ path }) => JSON.stringify(path.slice(0, -1))));
  for (const { path, key, value } of file.keys) {
    if (path.length > DEEPEST_KEY) continue;
    const isItem = isListItem({ path, key, value });
    const words = value ? firstLine(text.slice(value.start, value.end)) : '';
    const holds = holders.has(JSON.stringify(path));
    // An item of a list is called by its name, where it has one.
    const named = isItem ? byPath.get(JSON.stringify([...path, 'name']))?.value : null;
    const name = named ? text.slice(named.start, named.end) : path.at(-1)!;
    const kind = holds ? vscode.SymbolKind.Object : vscode.SymbolKind.Property;
    const { symbol: one } = symbol(
      name,
      holds ? '' : words,
      kind,
      { start: key.start, end: value?.end ?? key.end },
      key,
    );
    parents.set(JSON.stringify(path), one);
    const parent = parents.get(JSON.stringify(path.slice(0, -1)));
    (parent ? parent.children : top).push(one);
  }
  return top;
}

const isListItem = ({ path, key, value }: PromptKey): boolean =>
  /^\d+$/.test(path.at(-1)!) && value !== null && value.start === key.start;

const firstLine = (text: string): string =>
  shorten(
    text
      .split(/\r?\n/)
      .find((line) => line.trim() !== '')
      ?.trim() ?? '',
    80,
  );

function foldsOf({ document, file, check, text }: Look): vscode.FoldingRange[] {
  const line = (offset: number): number => document.positionAt(offset).line;
  const folds: vscode.FoldingRange[] = [];
  const fold = (first: number, last: number, kind?: vscode.FoldingRangeKind) => {
    if (last > first) folds.push(new vscode.FoldingRange(first, last, kind));
  };
  /** Line of the last letter before a place: blank lines between messages stay seen. */
  const lastLine = (start: number, end: number): number => line(start + text.slice(start, end).trimEnd().length);
  if (file.frontMatter) {
    // From the line of dashes above it to the one below.
    const closing = line(file.frontMatter.end);
    fold(
      Math.max(0, line(file.frontMatter.start) - 1),
      file.frontMatter.end < file.body.start ? closing : lastLine(file.frontMatter.start, file.frontMatter.end),
    );
    for (const { path, key, value } of file.keys) {
      if (value && path.length <= DEEPEST_KEY) fold(line(key.start), lastLine(value.start, value.end));
    }
  }
  for (const { marker, range } of file.parts)
    fold(line(marker?.start ?? range.start), lastLine(range.start, range.end));
  for (const { open, end, range } of check.blocks) {
    // The line of the end stays, as the brace of a function does.
    fold(line(open.range.start), end ? line(end.range.start) - 1 : lastLine(range.start, range.end));
  }
  for (const { kind, range } of check.tags) {
    if (kind === 'comment') fold(line(range.start), line(range.end), vscode.FoldingRangeKind.Comment);
    if (kind === 'raw') fold(line(range.start), line(range.end) - 1);
  }
  return folds;
}
