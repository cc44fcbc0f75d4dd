import { basename, extname } from 'node:path';
import * as vscode from 'vscode';
import type { DataSource } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { isDataFile, knownColumns, rowsFile } from '../datasets/dataset.ts';
import { HostError } from '../errors.ts';

/** Where the rows to learn from come from. */
export interface Source {
  data: DataSource;
  /** Of the document, for the project folder that it belongs to. */
  uri: vscode.Uri;
  /** What a data set made of it would be called. */
  name: string;
  /** A whole file as it is on disk: a recipe can name it, and no copy is needed. */
  file: string | null;
  /** Lines of the document that were taken, 1-based, for people. */
  lines: string;
}

/** Documents above this are not sent through the wire; the file on disk is read by the engine instead. */
const MAX_TEXT = 50 * 1024 * 1024;

/**
 * The rows that "Fine-tune on Selection" means: the explorer's or the tree's file, the editor's selection, or without
 * one the whole document, saved or not. Throws HostError when there is nothing to take.
 */
export async function findSource(luthier: Luthier, args: readonly unknown[]): Promise<Source> {
  const [first] = args;
  const editor = vscode.window.activeTextEditor;
  const clicked = first instanceof vscode.Uri ? first : undefined;
  // The editor's context menu passes its document's uri; its selection is what is meant then.
  const fromEditor = editor && (!clicked || clicked.toString() === editor.document.uri.toString());
  if (fromEditor) return fromDocument(editor.document, editor.selection);
  if (clicked) {
    if (clicked.scheme !== 'file') return fromDocument(await vscode.workspace.openTextDocument(clicked), undefined);
    return fromFile(clicked.fsPath);
  }
  if (typeof first === 'object' && first !== null && 'path' in first && 'kind' in first) {
    const dataset = (await luthier.datasets.list()).find(({ path }) => path === first.path);
    if (dataset) {
      const file = rowsFile(dataset);
      return {
        ...fromFile(file),
        name: dataset.name.replace(/\.[^.]+$/, ''),
        file: dataset.kind === 'made' ? dataset.path : file,
      };
    }
  }
  throw new HostError(
    'data-unreadable',
    'There is nothing to fine-tune on: no text editor is open.',
    'Open a CSV, TSV, JSON Lines or Markdown file with texts and labels, and select rows or nothing for all of it.',
  );
}

function fromFile(path: string): Source {
  if (!isDataFile(path)) {
    throw new HostError(
      'data-invalid',
      `${basename(path)} is no file with rows.`,
      'Rows come from CSV, TSV, JSON, JSON Lines, Markdown tables, or lines of label and text.',
    );
  }
  return { data: { file: path }, uri: vscode.Uri.file(path), name: stem(path), file: path, lines: '' };
}

function fromDocument(document: vscode.TextDocument, selection: vscode.Selection | undefined): Source {
  const path = document.uri.scheme === 'file' ? document.uri.fsPath : documentName(document);
  const onDisk = document.uri.scheme === 'file' && !document.isDirty;
  if (!selection || selection.isEmpty) {
    if (onDisk) return { data: { file: path }, uri: document.uri, name: stem(path), file: path, lines: '' };
    return {
      data: { file: path, text: wholeText(document) },
      uri: document.uri,
      name: stem(path),
      file: null,
      lines: '',
    };
  }
  const text = document.getText(selection);
  if (text.trim() === '') {
    throw new HostError(
      'data-invalid',
      'The selection is empty.',
      'Select rows with texts and labels, or nothing to take the whole file.',
    );
  }
  const first = selection.start.line + 1;
  // A selection that ends before a line's first letter does not take that line.
  const last = selection.end.character === 0 ? selection.end.line : selection.end.line + 1;
  return {
    data: { file: path, selection: { text, full_text: wholeText(document), start_line: first } },
    uri: document.uri,
    name: stem(path),
    file: null,
    lines: first === last ? `line ${first}` : `lines ${first}–${last}`,
  };
}

function wholeText(document: vscode.TextDocument): string {
  const text = document.getText();
  if (text.length <= MAX_TEXT) return text;
  throw new HostError(
    'data-invalid',
    `${basename(document.fileName)} is too large to be taken from the editor.`,
    'Save it and fine-tune on the whole file.',
  );
}

/** A file name for an untitled document, its extension by its language. */
function documentName(document: vscode.TextDocument): string {
  const name = basename(document.uri.path) || 'untitled';
  if (extname(name)) return name;
  const byLanguage: Record<string, string> = {
    csv: '.csv',
    tsv: '.tsv',
    json: '.json',
    jsonl: '.jsonl',
    markdown: '.md',
  };
  return `${name}${byLanguage[document.languageId] ?? ''}`;
}

const stem = (path: string): string => basename(path).replace(/\.[^.]+$/, '') || 'data';

/** Columns that are known without a guess. */
export async function columnsOf(luthier: Luthier, source: Source): Promise<ReturnType<typeof knownColumns>> {
  const dataset = (await luthier.datasets.list()).find(({ path }) => path === source.file);
  return dataset ? knownColumns(dataset) : undefined;
}
