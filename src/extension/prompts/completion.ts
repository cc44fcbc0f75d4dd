import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { nameIn } from '../../files/written-path.ts';
import { addInput } from '../../prompts/edits.ts';
import { frontMatterAt } from '../../prompts/front-matter-at.ts';
import { GLOBALS } from '../../prompts/names.ts';
import { ROLES } from '../../prompts/prompt-file.ts';
import type { Tag } from '../../prompts/tags.ts';
import { type Look, type PromptDocuments, rangeOf, touches } from './documents.ts';
import { type KnownKey, keysBelow, knownKey } from './keys.ts';
import { columnOf, givenValue, inputOf, shownValue } from './values.ts';
import { FILTERS, GLOBAL_DETAILS, ROLE_DETAILS, STATEMENTS, TESTS, type Word } from './words.ts';
import { yamlText } from './yaml-text.ts';

export interface CompletionSources {
  /** Models by the names that a template gives them: starters and runs. */
  models(): Promise<{ name: string; detail: string }[]>;
  /** Datasets by their paths. */
  datasets(): Promise<{ path: string; detail: string }[]>;
}

/** Variables, filters, statements and roles of a template's text; keys and their values of its front matter. */
export class PromptCompletion implements vscode.CompletionItemProvider {
  static readonly triggers = ['{', '|', '.', '%', ' ', ':', '$'];
  private readonly documents: PromptDocuments;
  private readonly sources: CompletionSources;

  constructor(documents: PromptDocuments, sources: CompletionSources) {
    this.documents = documents;
    this.sources = sources;
  }

  async provideCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    _token?: vscode.CancellationToken,
    context?: vscode.CompletionContext,
  ): Promise<vscode.CompletionItem[]> {
    const look = this.documents.look(document);
    if (!look) return [];
    const offset = document.offsetAt(position);
    const { frontMatter } = look.file;
    if (frontMatter && frontMatter.start <= offset && offset <= frontMatter.end)
      return await this.frontMatter(look, offset);
    const tag = look.check.tags.find(({ range, closed, kind }) => {
      const end = closed ? range.end - 2 : range.end;
      return (kind === 'expression' || kind === 'statement') && range.start + 2 <= offset && offset <= end;
    });
    if (tag) return inTag(look, tag, offset);
    const isTyped = context?.triggerCharacter !== undefined;
    return isTyped ? [] : roles(look, offset, position);
  }

  private async frontMatter(look: Look, offset: number): Promise<vscode.CompletionItem[]> {
    const at = frontMatterAt(look.text, look.file, offset);
    if (!at) return [];
    if (at.kind === 'key') {
      return keysBelow(at.path, look.file.generation)
        .filter(({ path }) => !at.others.includes(path.at(-1)!))
        .map(keyItem);
    }
    const known = knownKey(at.path);
    if (known?.values) return known.values.map((value) => plainItem(value, vscode.CompletionItemKind.EnumMember));
    // A blank behind the colon is there already, or is written with the value.
    const lead = look.text[offset - 1] === ':' ? ' ' : '';
    const item = (value: string, detail: string, kind: vscode.CompletionItemKind) => {
      const made = plainItem(value, kind, detail);
      made.insertText = lead + yamlText(value);
      made.range = rangeOf(look.document, at.value);
      return made;
    };
    if (known?.names === 'models')
      return (await this.sources.models()).map(({ name, detail }) =>
        item(name, detail, vscode.CompletionItemKind.Value),
      );
    if (known?.names === 'datasets') {
      const folder = look.document.uri.scheme === 'file' ? dirname(look.document.uri.fsPath) : null;
      return (await this.sources.datasets()).map(({ path, detail }) =>
        item(folder === null ? path : nameFrom(folder, path), detail, vscode.CompletionItemKind.File),
      );
    }
    if (known?.names === 'columns')
      return (look.around.data?.columns ?? []).map(({ name, examples }) =>
        item(name, shownValue(examples[0] ?? ''), vscode.CompletionItemKind.Field),
      );
    return [];
  }
}

/** A path as a template in a folder names it. */
export const nameFrom = (folder: string, path: string): string => {
  const name = nameIn(folder, path);
  if (name !== path) return name;
  // Beside or above the template, where that is not far.
  for (const [up, steps] of [
    [dirname(folder), '../'],
    [dirname(dirname(folder)), '../../'],
  ] as const) {
    const above = nameIn(up, path);
    if (above !== path) return join(steps, above).replaceAll('\\', '/');
  }
  return path;
};

function plainItem(label: string, kind: vscode.CompletionItemKind, detail?: string): vscode.CompletionItem {
  const item = new vscode.CompletionItem(label, kind);
  if (detail) item.detail = detail;
  return item;
}

function keyItem({ path, detail, holds }: KnownKey): vscode.CompletionItem {
  const name = path.at(-1)!;
  const item = plainItem(name, vscode.CompletionItemKind.Property, detail);
  // VS Code indents further lines as the first.
  const list = name === 'inputs' ? '- name: ${1:text}\\n    kind: string\\n    example: $0' : '- $0';
  item.insertText = new vscode.SnippetString(
    holds === 'list' ? `${name}:\n  ${list}` : holds === 'keys' ? `${name}:\n  $0` : `${name}: $0`,
  );
  if (holds === undefined || holds === 'keys')
    item.command = { command: 'editor.action.triggerSuggest', title: 'Suggest' };
  return item;
}

function wordItems(words: Readonly<Record<string, Word>>, kind: vscode.CompletionItemKind): vscode.CompletionItem[] {
  return Object.entries(words).map(([name, { detail, snippet }]) => {
    const item = plainItem(name, kind, detail);
    if (snippet) item.insertText = new vscode.SnippetString(name + snippet);
    return item;
  });
}

/** What may stand at a place between delimiters. */
function inTag(look: Look, tag: Tag, offset: number): vscode.CompletionItem[] {
  const before = tag.tokens.filter(({ range }) => range.end <= offset);
  const last = before.at(-1);
  // A word that is being typed is what is completed.
  const isTyping = last?.kind === 'name' && last.range.end === offset;
  const previous = isTyping ? before.at(-2) : last;
  const string = tag.tokens.find(({ kind, range }) => kind === 'string' && range.start < offset && offset < range.end);
  if (string) return [];
  if (tag.kind === 'statement' && previous === undefined) {
    const items = wordItems(STATEMENTS, vscode.CompletionItemKind.Keyword);
    // What is there already closes the statement.
    if (tag.closed) for (const item of items) item.insertText = `${item.label} `;
    const open = look.check.blocks.findLast(({ open: { range }, end }) => !end && range.end <= tag.range.start);
    const ends = open ? [plainItem(`end${open.name}`, vscode.CompletionItemKind.Keyword, 'Ends the block')] : [];
    return [...ends, ...items];
  }
  if (previous?.kind === 'sign' && previous.text === '|') return wordItems(FILTERS, vscode.CompletionItemKind.Function);
  if (previous?.text === 'is' || (previous?.text === 'not' && before.at(isTyping ? -3 : -2)?.text === 'is'))
    return Object.entries(TESTS).map(([name, detail]) => plainItem(name, vscode.CompletionItemKind.Function, detail));
  if (previous?.kind === 'sign' && previous.text === '.') return properties(look, before, isTyping);
  if (previous?.kind === 'name' && !OPERATORS.has(previous.text)) return wordsBehind(tag);
  return variables(look, offset);
}

const OPERATORS: ReadonlySet<string> = new Set(['in', 'if', 'elif', 'else', 'and', 'or', 'not', 'set', 'is']);

/** Behind a value only an operator can follow. */
const wordsBehind = (tag: Tag): vscode.CompletionItem[] =>
  ['in', 'if', 'else', 'is', 'and', 'or']
    .filter((name) => name !== 'in' || tag.kind === 'statement')
    .map((name) => plainItem(name, vscode.CompletionItemKind.Keyword));

const LOOP = ['index', 'index0', 'first', 'last', 'length', 'revindex', 'revindex0', 'previtem', 'nextitem'];

function properties(
  look: Look,
  before: readonly { text: string; kind: string }[],
  isTyping: boolean,
): vscode.CompletionItem[] {
  const of = before.at(isTyping ? -3 : -2);
  if (of?.kind !== 'name') return [];
  if (of.text === 'loop') return LOOP.map((name) => plainItem(name, vscode.CompletionItemKind.Property));
  const value = givenValue(look, of.text)?.value;
  const isExample = look.file.examples !== null && !inputOf(look, of.text);
  const item = Array.isArray(value) ? value[0] : value;
  const keys =
    typeof item === 'object' && item !== null ? Object.keys(item) : isExample ? (look.around.columns ?? []) : [];
  return keys.map((name) => plainItem(name, vscode.CompletionItemKind.Property));
}

function variables(look: Look, offset: number): vscode.CompletionItem[] {
  const { file, around, check, document, text } = look;
  const items = new Map<string, vscode.CompletionItem>();
  const add = (name: string, kind: vscode.CompletionItemKind, detail: string, order: string) => {
    if (items.has(name)) return;
    const item = plainItem(name, kind, detail);
    item.sortText = order + name;
    items.set(name, item);
  };
  for (const name of [
    ...file.inputs.map((input) => input.name),
    ...Object.keys(file.sample ?? {}),
    ...(around.sample ?? []),
  ]) {
    const column = columnOf(look, name);
    const value = givenValue(look, name);
    add(
      name,
      vscode.CompletionItemKind.Variable,
      [column ? `column ${column.name}` : 'input', value && shownValue(value.value)].filter(Boolean).join(': '),
      '0',
    );
  }
  if (file.examples) add('examples', vscode.CompletionItemKind.Variable, 'rows drawn from the dataset', '1');
  // What is made around this place, whether or not something uses it yet.
  for (const { name, scope } of check.declarations) {
    if (scope.start <= offset && offset <= scope.end)
      add(name, vscode.CompletionItemKind.Variable, 'of this template', '1');
  }
  for (const { name, examples } of around.data?.columns ?? []) {
    if (items.has(name) || !/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(name)) continue;
    add(
      name,
      vscode.CompletionItemKind.Field,
      `column of the dataset, added to the inputs: ${shownValue(examples[0] ?? '')}`,
      '2',
    );
    const edits = addInput(text, file, name)?.edits ?? [];
    items.get(name)!.additionalTextEdits = edits.map(({ range, text: by }) =>
      vscode.TextEdit.replace(rangeOf(document, range), by),
    );
  }
  const isInLoop = check.blocks.some(({ name, range }) => name === 'for' && touches(range, offset));
  for (const name of GLOBALS) {
    const detail = GLOBAL_DETAILS[name];
    if (detail && (name !== 'loop' || isInLoop))
      add(name, name === 'loop' ? vscode.CompletionItemKind.Variable : vscode.CompletionItemKind.Function, detail, '3');
  }
  return [...items.values()];
}

/** Markers of roles, at the beginning of a line of the body. */
function roles({ file, text }: Look, offset: number, position: vscode.Position): vscode.CompletionItem[] {
  if (file.model.api === 'completion' || offset < file.body.start) return [];
  const before = text.slice(offset - position.character, offset);
  if (!/^\w*$/.test(before)) return [];
  return ROLES.filter((role) =>
    file.generation === 2 ? role !== 'tool' : role !== 'developer' && role !== 'tool',
  ).map((role) => {
    const item = plainItem(`${role}:`, vscode.CompletionItemKind.Class, ROLE_DETAILS[role]);
    item.insertText = `${role}:\n`;
    item.filterText = role;
    return item;
  });
}
