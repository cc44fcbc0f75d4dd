import { basename, extname } from 'node:path';
import * as vscode from 'vscode';
import type { DataSource } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { DATA_EXTENSIONS, type Dataset, isDataFile, rowsFile } from '../datasets/dataset.ts';
import { Cancelled, HostError } from '../errors.ts';
import { COMMANDS } from '../ids.ts';
import { choose, separator } from '../questions.ts';
import { tell } from '../ui.ts';
import { datasetItem } from './datasets.ts';

/** Where the rows to learn from come from. */
export interface Source {
  data: DataSource;
  /** Of the document, for the project folder that it belongs to. */
  uri: vscode.Uri;
  /** What a dataset made of it would be called. */
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
 * one the whole document, saved or not; where no document with rows is open, what the person picks.
 * Throws HostError when there is nothing to take, Cancelled when nothing is picked.
 */
export async function findSource(luthier: Luthier, args: readonly unknown[]): Promise<Source> {
  const [first] = args;
  const editor = vscode.window.activeTextEditor;
  const clicked = first instanceof vscode.Uri ? first : undefined;
  // The editor's context menu passes its document's uri; its selection is what is meant then.
  const isClicked = editor && clicked?.toString() === editor.document.uri.toString();
  if (editor && (isClicked || (!clicked && mayHaveRows(editor)))) return await fromEditor(editor);
  if (!clicked) return await pickSource(luthier);
  if (clicked.scheme !== 'file') return fromDocument(await vscode.workspace.openTextDocument(clicked), undefined);
  return fromFile(clicked.fsPath);
}

/** Stands in a decoded text for what its encoding has no letter for. */
const REPLACEMENT = '\ufffd';

/**
 * The selection, or without one the document. Rows that VS Code has read in the wrong encoding would be learned so, and
 * written so to a copy: they are asked about first. A file that is read whole from disk is the engine's to decode.
 */
async function fromEditor(editor: vscode.TextEditor): Promise<Source> {
  for (;;) {
    const { document, selection } = editor;
    const source = fromDocument(document, selection);
    const text = source.data.selection?.text ?? source.data.text ?? '';
    const at = text.indexOf(REPLACEMENT);
    // Nothing but a file can be read again.
    if (at < 0 || document.uri.scheme === 'untitled') return source;
    const line = (source.data.selection?.start_line ?? 1) + text.slice(0, at).split('\n').length - 1;
    const [reopen, keep] = ['Reopen with Encoding…', 'Use as It Is'];
    const name = basename(document.uri.path);
    const answer = await tell(
      'warning',
      `Is ${name} open in the wrong encoding?`,
      {
        modal: true,
        detail: `Line ${line} contains “${REPLACEMENT}”, which stands for letters that could not be read. Reopen the file with its own encoding, so that the model learns the texts as they were written.`,
      },
      reopen,
      keep,
    );
    if (answer === keep) return source;
    if (answer !== reopen) throw new Cancelled();
    await vscode.window.showTextDocument(document, { preserveFocus: false });
    await vscode.commands.executeCommand('workbench.action.editor.changeEncoding');
    const now = vscode.window.activeTextEditor;
    if (now?.document.uri.toString() !== document.uri.toString()) throw new Cancelled();
    editor = now;
  }
}

/** Rows of one of the tree's datasets. */
export function fromDataset(dataset: Dataset): Source {
  const file = rowsFile(dataset);
  return {
    ...fromFile(file),
    name: dataset.name.replace(/\.[^.]+$/, ''),
    file: dataset.kind === 'made' ? dataset.path : file,
    // A folder's rows are read with their places in the file that they were taken from.
    ...(dataset.kind === 'made' ? { data: { file: dataset.path } } : {}),
  };
}

/** A log, a program or a recipe beside which the command is called is hardly what should be learned from. */
function mayHaveRows({ document, selection }: vscode.TextEditor): boolean {
  if (document.uri.scheme === 'output') return false;
  if (!selection.isEmpty || document.isUntitled) return true;
  return isDataFile(document.uri.path);
}

type Picked = Dataset | 'file' | 'example';

async function pickSource(luthier: Luthier): Promise<Source> {
  const datasets = await luthier.datasets.list();
  const picked = await choose<Picked>({
    title: 'Fine-tune',
    placeholder: 'Which data should the model learn from?',
    items: [
      ...(datasets.length > 0 ? [separator('Datasets'), ...datasets.map(datasetItem)] : []),
      ...(datasets.length > 0 ? [separator('Others')] : []),
      { label: '$(folder-opened) Choose a file…', value: 'file' },
      { label: '$(beaker) Try with example data…', value: 'example' },
    ],
  });
  if (picked === 'example') {
    await vscode.commands.executeCommand(COMMANDS.tryExample);
    throw new Cancelled();
  }
  if (picked !== 'file') return fromDataset(picked);
  const files = await vscode.window.showOpenDialog({
    title: 'File with Texts and Labels',
    openLabel: 'Use File',
    filters: { 'Files with rows': DATA_EXTENSIONS },
  });
  if (!files?.[0]) return await pickSource(luthier);
  return fromFile(files[0].fsPath);
}

export function fromFile(path: string): Source {
  if (!isDataFile(path)) {
    throw new HostError(
      'data-invalid',
      `${basename(path)} is not a file with rows.`,
      'Rows come from CSV, TSV, JSON, JSON Lines, Markdown tables, CoNLL, or lines of label and text.',
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
      'Select rows with texts and labels, or nothing to use the whole file.',
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
    `${basename(document.fileName)} is too large to read from the editor.`,
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
