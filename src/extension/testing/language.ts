import { Position, Range, type Uri } from './vscode.ts';

/** What stands for the parts of `vscode` that languages are made of; a part of vscode.ts, which exports it. */

export const EndOfLine = { LF: 1, CRLF: 2 };
export const InlineCompletionTriggerKind = { Invoke: 0, Automatic: 1 };
export class InlineCompletionItem {
  constructor(
    readonly insertText: string,
    readonly range: Range,
    readonly command?: { command: string; arguments?: unknown[] },
  ) {}
}

/** A document of which nothing is drawn. */
export class Document {
  readonly uri: Uri;
  readonly languageId: string;
  version = 1;
  isClosed = false;
  private text: string;
  private split: { text: string; lines: string[] } | null = null;

  constructor(uri: Uri, languageId: string, text: string) {
    this.uri = uri;
    this.languageId = languageId;
    this.text = text;
  }

  get fileName(): string {
    return this.uri.fsPath;
  }
  get isUntitled(): boolean {
    return this.uri.scheme === 'untitled';
  }
  get eol(): number {
    return this.text.includes('\r\n') ? EndOfLine.CRLF : EndOfLine.LF;
  }
  get lineCount(): number {
    return this.lines().length;
  }
  lineAt(line: number): { text: string } {
    return { text: this.lines()[line]! };
  }
  private lines(): string[] {
    if (this.split?.text !== this.text) this.split = { text: this.text, lines: this.text.split(/\r\n|\r|\n/) };
    return this.split.lines;
  }
  getText(range?: Range): string {
    return range ? this.text.slice(this.offsetAt(range.start), this.offsetAt(range.end)) : this.text;
  }
  /** Somebody has typed. */
  setText(text: string): void {
    this.text = text;
    this.version++;
  }
  positionAt(offset: number): Position {
    const before = this.text.slice(0, Math.max(0, Math.min(offset, this.text.length)));
    const lines = before.split(/\r\n|\r|\n/);
    // Between \r and \n there is no place.
    return new Position(lines.length - 1, lines.at(-1)!.length);
  }
  offsetAt({ line, character }: Position): number {
    const starts = [0];
    for (const match of this.text.matchAll(/\r\n|\r|\n/g)) starts.push(match.index + match[0].length);
    const start = starts[Math.min(line, starts.length - 1)]!;
    const end = starts[line + 1] ?? this.text.length + 1;
    return Math.min(start + character, Math.max(start, end - 1));
  }
}

const numbered = <const K extends string>(...names: K[]) =>
  Object.fromEntries(names.map((name, i) => [name, i])) as Record<K, number>;

export const SymbolKind = numbered(
  'File',
  'Namespace',
  'Class',
  'Object',
  'Property',
  'Array',
  'Boolean',
  'Variable',
  'Function',
);
export const CompletionItemKind = numbered(
  ...([
    'Text',
    'Function',
    'Variable',
    'Field',
    'Class',
    'Property',
    'Value',
    'Keyword',
    'EnumMember',
    'File',
  ] as const),
);
export const FoldingRangeKind = numbered('Comment', 'Imports', 'Region');
export const DiagnosticSeverity = numbered('Error', 'Warning', 'Information', 'Hint');
export const DiagnosticTag = numbered('None', 'Unnecessary', 'Deprecated');
export const CodeActionKind = { QuickFix: { value: 'quickfix' } };

export class DocumentSymbol {
  children: DocumentSymbol[] = [];
  constructor(
    readonly name: string,
    readonly detail: string,
    readonly kind: number,
    readonly range: Range,
    readonly selectionRange: Range,
  ) {
    // As VS Code has it.
    if (!name) throw new Error('name must not be falsy');
    const common = range.intersection(selectionRange);
    const isInside = JSON.stringify(common) === JSON.stringify(selectionRange);
    if (!isInside) throw new Error('selectionRange must be contained in fullRange');
  }
}
export class FoldingRange {
  constructor(
    readonly start: number,
    readonly end: number,
    readonly kind?: number,
  ) {}
}
export class MarkdownString {
  constructor(readonly value: string) {}
}
export class Hover {
  constructor(
    readonly contents: MarkdownString,
    readonly range: Range,
  ) {}
}
export class CompletionItem {
  detail: string | undefined;
  insertText: string | SnippetString | undefined;
  additionalTextEdits: TextEdit[] | undefined;
  constructor(
    readonly label: string,
    readonly kind: number,
  ) {}
}
export class SnippetString {
  constructor(readonly value: string) {}
}
export class TextEdit {
  constructor(
    readonly range: Range,
    readonly newText: string,
  ) {}
  static replace = (range: Range, text: string) => new TextEdit(range, text);
}
export class Location {
  readonly range: Range;
  constructor(
    readonly uri: Uri,
    at: Range | Position,
  ) {
    this.range = at instanceof Range ? at : new Range(at, at);
  }
}
export class Diagnostic {
  source: string | undefined;
  code: string | undefined;
  tags: number[] | undefined;
  constructor(
    readonly range: Range,
    readonly message: string,
    readonly severity: number,
  ) {}
}
export class CodeAction {
  diagnostics: Diagnostic[] | undefined;
  edit: WorkspaceEdit | undefined;
  isPreferred: boolean | undefined;
  constructor(
    readonly title: string,
    readonly kind: unknown,
  ) {}
}
export class WorkspaceEdit {
  readonly edits: TextEdit[] = [];
  replace(_uri: Uri, range: Range, text: string): void {
    this.edits.push(new TextEdit(range, text));
  }
}

/** A document's text with edits carried out, as VS Code does: all at once. */
export function edited(document: Document, edits: readonly TextEdit[]): string {
  const placed = edits.map(({ range, newText }) => ({
    start: document.offsetAt(range.start),
    end: document.offsetAt(range.end),
    newText,
  }));
  return placed
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, newText }) => text.slice(0, start) + newText + text.slice(end), document.getText());
}

/** Problems that were shown, by the document's URI. */
export const problems = new Map<string, readonly Diagnostic[]>();
export const languages = {
  match: (selector: { language?: string; pattern?: string }[], document: Document) =>
    selector.some(({ language, pattern }) =>
      language ? document.languageId === language : document.uri.path.endsWith(pattern!.replace(/^\*\*\/\*/, '')),
    )
      ? 10
      : 0,
  createDiagnosticCollection: () => ({
    set: (uri: Uri, found: readonly Diagnostic[]) => void problems.set(uri.toString(), found),
    delete: (uri: Uri) => void problems.delete(uri.toString()),
    dispose: () => problems.clear(),
  }),
};
