import { beforeEach, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { DataSummary } from '../../protocol/index.ts';
import { openDataset } from '../commands/datasets.ts';
import type { Luthier } from '../context.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { DatasetStore } from '../datasets/store.ts';
import { COMMANDS } from '../ids.ts';
import { silentLog } from '../log.ts';
import * as editor from '../testing/vscode.ts';
import { type DatasetNode, DatasetsTree, isDetail, summaryDetails } from './datasets-tree.ts';
import { lostNode, selectedNodes } from './selection.ts';

let added: string[];
let tree: DatasetsTree;

beforeEach(() => {
  editor.reset();
  added = [];
  const store = new DatasetStore({
    service: { request: async () => expect.unreachable('a drop reads no rows') },
    homes: () => [],
    find: async () => ['/elsewhere/found.csv'],
    added: {
      get: () => added,
      set: async (paths) => {
        added = [...paths];
      },
    },
  });
  tree = new DatasetsTree(store, silentLog);
});

const drop = async (...uris: string[]) => {
  const data = new editor.DataTransfer([['text/uri-list', new editor.DataTransferItem(uris.join('\r\n'))]]);
  await tree.handleDrop(undefined, data as unknown as vscode.DataTransfer);
};

test('files dropped from the explorer are added, each once, and what is listed already stays as it is', async () => {
  await drop('file:///else/M%C3%A4use%20und%20K%C3%A4tzchen.csv', 'file:///elsewhere/found.csv');
  await drop('file:///else/M%C3%A4use%20und%20K%C3%A4tzchen.csv');
  expect(added).toEqual(['/else/Mäuse und Kätzchen.csv']);
  expect((await tree.getChildren()).map((node) => 'name' in node && node.name)).toEqual([
    'found.csv',
    'Mäuse und Kätzchen.csv',
  ]);
  expect(editor.window.showWarningMessage).not.toHaveBeenCalled();
});

test('what is no file with rows is refused in one sentence, and the rest is added', async () => {
  await drop('file:///else/a.tsv', 'file:///else/a.png', 'untitled:Untitled-1', 'file:///else/a.recipe.json');
  expect(added).toEqual(['/else/a.tsv']);
  expect(editor.window.showWarningMessage).toHaveBeenCalledOnce();
});

test('a drop of nothing does nothing', async () => {
  await tree.handleDrop(undefined, new editor.DataTransfer() as unknown as vscode.DataTransfer);
  expect(added).toEqual([]);
});

const summary = {
  rows: 4,
  task: 'text-classification',
  format: 'csv',
  encoding: 'utf-8',
  columns: [],
  guess: { text: 'text', label: 'label' },
  guess_reason: '',
  classes: [
    { label: 'a', count: 2 },
    { label: 'b', count: 2 },
  ],
  problems: [
    { severity: 'warning', code: 'conflicting-labels', message: 'The text has two labels.', line: 3 },
    { severity: 'warning', code: 'similar-labels', message: 'Two labels are alike.' },
  ],
} as unknown as DataSummary;

test('what is left out of a dataset’s lines is counted, one of it in the singular; both texts of a pair are named', () => {
  const of = {} as Dataset;
  const many = (n: number) => ({
    ...summary,
    guess: { text: 'question', text_pair: 'answer', label: 'label' },
    classes: Array.from({ length: 20 + n }, (_, i) => ({ label: `c${i}`, count: 1 })),
    problems: Array.from({ length: 10 + n }, () => summary.problems[0]!),
  });
  const said = (n: number) => summaryDetails(of, many(n)).map(({ detail }) => detail);
  expect(said(1)).toEqual(expect.arrayContaining(['1 more class', '1 more problem']));
  expect(said(2)).toEqual(expect.arrayContaining(['2 more classes', '2 more problems']));
  expect(said(0).join()).not.toContain('more');
  expect(said(0)[1]).toBe('Text: question · Second text: answer · Label: label');
  expect(summaryDetails(of, summary)[0]!.description).toBe('CSV, UTF-8');
});

test('a click on a problem while its lines are drawn again opens its line: nothing that can be lost is passed', async () => {
  const store = new DatasetStore({
    service: { request: async () => summary as never },
    homes: () => [],
    find: async () => ['/elsewhere/found.csv'],
    added: { get: () => [], set: async () => {} },
  });
  const drawn = new DatasetsTree(store, silentLog);
  const [dataset] = await drawn.getChildren();
  const lines = async () => (await drawn.getChildren(dataset)).filter(isDetail);
  const before = await lines();
  const items = before.map((node) => drawn.getTreeItem(node));
  const clickable = items.filter(({ command }) => command);
  expect(clickable.map(({ command }) => command)).toEqual([
    { command: COMMANDS.openDataset, title: 'Open' },
    // The problem that is of no single line.
    { command: COMMANDS.inspectDataset, title: 'Inspect' },
  ]);
  // VS Code finds the selected line again by its id.
  expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
  expect((await lines()).map((node) => drawn.getTreeItem(node).id)).toEqual(items.map(({ id }) => id));

  // While it draws it knows of no selection, however long a busy machine takes to ask for the lines.
  store.refresh();
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(drawn.mayBeDrawing, 'told to draw, and not asked yet').toBe(true);
  const view = { visible: true, selection: [] as DatasetNode[] };
  const luthier = {
    selectedDatasets: () => selectedNodes(view, drawn),
    datasets: store,
    rowService: () => null,
  } as unknown as Luthier;
  const clicked = openDataset(luthier);
  setTimeout(() => {
    view.selection = [before.find(({ line }) => line === 3)!];
  }, 30);
  await clicked;
  expect(editor.opened).toEqual([{ path: '/elsewhere/found.csv', line: 3 }]);
});

test('a menu whose line is drawn again just then asks which dataset is meant, whatever else is selected', async () => {
  const store = new DatasetStore({
    service: { request: async () => expect.unreachable('nothing is read') },
    homes: () => [],
    find: async () => ['/elsewhere/a.csv', '/elsewhere/b.csv'],
    added: { get: () => [], set: async () => {} },
  });
  const [a] = await store.list();
  const luthier = {
    selectedDatasets: vi.fn(async () => [a]),
    datasets: store,
    rowService: () => null,
  } as unknown as Luthier;
  expect([lostNode([]), lostNode([undefined, undefined]), lostNode([a])]).toEqual([false, true, false]);
  const asked = openDataset(luthier, undefined, undefined);
  await vi.waitFor(() => expect(editor.shown.picker?.placeholder).toBe('Choose a dataset'));
  editor.shown.picker!.accept('b.csv');
  await asked;
  expect(editor.opened.at(-1)).toEqual({ path: '/elsewhere/b.csv', line: 1 });
  await openDataset(luthier);
  expect(editor.opened.at(-1)).toEqual({ path: '/elsewhere/a.csv', line: 1 });
});
