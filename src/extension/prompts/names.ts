import { dirname, resolve } from 'node:path';
import * as vscode from 'vscode';
import { exists } from '../../files/folders.ts';
import { writtenPath } from '../../files/written-path.ts';
import { GLOBALS } from '../../prompts/names.ts';
import type { Range } from '../../prompts/prompt-file.ts';
import { HostError } from '../errors.ts';
import { type Look, type PromptDocuments, rangeOf, touches } from './documents.ts';
import { nameAt } from './values.ts';

/** Where a name is made and used; renames an input in text and front matter alike, and leads to files. */
export class PromptNames implements vscode.DefinitionProvider, vscode.ReferenceProvider, vscode.RenameProvider {
  private readonly documents: PromptDocuments;

  constructor(documents: PromptDocuments) {
    this.documents = documents;
  }

  async provideDefinition(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Location | null> {
    const look = this.documents.look(document);
    if (!look) return null;
    const offset = document.offsetAt(position);
    const found = symbolAt(look, offset);
    const made = found && definitionOf(look, found);
    if (made) return new vscode.Location(document.uri, rangeOf(document, made));
    const path = await fileAt(look, offset);
    return path === null ? null : new vscode.Location(vscode.Uri.file(path), new vscode.Position(0, 0));
  }

  provideReferences(document: vscode.TextDocument, position: vscode.Position): vscode.Location[] {
    const look = this.documents.look(document);
    const found = look && symbolAt(look, document.offsetAt(position));
    if (!look || !found) return [];
    return placesOf(look, found).map((range) => new vscode.Location(document.uri, rangeOf(document, range)));
  }

  prepareRename(document: vscode.TextDocument, position: vscode.Position): vscode.Range {
    const look = this.documents.look(document);
    const found = look && symbolAt(look, document.offsetAt(position));
    if (!look || !found)
      throw new HostError('usage', 'Only inputs, and names that the template makes, can be renamed.');
    return rangeOf(document, found.at);
  }

  provideRenameEdits(
    document: vscode.TextDocument,
    position: vscode.Position,
    newName: string,
  ): vscode.WorkspaceEdit | null {
    const look = this.documents.look(document);
    const found = look && symbolAt(look, document.offsetAt(position));
    if (!look || !found) return null;
    if (!/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(newName))
      throw new HostError('usage', `“${newName}” cannot be a name. Names have letters, digits and _, no blanks.`);
    const others = [...look.file.inputs.map(({ name }) => name), ...look.check.declarations.map(({ name }) => name)];
    if (newName !== found.name && others.includes(newName))
      throw new HostError('usage', `There is already a “${newName}” in this template.`);
    const edit = new vscode.WorkspaceEdit();
    for (const range of placesOf(look, found)) edit.replace(document.uri, rangeOf(document, range), newName);
    return edit;
  }
}

/** An input (`declared` null), or a name that the template makes. */
interface Found {
  name: string;
  at: Range;
  declared: Range | null;
}

function symbolAt(look: Look, offset: number): Found | null {
  const name = nameAt(look, offset);
  if (name && (name.kind === 'variable' || name.kind === 'function')) {
    if (!name.declared && GLOBALS.has(name.name)) return null;
    return { name: name.name, at: name.range, declared: name.declared?.range ?? null };
  }
  if (name?.kind === 'declaration') return { name: name.name, at: name.range, declared: name.range };
  const input = frontMatterNames(look).find(({ at }) => touches(at, offset));
  return input ? { ...input, declared: null } : null;
}

/** Names of inputs in the front matter: where they are declared, and keys of the sample and of columns. */
function frontMatterNames({ file, text }: Look): { name: string; at: Range }[] {
  const keys = file.keys.filter(
    ({ path }) =>
      (path.length === 2 && path[0] === 'sample') ||
      (path.length === 3 && path[0] === 'luthier' && path[1] === 'columns'),
  );
  return [
    ...file.inputs.map(({ name, range }) => ({ name, at: unquoted(text, range) })),
    ...keys.map(({ path, key }) => ({ name: path.at(-1)!, at: unquoted(text, key) })),
  ];
}

/** A text of YAML without its quotes. */
const unquoted = (text: string, { start, end }: Range): Range =>
  /^(["']).*\1$/s.test(text.slice(start, end)) ? { start: start + 1, end: end - 1 } : { start, end };

const definitionOf = (look: Look, { name, declared }: Found): Range | null =>
  declared ?? frontMatterNames(look).find((one) => one.name === name)?.at ?? null;

function placesOf(look: Look, { name, declared }: Found): Range[] {
  if (declared) {
    const uses = look.check.names.filter((one) => one.declared?.range.start === declared.start);
    return [declared, ...uses.map(({ range }) => range)];
  }
  const uses = look.check.names.filter(
    (one) => one.name === name && !one.declared && (one.kind === 'variable' || one.kind === 'function'),
  );
  return [
    ...frontMatterNames(look)
      .filter((one) => one.name === name)
      .map(({ at }) => at),
    ...uses.map(({ range }) => range),
  ];
}

/** The file that a place names: of a reference, of the sample, or the dataset. */
async function fileAt({ file, document, text }: Look, offset: number): Promise<string | null> {
  if (document.uri.scheme !== 'file') return null;
  const folder = dirname(document.uri.fsPath);
  const reference = file.references.find(({ kind, range }) => kind === 'file' && touches(range, offset));
  const key = file.keys.find(
    ({ path, value }) =>
      value && path[0] === 'luthier' && path[1] === 'dataset' && path.length === 2 && touches(value, offset),
  );
  const name = reference?.target ?? (key?.value ? file.dataset : undefined);
  if (name === undefined || text === '') return null;
  const path = reference ? resolve(folder, name) : await writtenPath(folder, name);
  return (await exists(path)) ? path : null;
}
