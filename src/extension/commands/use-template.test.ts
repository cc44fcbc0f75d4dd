import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Luthier } from '../context.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { Cancelled } from '../errors.ts';
import { silentLog } from '../log.ts';
import * as editor from '../testing/vscode.ts';
import { useTemplateInTraining } from './use-template.ts';

const { shown } = editor;
let folder: string;
let luthier: Luthier;
let asked: [method: string, params: Record<string, unknown>][];
let columns: string[];
let problems: unknown[];

const template = (more = '') =>
  `---\ninputs:\n  - name: message\n    kind: string\nluthier:\n  columns:\n    message: body\n${more}---\nuser:\nSort: {{ message }}\n`;
const column = (name: string) => ({ name, examples: [`a ${name}`], distinct: 4, empty: 0, mean_length: 9 });
const model = {
  ...{
    name: 'starters/bert',
    source: 'starter',
    path: '/models/bert',
    languages: null,
    problem: null,
    model_type: 'bert',
  },
  ...{ bytes: 1, num_parameters: 1, labels: null, tasks: ['text-classification', 'conversational'] },
};

beforeEach(() => {
  editor.reset();
  folder = mkdtempSync(join(tmpdir(), 'luthier use ü-'));
  writeFileSync(join(folder, 'sort.prompty'), template());
  writeFileSync(join(folder, 'tickets.csv'), 'body,kind\nx,a\n');
  columns = ['body', 'kind', 'notes'];
  problems = [];
  asked = [];
  editor.workspace.workspaceFolders = [{ uri: editor.Uri.file(folder), name: 'mine', index: 0 }];
  editor.workspace.openTextDocument.mockImplementation(
    (async (uri: editor.Uri) => new editor.Document(uri, 'prompty', readFileSync(uri.fsPath, 'utf8'))) as never,
  );
  const path = join(folder, 'tickets.csv');
  const dataset = { kind: 'found', path, name: 'tickets.csv', record: null, summary: null } as Dataset;
  const answers: Record<string, () => unknown> = {
    'data/inspect': () => ({
      file: path,
      rows: 36,
      columns: columns.map(column),
      guess: {},
      problems: [],
      classes: [],
    }),
    'models/list': () => [model],
    'strategies/suggest': () => [
      { title: 'Fine-tune everything', detail: '', strategy: { type: 'full' }, isRecommended: true },
    ],
    'run/estimate': () => ({
      ...{ rows: 36, validation_rows: 7, classes: [], truncated_rows: 0, max_length: 128, unknown_token_share: 0 },
      ...{ total_steps: 3, seconds: 2, peak_memory_bytes: 1, free_memory_bytes: 2, disk_bytes: 1, free_disk_bytes: 2 },
      ...{ problems, columns: {}, model_languages: null },
    }),
    'run/create': () => ({ path: join(folder, '.luthier/runs/one') }),
  };
  const request = async (method: string, params: Record<string, unknown>) => {
    asked.push([method, params]);
    return answers[method]!();
  };
  luthier = {
    extension: { extensionUri: editor.Uri.file('/extension') },
    log: silentLog,
    engine: { service: { request } },
    datasets: { list: async () => [dataset], refresh() {} },
    homes: { projectFor: async () => folder },
    runs: { all: () => [] },
    starter: { enqueue: async () => null },
    dashboards: { open: () => ({ setRuns: async () => {} }) },
    load: async () => {},
    adopt: async (path: string) => ({ folder: path }),
    achieved: vi.fn(),
  } as unknown as Luthier;
});
afterEach(() => {
  editor.workspace.openTextDocument.mockReset();
  rmSync(folder, { recursive: true, force: true });
});

async function question(text: string): Promise<editor.QuickPick> {
  return await vi.waitFor(() => {
    expect(`${shown.picker?.placeholder}`).toContain(text);
    expect(shown.picker!.busy).toBe(false);
    return shown.picker!;
  });
}
const use = () => useTemplateInTraining(luthier, editor.Uri.file(join(folder, 'sort.prompty')));
const recipes = () => readdirSync(folder).filter((name) => name.endsWith('.recipe.json'));
const recipeIn = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

test('dataset, task, column of answers, model and method make a recipe beside the template, which is started', async () => {
  const done = use();
  (await question('Which rows fill the template?')).accept('tickets.csv');
  (await question('What should the model learn?')).accept('Classify');
  const answers = await question('Which column has the labels?');
  // Not the column that fills the template.
  expect(answers.items.map(({ label }) => label)).toEqual(['kind', 'notes']);
  answers.accept('kind');
  (await question('Which base model?')).accept('starters/bert');
  (await question('Which parameters should be trained?')).accept('Fine-tune everything');
  (await question('Press Enter to start')).accept();
  await done;
  expect(recipes()).toEqual(['sort.recipe.json']);
  expect(recipeIn('sort.recipe.json')).toMatchObject({
    ...{ task: 'text-classification', model: 'starters/bert', dataset: 'tickets.csv', template: 'sort.prompty' },
    ...{ columns: { label: 'kind' }, strategy: { type: 'full' } },
  });
  expect(asked.at(-1)).toEqual([
    'run/create',
    expect.objectContaining({ recipe_path: join(folder, 'sort.recipe.json'), folder: join(folder, '.luthier') }),
  ]);
  const estimate = asked.find(([method]) => method === 'run/estimate')![1];
  expect(estimate).toMatchObject({ base: folder, recipe: { template: 'sort.prompty' } });
});

test('a dataset that the template names is not asked for; the recipe is edited where it is not to start yet', async () => {
  writeFileSync(join(folder, 'sort.prompty'), template('  dataset: tickets.csv\n'));
  writeFileSync(join(folder, 'sort.recipe.json'), '{}');
  const done = use();
  const learn = await question('What should the model learn?');
  expect([learn.step, learn.totalSteps, learn.buttons]).toEqual([1, 5, []]);
  expect(learn.items.map(({ label }) => label)).toEqual(['Answer', 'Classify']);
  learn.accept('Answer');
  (await question('Which column has the answers?')).accept('notes');
  (await question('Which base model?')).accept('starters/bert');
  (await question('Which parameters')).accept();
  (await question('Press Enter to start')).accept('$(edit) Edit the recipe first');
  await done;
  // What is there is kept.
  expect(recipeIn('sort.recipe.json')).toEqual({});
  const [written] = recipes().filter((name) => name !== 'sort.recipe.json');
  expect(recipeIn(written!)).toMatchObject({ task: 'conversational', columns: { completion: 'notes' } });
  expect(editor.opened).toEqual([{ path: join(folder, written!), line: null }]);
  expect(asked.map(([method]) => method)).not.toContain('run/create');
});

test('a dataset that the template names and that is gone is said before another one is asked for', async () => {
  writeFileSync(join(folder, 'sort.prompty'), template('  dataset: gone.csv\n'));
  const ended = use().catch((error: unknown) => error);
  (await question('gone.csv no longer exists. Which rows fill the template?')).hide();
  expect(await ended).toBeInstanceOf(Cancelled);
});

test('going back asks again with what was answered; Escape ends it all and writes nothing', async () => {
  const ended = use().catch((error: unknown) => error);
  (await question('Which rows')).accept('tickets.csv');
  (await question('What should')).accept('Classify');
  (await question('Which column has the labels?')).back();
  const again = await question('What should');
  expect(again.activeItems[0]?.label).toBe('Classify');
  again.accept();
  (await question('Which column has the labels?')).hide();
  expect(await ended).toBeInstanceOf(Cancelled);
  expect(recipes()).toEqual([]);
});

test('where every column is an input the question before says so; a column that the template lacks is named', async () => {
  columns = ['body'];
  const ended = use().catch((error: unknown) => error);
  (await question('Which rows')).accept('tickets.csv');
  (await question('What should')).accept('Classify');
  await vi.waitFor(() => expect(shown.picker?.items[0]?.label).toContain('none has the answers'));
  shown.picker!.hide();
  await ended;
  columns = ['other'];
  const failed = use();
  (await question('Which rows')).accept('tickets.csv');
  await expect(failed).rejects.toThrow('tickets.csv has no column “body” for sort.prompty.');
});

test('what blocks the estimate is not offered to start', async () => {
  problems = [{ severity: 'error', code: 'no-rows', message: 'There is nothing to learn.' }];
  const ended = use().catch((error: unknown) => error);
  (await question('Which rows')).accept('tickets.csv');
  (await question('What should')).accept('Classify');
  (await question('Which column')).accept('kind');
  (await question('Which base model?')).accept('starters/bert');
  (await question('Which parameters')).accept();
  const summary = await question('This cannot start as it is');
  expect(summary.items[0]?.label).toBe('$(edit) Edit the recipe first');
  summary.hide();
  expect(await ended).toBeInstanceOf(Cancelled);
});

test('nothing is asked in an untrusted workspace', async () => {
  editor.workspace.isTrusted = false;
  await expect(use()).rejects.toThrow('not trusted');
  expect(shown.history).toEqual([]);
});
