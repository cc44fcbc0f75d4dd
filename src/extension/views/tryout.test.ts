import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { TryoutMessage } from '../../protocol/index.ts';
import { Emitter } from '../events.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import { Page } from '../testing/page.ts';
import * as editor from '../testing/vscode.ts';
import { type TryoutOptions, Tryouts } from './tryout.ts';

const log = { info() {}, warn() {}, error() {}, debug() {} };

let folder: string;
let request: ReturnType<typeof vi.fn>;
let runs: Run[];
let models: object[];
let page: Page;
let tryouts: Tryouts;

const runOf = (id: string, dataset: string): Run =>
  ({
    folder: join(folder, '.luthier/runs', id),
    home: join(folder, '.luthier'),
    state: 'done',
    record: recordOf({ id, state: 'done', model: 'model', recipe: { dataset } as never }),
  }) as Run;

beforeEach(() => {
  editor.reset();
  folder = mkdtempSync(join(tmpdir(), 'luthier tryout ü-'));
  writeFileSync(join(folder, 'films.csv'), 'text,label\nx,a\n');
  runs = [runOf('first', join(folder, 'films.csv')), runOf('second', join(folder, 'films.csv'))];
  models = [];
  request = vi.fn(async (method: string) => {
    if (method === 'models/list') return models;
    if (method === 'data/rows') return { rows: [], total: 0 };
    if (method === 'data/append') return { rows: 2, file: join(folder, 'films.csv'), line: 3, undo: { file: 'f' } };
    return {};
  });
  tryouts = new Tryouts({
    extension: editor.Uri.file('/extension'),
    store: { all: () => runs, get: (path: string) => runs.find((run) => run.folder === path), changed: new Emitter() },
    service: { request, isRunning: true },
    log,
    find: async (ids: readonly string[]) => runs.filter(({ record }) => ids.includes(record.id)),
  } as unknown as TryoutOptions);
  page = new Page();
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = async (id: string) => {
  await tryouts.deserializeWebviewPanel(page as unknown as vscode.WebviewPanel, { run: id });
  page.received.fire({ type: 'ready' });
  await said('snapshot');
};
async function said<T extends TryoutMessage['type']>(type: T, nth = 1): Promise<Extract<TryoutMessage, { type: T }>> {
  return await vi.waitFor(() => {
    const found = (page.posted as TryoutMessage[]).filter((message) => message.type === type);
    expect(found.length).toBeGreaterThanOrEqual(nth);
    return found[nth - 1] as Extract<TryoutMessage, { type: T }>;
  });
}

test('Choose Model asks for another run and shows it in the same page, whatever is selected in the tree', async () => {
  await open('first');
  page.received.fire({ type: 'chooseModel' });
  const picker = await vi.waitFor(() => {
    expect(editor.shown.picker?.title).toBe('Choose Model');
    // Models are looked for first.
    expect(editor.shown.picker?.items).not.toEqual([]);
    return editor.shown.picker!;
  });
  expect(picker.items.map(({ description }) => description?.includes('shown now'))).toEqual([true, false]);
  picker.accept();
  expect(await said('snapshot', 2)).toMatchObject({ run: 'second' });
  expect(page.title).toBe('Try second');
  page.received.fire({ type: 'predict', id: 1, texts: [{ text: 'x' }], compare: false });
  await vi.waitFor(() =>
    expect(request).toHaveBeenLastCalledWith(
      'predict',
      { model: join(runs[1]!.folder, 'model'), texts: [{ text: 'x' }] },
      expect.anything(),
    ),
  );
});

test('a base model is tried as it is, found again after a reload, and chosen in the place of a run’s', async () => {
  const masked = {
    name: 'bert',
    path: '/models/bert',
    source: 'folder',
    model_type: 'bert',
    bytes: 9,
    num_parameters: 3,
  };
  const known = { ...masked, answers: 'fill-mask', tasks: [], labels: null, problem: null };
  const writer = { ...known, name: 'gpt', path: '/models/gpt', answers: 'text-generation' };
  models = [known, writer, { ...known, name: 'layers', path: '/models/layers', answers: null }];
  request.mockImplementation(async (method: string) => {
    if (method === 'models/list') return models;
    if (method === 'models/describe') return { ...known, mask: '[MASK]' };
    return [{ text: 'a [MASK]', predictions: [] }];
  });
  const id = '{"path":"/models/bert","name":"bert"}';
  await tryouts.deserializeWebviewPanel(page as unknown as vscode.WebviewPanel, { run: id });
  page.received.fire({ type: 'ready' });
  expect(await said('snapshot')).toEqual({
    ...{ type: 'snapshot', run: id, rows: false, base: null, base_note: null, dataset: null },
    tuned: { task: 'fill-mask', name: 'bert', labels: [], mask: '[MASK]' },
  });
  page.received.fire({ type: 'predict', id: 1, texts: [{ text: 'a [MASK]' }], compare: true });
  expect(await said('predictions')).toMatchObject({ base: null });
  expect(request).toHaveBeenLastCalledWith(
    'predict',
    { model: '/models/bert', texts: [{ text: 'a [MASK]' }] },
    expect.anything(),
  );
  page.received.fire({ type: 'pickRow' });
  expect((await said('failed')).error.message).toContain('bert is a base model');

  page.received.fire({ type: 'chooseModel' });
  const picker = await vi.waitFor(() => {
    expect(editor.shown.picker?.items.length).toBeGreaterThan(3);
    return editor.shown.picker!;
  });
  // Neither what writes nor what has to learn something first has its answers on this page.
  expect(picker.items.map(({ label }) => label.replace(/^\$\([\w-]+\) /, ''))).toEqual([
    'first',
    'second',
    'Base models',
    'bert',
  ]);
  picker.accept();
  expect(await said('snapshot', 2)).toMatchObject({ run: 'first', rows: true });
  expect(page.title).toBe('Try first');
});

test('a base model that has to learn something first is told, with the ways on', async () => {
  request.mockImplementation(async () => ({ name: 'layers', answers: null, problem: null, mask: null }));
  const id = '{"path":"/models/layers","name":"layers"}';
  await tryouts.deserializeWebviewPanel(page as unknown as vscode.WebviewPanel, { run: id });
  page.received.fire({ type: 'ready' });
  expect((await said('failed')).error).toMatchObject({
    code: 'model-unsupported',
    message: expect.stringContaining('layers cannot be asked as it is'),
    hint: expect.stringContaining('Fine-tune it'),
  });
});

test('the only run with a model is said to be it', async () => {
  runs = runs.slice(0, 1);
  await open('first');
  page.received.fire({ type: 'chooseModel' });
  await vi.waitFor(() => expect(editor.window.showInformationMessage).toHaveBeenCalledOnce());
  expect(editor.shown.picker).toBeNull();
});

test('a text that is in the data already is not added unless the person says so', async () => {
  await open('first');
  request.mockImplementationOnce(async () => ({
    rows: [{ file: join(folder, 'films.csv'), line: 2, text: 'x', label: 'a' }],
    total: 1,
  }));
  page.received.fire({ type: 'addRow', text: 'x', label: 'b', anyway: false });
  const stands = await said('stands');
  expect(stands.rows).toEqual([{ file: join(folder, 'films.csv'), line: 2, label: 'a' }]);
  expect(request.mock.calls.map(([method]) => method)).toEqual(['data/rows']);
  page.received.fire({ type: 'addRow', text: 'x', label: 'b', anyway: true });
  expect(await said('added')).toMatchObject({ text: 'x', label: 'b', dataset: 'films.csv', line: 3 });
});

test('an added row is taken out again, and opened', async () => {
  await open('first');
  page.received.fire({ type: 'addRow', text: 'new', label: 'a', anyway: false });
  const { file, line } = await said('added');
  page.received.fire({ type: 'openRow', file, line });
  await vi.waitFor(() => expect(editor.opened).toEqual([{ path: file, line: 3 }]));
  page.received.fire({ type: 'undoRow', text: 'new' });
  expect(await said('undone')).toEqual({ type: 'undone', text: 'new' });
  expect(request).toHaveBeenLastCalledWith('data/undo-append', { undo: { file: 'f' } });
});

test('of a run on a selection, corrections go to the file that it was made in once that is agreed to', async () => {
  const made = join(folder, '.luthier/datasets/films');
  mkdirSync(made, { recursive: true });
  const source = { file: join(folder, 'films.csv'), first_line: 2, last_line: 2, lines: [[2, 1]] };
  const columns = { text: 'body', label: 'kind' };
  writeFileSync(join(made, 'dataset.json'), JSON.stringify({ format: 1, source, columns, rows: 1, labels: [] }));
  runs = [runOf('first', made)];
  await open('first');
  expect((await said('snapshot')).dataset).toBe('films.csv');
  editor.window.showInformationMessage.mockResolvedValueOnce('Add to films.csv');
  page.received.fire({ type: 'addRow', text: 'new', label: 'a', anyway: false });
  await said('added');
  const task = 'text-classification';
  expect(request.mock.calls).toEqual([
    ['data/rows', { data: source.file, task, columns, limit: 5, text: 'new' }],
    ['data/append', { data: source.file, task, columns, rows: [{ text: 'new', label: 'a' }] }],
    ['data/append', { data: made, task, columns: {}, rows: [{ text: 'new', label: 'a' }], source_line: 3 }],
  ]);
  // Asked once.
  page.received.fire({ type: 'addRow', text: 'another', label: 'a', anyway: true });
  await said('added', 2);
  expect(editor.window.showInformationMessage).toHaveBeenCalledOnce();
});

const outside = async (file: string, change: Partial<Run> = {}) => {
  runs = [{ ...runOf('first', file), ...change }];
  await open('first');
  page.received.fire({ type: 'addRow', text: 'new', label: '$(touch pwned)', anyway: true });
};
const appended = () => request.mock.calls.filter(([method]) => method === 'data/append');

test('a run that came with the folder adds rows to no file outside of it, whatever its record names', async () => {
  const home = mkdtempSync(join(tmpdir(), 'luthier home ü-'));
  try {
    for (const [name, way] of [
      ['.bashrc', join(home, '.bashrc')],
      ['mine.csv', join(folder, 'linked/mine.csv')],
    ] as const) {
      writeFileSync(join(home, name), 'text,label\nx,a\n');
      if (name === 'mine.csv') symlinkSync(home, join(folder, 'linked'), 'junction');
      page = new Page();
      await outside(way, { foreign: true });
      const { error } = await said('failed');
      expect(error).toMatchObject({
        code: 'run-untrusted',
        message: expect.stringContaining(`No row was added to ${name}`),
      });
    }
    // A dataset that it brings names the file that its rows were taken from.
    const made = join(folder, '.luthier/datasets/brought');
    mkdirSync(made, { recursive: true });
    const source = { file: join(home, '.bashrc'), first_line: 2, last_line: 2, lines: [[2, 1]] };
    const columns = { text: 'text', label: 'label' };
    writeFileSync(join(made, 'dataset.json'), JSON.stringify({ format: 1, source, columns, rows: 1, labels: [] }));
    editor.window.showInformationMessage.mockResolvedValueOnce('Add to .bashrc');
    page = new Page();
    await outside(made);
    expect((await said('failed')).error.message).toMatch(/it is not a data file/);
    expect(appended()).toEqual([]);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('a run of this machine adds rows to a file outside of the workspace once that is agreed to', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'luthier elsewhere ü-'));
  try {
    const file = join(elsewhere, 'films.csv');
    writeFileSync(file, 'text,label\nx,a\n');
    await outside(file);
    await vi.waitFor(() => expect(editor.window.showWarningMessage).toHaveBeenCalledOnce());
    expect(appended()).toEqual([]);
    editor.window.showWarningMessage.mockResolvedValueOnce('Add Row');
    page.received.fire({ type: 'addRow', text: 'new', label: 'a', anyway: true });
    await said('added');
    page.received.fire({ type: 'addRow', text: 'newer', label: 'a', anyway: true });
    await said('added', 2);
    expect(editor.window.showWarningMessage).toHaveBeenCalledTimes(2);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

test('a model of pairs has a field for each text, and a wrong answer goes back with both', async () => {
  writeFileSync(join(folder, 'films.csv'), 'premise,hypothesis,label\nx,y,a\n');
  mkdirSync(join(runs[0]!.folder, 'model'), { recursive: true });
  // The columns were guessed, so the recipe does not name them: the model's folder does.
  const config = { luthier: { inputs: ['premise', 'hypothesis'] } };
  writeFileSync(join(runs[0]!.folder, 'model/config.json'), JSON.stringify(config));
  await open('first');
  expect(await said('snapshot')).toMatchObject({ tuned: { pair: { text: 'premise', text_pair: 'hypothesis' } } });
  const pair = { text: 'It rains.', text_pair: 'It is dry.' };
  page.received.fire({ type: 'predict', id: 1, texts: [pair], compare: false });
  const model = join(runs[0]!.folder, 'model');
  await vi.waitFor(() =>
    expect(request).toHaveBeenLastCalledWith('predict', { model, texts: [pair] }, expect.anything()),
  );
  page.received.fire({ type: 'addRow', ...pair, label: 'b', anyway: false });
  expect(await said('added')).toMatchObject({ ...pair, label: 'b' });
  const reading = { data: join(folder, 'films.csv'), task: 'text-classification', columns: {} };
  expect(request.mock.calls.slice(-2)).toEqual([
    ['data/rows', { ...reading, limit: 5, ...pair }],
    ['data/append', { ...reading, rows: [{ ...pair, label: 'b' }] }],
  ]);
  page.received.fire({ type: 'undoRow', ...pair });
  expect(await said('undone')).toEqual({ type: 'undone', ...pair });
});

test('rows of a run of several labels are read as it read them, and picked with their labels', async () => {
  const recipe = {
    ...{ dataset: join(folder, 'films.csv'), task: 'text-classification', problem_type: 'multi_label_classification' },
    label_columns: ['a', 'b'],
  };
  runs = [{ ...runs[0]!, record: { ...runs[0]!.record, recipe: recipe as never } }];
  request.mockResolvedValue({ rows: [{ text: 'x', label: '["a","b"]', file: 'films.csv', line: 2 }], total: 1 });
  await open('first');
  expect(await said('snapshot')).toMatchObject({ tuned: { task: 'multi_label_classification' }, dataset: 'films.csv' });
  page.received.fire({ type: 'pickRow' });
  const picker = await vi.waitFor(() => {
    expect(editor.shown.picker?.title).toContain('Pick a Row');
    return editor.shown.picker!;
  });
  expect(request).toHaveBeenLastCalledWith(
    'data/rows',
    expect.objectContaining({ task: 'multi_label_classification', label_columns: ['a', 'b'] }),
  );
  expect(picker.items[0]).toMatchObject({ label: 'x', description: 'a, b' });
  picker.accept();
  expect(await said('row')).toMatchObject({ text: 'x', label: 'a, b', line: 2 });
});

test('several labels go back as they are written in the file that a selection was made in', async () => {
  const made = join(folder, '.luthier/datasets/films');
  mkdirSync(made, { recursive: true });
  const source = {
    file: join(folder, 'films.csv'),
    first_line: 2,
    last_line: 2,
    lines: [[2, 1]],
    label_separator: '|',
  };
  const columns = { text: 'text', label: 'label' };
  const task = 'multi_label_classification';
  writeFileSync(join(made, 'dataset.json'), JSON.stringify({ format: 1, source, task, columns, rows: 1, labels: [] }));
  const recipe = { dataset: made, task: 'text-classification', problem_type: task };
  runs = [{ ...runs[0]!, record: { ...runs[0]!.record, recipe: recipe as never } }];
  await open('first');
  editor.window.showInformationMessage.mockResolvedValueOnce('Add to films.csv');
  const row = { text: 'new', label: '["a","b"]' };
  page.received.fire({ type: 'addRow', ...row, anyway: true });
  expect(await said('added')).toMatchObject({ ...row, dataset: 'films.csv' });
  expect(appended()).toEqual([
    ['data/append', { data: source.file, task, columns, label_separator: '|', rows: [row] }],
    ['data/append', { data: made, task, columns: {}, rows: [row], source_line: 3 }],
  ]);
});

test('a sentence goes back as its words with their tags, and one that is there is told with its own', async () => {
  const recipe = { dataset: join(folder, 'films.csv'), task: 'token-classification' };
  runs = [{ ...runs[0]!, record: { ...runs[0]!.record, recipe: recipe as never } }];
  await open('first');
  expect(await said('snapshot')).toMatchObject({ dataset: 'films.csv' });
  request.mockImplementationOnce(async () => ({
    rows: [{ file: join(folder, 'films.csv'), line: 2, tokens: ['Ada', '.'], tags: ['O', 'O'] }],
    total: 1,
  }));
  const asked = { text: 'Ada.', words: ['Ada', '.'], label: '["B-PER","O"]' };
  page.received.fire({ type: 'addRow', ...asked, anyway: false });
  expect(await said('stands')).toMatchObject({ text: 'Ada.', label: '["B-PER","O"]', rows: [{ label: '["O","O"]' }] });
  expect(request).toHaveBeenLastCalledWith('data/rows', expect.objectContaining({ text: 'Ada .' }));
  page.received.fire({ type: 'addRow', ...asked, anyway: true });
  expect(await said('added')).toMatchObject({ text: 'Ada.', line: 3 });
  expect(appended()).toEqual([
    [
      'data/append',
      {
        ...{ data: join(folder, 'films.csv'), task: 'token-classification', columns: {} },
        rows: [{ tokens: ['Ada', '.'], tags: ['B-PER', 'O'] }],
      },
    ],
  ]);
});

test('rows of a run with a prompt template are read by the column that fills it, and left alone where several do', async () => {
  const inputs = (...names: string[]) => ({
    path: 'C:\\work\\sort.prompty',
    text: `---\ninputs:\n${names.map((name) => `  - name: ${name}\n`).join('')}luthier:\n  columns:\n    ticket: body\n---\nuser:\n{{ ticket }}\n`,
  });
  runs[0]!.record.template = inputs('ticket');
  runs[1]!.record.template = inputs('ticket', 'language');
  await open('first');
  const first = await said('snapshot');
  expect(first).toMatchObject({ dataset: 'films.csv' });
  expect(first.template_note).toContain('through sort.prompty, and is asked');
  expect(first.template_note).toContain('Each line is the value of “ticket”.');
  page.received.fire({ type: 'addRow', text: 'x', label: 'a', anyway: false });
  await said('added');
  expect(request).toHaveBeenLastCalledWith('data/append', expect.objectContaining({ columns: { text: 'body' } }));

  page = new Page();
  await open('second');
  const second = await said('snapshot');
  expect(second).toMatchObject({ dataset: null });
  expect(second.template_note).toContain(
    'Each line has to be JSON with the template’s inputs: {"ticket":"…","language":"…"}.',
  );
  page.received.fire({ type: 'pickRow' });
  expect((await said('failed')).error.message).toContain('filled from several columns');
});
