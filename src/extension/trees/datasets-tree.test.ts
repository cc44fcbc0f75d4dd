import { beforeEach, expect, test } from 'vitest';
import type * as vscode from 'vscode';
import { DatasetStore } from '../datasets/store.ts';
import { silentLog } from '../log.ts';
import * as editor from '../testing/vscode.ts';
import { DatasetsTree } from './datasets-tree.ts';

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
