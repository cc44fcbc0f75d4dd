import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { FilesFound, OwnFiles } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { labels, question } from '../testing/pickers.ts';
import * as editor from '../testing/vscode.ts';
import { fineTuneFiles } from './fine-tune-files.ts';

let project: string;
let found: FilesFound;
let asked: { method: string; params: Record<string, unknown> }[];
let luthier: Luthier;
let failing: Record<string, Error>;

const made = (name: string): OwnFiles => ({
  path: join(project, '.luthier/datasets', name),
  record: { format: 1, name, created_at: '', source: null, columns: {}, rows: 12, labels: [] },
  languages: [{ language: 'typescript', title: 'TypeScript', files: 12, bytes: 9000, suggested: true }],
  left_out: [{ reason: 'beyond', files: 3, folders: 0, examples: ['z.ts'] }],
  masked: [{ name: 'private key', count: 1, files: 1 }],
  similar: [['a.ts', 'b.ts']],
  held_out: { validation: ['c.ts'], test: [] },
  encodings: [],
  bytes: 9000,
});

beforeEach(() => {
  editor.reset();
  project = mkdtempSync(join(tmpdir(), 'luthier files ü-'));
  editor.workspace.workspaceFolders = [{ uri: editor.Uri.file(project), name: 'p', index: 0 }];
  found = {
    languages: [
      { language: 'typescript', title: 'TypeScript', files: 12, bytes: 9000, suggested: true },
      { language: 'json', title: 'JSON', files: 2, bytes: 90, suggested: false },
    ],
    left_out: [{ reason: 'ignored', files: 1, folders: 0, examples: ['x.ts'] }],
  };
  asked = [];
  failing = {};
  const answers: Record<string, (params: { name: string; model: string; dataset: string }) => unknown> = {
    'files/survey': () => found,
    'models/list': () =>
      ['starters/decoder', 'other'].map((name) => ({
        ...{ name, source: 'starter', path: `/m/${name}`, languages: null, problem: null, model_type: 'llama' },
        ...{ bytes: 1, num_parameters: 1, labels: null, tasks: ['text-generation'] },
      })),
    'files/collect': ({ name }) => {
      mkdirSync(made(name).path, { recursive: true });
      return made(name);
    },
    'files/recipe': ({ model, dataset }) => ({ version: 2, task: 'text-generation', model, dataset, fim_rate: 0.5 }),
    'run/estimate': () => ({
      ...{ rows: 12, validation_rows: 1, classes: [], truncated_rows: 0, max_length: 512, unknown_token_share: 0 },
      ...{ total_steps: 3, seconds: 2, peak_memory_bytes: 1, free_memory_bytes: 2, disk_bytes: 1, free_disk_bytes: 2 },
      ...{ problems: [], columns: {}, model_languages: null },
    }),
    'data/preview': () => null,
  };
  const request = vi.fn(async (method: string, params: { name: string; model: string; dataset: string }) => {
    asked.push({ method, params });
    const failure = failing[method];
    if (failure) throw failure;
    return answers[method]!(params);
  });
  luthier = {
    extension: { extensionUri: editor.Uri.file('/extension') },
    log: silentLog,
    engine: { service: { request } },
    datasets: { list: async () => [], refresh() {} },
    homes: { projectFor: async () => project },
  } as unknown as Luthier;
});
afterEach(() => {
  vi.restoreAllMocks();
  editor.workspace.workspaceFolders = undefined;
  rmSync(project, { recursive: true });
});

const start = () => fineTuneFiles(luthier).catch((error: unknown) => error);
const of = (method: string) => asked.filter((one) => one.method === method).map(({ params }) => params);
const datasets = () =>
  existsSync(join(project, '.luthier/datasets')) ? readdirSync(join(project, '.luthier/datasets')) : [];

/** The first question, answered with what is ticked. */
async function languages(): Promise<void> {
  const picker = await question('Which languages');
  expect(picker.selectedItems.map(({ label }) => label)).toEqual(['TypeScript']);
  picker.confirm();
}

test('languages, a model and a summary, and what was made goes again when it is called off', async () => {
  const ended = start();
  await languages();
  (await question('Which base model')).accept('starters/decoder');
  const summary = await question('Press Enter to start');
  expect(labels(summary)).toEqual(
    expect.arrayContaining([
      '$(play) Start fine-tuning',
      '$(arrow-up) Learn from more text',
      '$(files) TypeScript 12',
      '$(beaker) 1 file is held out for validation.',
      '1 secret is masked: 1 private key.',
      '$(symbol-snippet) Half of the texts are learnt by filling in their middle',
      '$(circle-slash) 3 files are beyond the amount of text that was asked for',
    ]),
  );
  expect(datasets()).toEqual(['my-files']);
  summary.hide();
  expect(await ended).toEqual(expect.any(Cancelled));
  expect(datasets()).toEqual([]);
});

test('more text is read anew, and an edited recipe is written and opened', async () => {
  const ended = start();
  await languages();
  (await question('Which base model')).accept('other');
  (await question('Press Enter to start')).accept('$(arrow-up) Learn from more text');
  await vi.waitFor(() => expect(of('files/collect')).toHaveLength(2));
  expect(of('files/collect').map(({ max_bytes }) => max_bytes)).toEqual([1048576, 4194304]);
  expect(of('files/collect')[0]).toMatchObject({ folder: project, languages: ['typescript'], name: 'my-files' });
  (await question('Press Enter to start')).accept('$(edit) Edit the recipe first');
  await ended;
  expect(JSON.parse(readFileSync(join(project, 'my-files.recipe.json'), 'utf8'))).toMatchObject({ model: 'other' });
  expect(datasets()).toEqual(['my-files']);
});

test('what cannot be learnt leads back to the question that it is about', async () => {
  failing['files/collect'] = new HostError('data-invalid', 'All files are nearly the same.');
  const ended = start();
  await languages();
  (await question('Which base model')).accept('starters/decoder');
  (await question('All files are nearly the same')).hide();
  expect(await ended).toEqual(expect.any(Cancelled));
});

test('a folder without files to learn says why, and a window without a folder what to do', async () => {
  found = { languages: [], left_out: [{ reason: 'ignored', files: 2, folders: 0, examples: ['x.ts'] }] };
  expect(await start()).toMatchObject({ message: expect.stringContaining('2 files are ignored by git') });
  found = { languages: [], left_out: [] };
  expect(await start()).toMatchObject({ message: expect.stringContaining('it is empty') });
  editor.workspace.workspaceFolders = undefined;
  expect(await start()).toMatchObject({ hint: 'Open the folder with your files.' });
});
