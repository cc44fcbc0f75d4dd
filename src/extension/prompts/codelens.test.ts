import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type * as vscode from 'vscode';
import { parsePrompt } from '../../prompts/parse.ts';
import { Emitter } from '../events.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import * as editor from '../testing/vscode.ts';
import { modelEdit } from './bind.ts';
import { PromptLens } from './codelens.ts';
import { TemplateModels } from './models.ts';

let folder: string;
let runs: Run[];
let models: TemplateModels;
let lens: PromptLens;
const changed = new Emitter<readonly Run[]>();

beforeEach(() => {
  editor.reset();
  folder = mkdtempSync(join(tmpdir(), 'luthier lens-'));
  for (const name of ['starters/decoder', 'mine']) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'config.json'), '{}');
  }
  runs = [];
  const store = {
    all: () => runs,
    get: (path: string) => runs.find((run) => run.folder === path),
    find: (id: string) => runs.find(({ record }) => record.id === id),
    changed,
  };
  const extension = editor.Uri.file(folder);
  models = new TemplateModels({ extension, runs: store, memento: editor.memento() } as never);
  lens = new PromptLens(models, store);
});
afterEach(() => {
  lens.dispose();
  rmSync(folder, { recursive: true });
});

let version = 0;
const documentOf = (text: string) =>
  ({
    ...{ uri: editor.Uri.file(join(folder, 'a.prompty')), languageId: 'prompty', version: version++ },
    getText: () => text,
  }) as unknown as vscode.TextDocument;
const titles = async (text: string) =>
  (await lens.provideCodeLenses(documentOf(text))).map(({ command }) => command!.title);
const trained = (id: string, task: string) =>
  ({
    ...{ folder: `/runs/${id}`, home: folder, state: 'done' },
    record: recordOf({ id, name: id, state: 'done', model: 'model', recipe: { task } as never }),
  }) as Run;

test('a template is tried and compared from above its first line, a broken one, too', async () => {
  const lenses = ['$(play) Try', '$(split-horizontal) Compare', '$(mortar-board) Use in Training'];
  expect(await titles('user:\nHi')).toEqual(expect.arrayContaining(lenses));
  expect(await titles('---\ninputs: [\nHi {{')).toEqual(expect.arrayContaining(lenses));
});

test('where no model is named the starter or the newest run that writes is offered, and said', async () => {
  const last = async (text = 'user:\nHi') => (await titles(text)).at(-1);
  expect(await last()).toBe('$(hubot) starters/decoder (offered)');
  runs.push(trained('classes', 'text-classification'), trained('chats', 'conversational'));
  expect(await last()).toBe('$(hubot) chats (offered)');
  expect(await last('---\nmodel: ./mine\n---\nuser:\nHi')).toBe('$(hubot) ./mine');
  expect(await last('---\nmodel: starters/decoder\n---\nuser:\nHi')).toBe('$(hubot) starters/decoder');
  const named = documentOf('---\nmodel: gpt-9\n---\nuser:\nHi');
  expect(await models.bound(named, parsePrompt(named.getText()))).toMatchObject({
    model: { kind: 'run', name: 'chats' },
    offered: 'The template’s model gpt-9 is not on this machine, so the newest run that fits is offered.',
  });
});

test('what a person chose counts, and is told when it is gone', async () => {
  let told = 0;
  lens.onDidChangeCodeLenses(() => told++);
  const path = join(folder, 'mine');
  await models.choose(documentOf(''), { kind: 'folder', path, name: 'mine' });
  expect([told, (await titles('user:\nHi')).at(-1)]).toEqual([1, '$(hubot) mine']);
  rmSync(path, { recursive: true });
  const [gone] = (await lens.provideCodeLenses(documentOf('user:\nHi'))).slice(-1);
  expect([gone!.command!.title, gone!.command!.tooltip]).toEqual([
    '$(warning) mine',
    expect.stringContaining('no longer there'),
  ]);
});

test('lenses are asked for anew when another run has a model, not with each step of one', () => {
  let told = 0;
  lens.onDidChangeCodeLenses(() => told++);
  runs.push({ ...trained('now', 'conversational'), state: 'running' });
  changed.fire(runs);
  changed.fire(runs);
  expect(told).toBe(0);
  runs[0] = trained('now', 'conversational');
  changed.fire(runs);
  changed.fire(runs);
  expect(told).toBe(1);
});

test.each([
  ['user:\nHi', '---\nmodel: "m"\n---\nuser:\nHi'],
  ['---\nname: a\n---\nHi', '---\nmodel: "m"\nname: a\n---\nHi'],
  ['---\nmodel: old\n---\nHi', '---\nmodel: "m"\n---\nHi'],
  ['---\nmodel:\n  id: old\n  options: {}\n---\nHi', '---\nmodel:\n  id: "m"\n  options: {}\n---\nHi'],
  [
    '---\nmodel:\n  options:\n    temperature: 1\n---\nHi',
    '---\nmodel:\n  id: "m"\n  options:\n    temperature: 1\n---\nHi',
  ],
  ['---\nmodel:\n  api: chat\n  configuration:\n    type: openai\n---\nHi', null],
  ['---\r\nname: a\r\n---\r\nHi', '---\r\nmodel: "m"\r\nname: a\r\n---\r\nHi'],
])('a model is written into %j', (text, expected) => {
  const edit = modelEdit(parsePrompt(text), text, 'm');
  expect(edit && text.slice(0, edit.range.start) + edit.text + text.slice(edit.range.end)).toBe(expected);
  if (expected !== null) expect(parsePrompt(expected).model.name).toBe('m');
});
