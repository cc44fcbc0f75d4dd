import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FEWEST_ACCEPTED } from '../../completions/learned.ts';
import type { OwnFiles } from '../../protocol/index.ts';
import { LearnedStore, type NewRow } from '../completions/learned-store.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { labels, question } from '../testing/pickers.ts';
import * as editor from '../testing/vscode.ts';
import { updateModel } from './update-model.ts';

let project: string;
let store: LearnedStore;
let choices: Record<string, string>;
let asked: { method: string; params: Record<string, unknown> }[];
let luthier: Luthier;
let failing: Record<string, Error>;
let isOn: boolean;
const begin = vi.fn(async () => {});
const achieved = vi.fn();

const made = (): OwnFiles => ({
  path: join(project, '.luthier/datasets/my-update'),
  record: { format: 1, name: 'my-update', created_at: '', source: null, columns: {}, rows: 30, labels: [] },
  languages: [{ language: 'markdown', title: 'Markdown', files: 12, bytes: 9000, suggested: true }],
  ...{
    left_out: [],
    masked: [],
    similar: [],
    held_out: { validation: ['c.md'], test: [] },
    encodings: [],
    bytes: 9000,
  },
  completions: { learnt: 14, held_out: 4, left_out: 2, broken: 1 },
});

beforeEach(() => {
  editor.reset();
  begin.mockClear();
  project = mkdtempSync(join(tmpdir(), 'luthier update ü-'));
  store = new LearnedStore(project);
  choices = { '*': 'starters/decoder' };
  isOn = true;
  failing = {};
  asked = [];
  editor.workspace.workspaceFolders = [{ uri: editor.Uri.file(project), name: 'p', index: 0 }];
  const found = { languages: made().languages, left_out: [] };
  const answers: Record<string, () => unknown> = {
    'files/survey': () => found,
    'files/collect': () => {
      mkdirSync(made().path, { recursive: true });
      return made();
    },
    'files/recipe': () => ({ version: 2, task: 'text-generation', model: 'starters/decoder', dataset: 'my-update' }),
    'run/estimate': () => ({
      ...{ rows: 26, validation_rows: 1, classes: [], truncated_rows: 0, max_length: 512, unknown_token_share: 0 },
      ...{ total_steps: 3, seconds: 2, peak_memory_bytes: 1, free_memory_bytes: 2, disk_bytes: 1, free_disk_bytes: 2 },
      ...{ problems: [], columns: {}, model_languages: null },
    }),
    'data/preview': () => null,
    'run/create': () => ({ path: '/run' }),
  };
  const request = async (method: string, params: Record<string, unknown>) => {
    asked.push({ method, params });
    const failure = failing[method];
    if (failure) throw failure;
    return answers[method]!();
  };
  luthier = {
    extension: { extensionUri: editor.Uri.file('/extension') },
    log: silentLog,
    engine: { service: { request } },
    datasets: { list: async () => [], refresh() {} },
    homes: { projectFor: async () => project },
    runs: { all: () => [] },
    dashboards: { open: () => null },
    adopt: async () => ({ folder: '/run' }),
    starter: { enqueue: async () => null },
    achieved,
    completions: {
      state: { ready: async () => {} },
      models: { choices, nameOf: (model: string) => model },
      learning: {
        store,
        flush: async () => {},
        get isOn() {
          return isOn;
        },
      },
      updates: { begin },
    },
  } as unknown as Luthier;
  editor.configured.set('luthier.dashboard.openOnStart', false);
});
afterEach(() => {
  editor.workspace.workspaceFolders = undefined;
  rmSync(project, { recursive: true });
});

const rows = (count: number, outcome: NewRow['outcome'] = 'accepted') =>
  store.add(
    Array.from({ length: count }, (_, i) => ({
      ...{ at: '2026-11-27T08:00:00.000Z', outcome, edited: false, language: 'markdown', model: 'm' },
      ...{ prompt: 'The ', suggestion: 'end', completion: `end ${i}`, after: '' },
    })),
  );
const start = () => updateModel(luthier).catch((error: unknown) => error);

test('the model that completes learns what was accepted, after a summary; the run is noted before it starts', async () => {
  await rows(FEWEST_ACCEPTED);
  const ended = start();
  const summary = await question('Press Enter to start');
  expect(labels(summary)).toEqual(
    expect.arrayContaining([
      '$(play) Start fine-tuning',
      '$(mortar-board) 14 completions are learnt and 4 that you accepted are held out; 2 that tell of what is held out are left out.',
      '$(warning) 1 line of learned.jsonl cannot be read and is skipped',
      '$(beaker) 1 file is held out for validation.',
    ]),
  );
  for (const label of ['$(edit) Edit the recipe first', '$(library) Choose another model…'])
    expect(labels(summary)).not.toContain(label);
  expect(summary.items[0]?.description).toBe('starters/decoder on 12 files, 9.0 kB');
  summary.accept('$(play) Start fine-tuning');
  expect(await ended).toBeUndefined();
  expect(asked.find(({ method }) => method === 'files/collect')?.params).toMatchObject({
    ...{ folder: project, name: 'my-update', completions: store.file },
  });
  expect(asked.find(({ method }) => method === 'files/recipe')?.params).toMatchObject({ model: 'starters/decoder' });
  expect(JSON.parse(readFileSync(join(project, 'my-update.recipe.json'), 'utf8'))).toMatchObject({
    dataset: 'my-update',
  });
  expect(begin).toHaveBeenCalledWith('/run', 'starters/decoder');
  expect(achieved).toHaveBeenCalledWith('filesLearned');
});

test('of several models one is chosen', async () => {
  await rows(FEWEST_ACCEPTED);
  choices.markdown = '/runs/mine/model';
  const ended = start();
  const which = await question('Which model should be updated?');
  expect(which.items.map(({ label, description }) => `${label}: ${description}`)).toEqual([
    'starters/decoder: all languages',
    '/runs/mine/model: markdown',
  ]);
  which.accept('/runs/mine/model');
  (await question('Press Enter to start')).hide();
  expect(await ended).toEqual(expect.any(Cancelled));
  expect(asked.find(({ method }) => method === 'files/recipe')?.params).toMatchObject({ model: '/runs/mine/model' });
  expect(begin).not.toHaveBeenCalled();
});

test('too few that were accepted, no model, and no folder are said before anything is asked', async () => {
  await rows(30, 'rejected');
  await rows(1);
  expect(await start()).toMatchObject({
    ...{ message: `1 completion that you accepted is kept so far; an update takes ${FEWEST_ACCEPTED}.` },
    actions: ['reviewLearned'],
  });
  isOn = false;
  expect(await start()).toMatchObject({
    message: expect.stringContaining('learning from them is off'),
    actions: ['learnFromCompletions'],
  });
  await rows(FEWEST_ACCEPTED);
  delete choices['*'];
  expect(await start()).toMatchObject({ actions: ['chooseCompletionModel'] });
  choices['*'] = 'm';
  editor.workspace.workspaceFolders = undefined;
  expect(await start()).toMatchObject({ hint: 'Open the folder with your files.' });
  expect(asked).toEqual([]);
});

test('a model that is gone, or files that cannot be learnt, end it with the reason', async () => {
  await rows(FEWEST_ACCEPTED);
  failing['files/recipe'] = new HostError('model-not-found', 'There is no model at /gone.');
  expect(await start()).toMatchObject({ message: 'There is no model at /gone.' });
  failing['files/collect'] = new HostError('data-invalid', 'It has no file to learn from.');
  expect(await start()).toMatchObject({ message: 'It has no file to learn from.' });
  expect(begin).not.toHaveBeenCalled();
});
