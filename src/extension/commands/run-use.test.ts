import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Recipe } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, HostError } from '../errors.ts';
import { COMMANDS } from '../ids.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import { temporaryFolder } from '../testing/programs.ts';
import * as editor from '../testing/vscode.ts';
import { openChangedRecipe, openDashboard, predictOnFile, tryModel } from './run-use.ts';

const runOf = (id: string): Run => ({ folder: `/runs/${id}`, record: recordOf({ id }), state: 'running' }) as Run;

test('a click in the tree opens what it selected, the palette the run at work, a link the one that it names', async () => {
  const [selected, working, linked] = ['selected', 'working', 'linked'].map(runOf) as [Run, Run, Run];
  const all = [selected, working, linked];
  const show = vi.fn();
  let selection: Run[] = [selected];
  const luthier = {
    load: async () => {},
    selectedRuns: () => selection,
    runs: {
      working: () => [working],
      all: () => all,
      get: (folder: string) => all.find((run) => run.folder === folder),
      find: (name: string) => all.find((run) => run.folder === name || run.record.id === name),
    },
    dashboards: { show },
    achieved: vi.fn(),
  } as unknown as Luthier;
  await openDashboard(luthier);
  expect(show).toHaveBeenLastCalledWith([selected]);
  await openDashboard(luthier, linked.folder);
  expect(show).toHaveBeenLastCalledWith([linked]);
  selection = [];
  await openDashboard(luthier);
  expect(show).toHaveBeenLastCalledWith([working]);
});

test('Try Model without a model leads on instead of failing, and ticks nothing off', async () => {
  const working: Run[] = [];
  const show = vi.fn();
  const luthier = {
    load: async () => {},
    selectedRuns: async () => [],
    runs: { working: () => working, all: () => working },
    dashboards: { show },
    tryouts: { show },
    achieved: vi.fn(),
  } as unknown as Luthier;
  editor.reset();
  editor.window.showInformationMessage.mockResolvedValueOnce('Try with Example Data…');
  await tryModel(luthier);
  expect(editor.window.showInformationMessage.mock.calls[0]![0]).toBe('No run has a model yet. Fine-tune one first.');
  expect(editor.commands.executeCommand).toHaveBeenLastCalledWith(COMMANDS.tryExample);
  working.push(runOf('busy'));
  editor.window.showInformationMessage.mockResolvedValueOnce('Open Dashboard');
  await tryModel(luthier);
  expect(show).toHaveBeenLastCalledWith([working[0]]);
  expect(luthier.achieved).not.toHaveBeenCalled();
});

test('Predict on File says what was answered and opens it, what was kept of it when it was cancelled, and when that is nothing', async () => {
  const record = recordOf({ id: 'writer', model: 'model' });
  const recipe = { ...record.recipe, task: 'conversational' };
  const run = { folder: '/runs/writer', record: { ...record, recipe }, state: 'done' } as Run;
  const request = vi.fn();
  const luthier = {
    load: async () => {},
    runs: { get: () => run, find: () => run },
    engine: { service: { request } },
  } as unknown as Luthier;
  editor.reset();
  const predicted = async (answer: object | Error) => {
    editor.window.showOpenDialog.mockResolvedValueOnce([editor.Uri.file('/data/asked.csv')]);
    editor.window.showSaveDialog.mockResolvedValueOnce(editor.Uri.file('/data/asked.predictions.csv'));
    if (answer instanceof Error) request.mockRejectedValueOnce(answer);
    else request.mockResolvedValueOnce({ from: ['prompt'], columns: ['generated_text'], warnings: [], ...answer });
    const calls = [editor.window.showInformationMessage, editor.window.showWarningMessage];
    for (const call of calls) call.mockClear();
    await predictOnFile(luthier, run.folder);
    return calls.flatMap(({ mock }) => mock.calls.map(([text]) => text)).join();
  };
  const path = '/data/asked.predictions.csv';
  editor.window.showInformationMessage.mockResolvedValueOnce('Open File');
  expect(await predicted({ rows: 4, of: 4, path })).toBe(
    '4 rows of asked.csv answered from prompt. asked.predictions.csv has the new column generated_text.',
  );
  expect(editor.opened).toEqual([{ path, line: null }]);
  expect(request).toHaveBeenCalledWith(
    'predict/file',
    { model: `${run.folder}/model`, file: '/data/asked.csv', out: path, as: 'message', settings: {} },
    expect.objectContaining({ waits: true }),
  );
  const suggested = editor.window.showSaveDialog.mock.calls[0]![0] as { defaultUri: editor.Uri };
  expect(suggested.defaultUri.fsPath).toBe(path);

  const warnings = ['2 rows: The answer is cut off after 128 tokens.', 'Line 3 has 3 cells.', 'Line 4 has 3 cells.'];
  expect(await predicted({ rows: 2, of: 1200, path, warnings })).toBe(
    'Cancelled after 2 of 1,200 rows of asked.csv. asked.predictions.csv has these rows with the new column generated_text; the other 1,198 are left out. 2 rows: The answer is cut off after 128 tokens. Line 3 has 3 cells. The log has 1 more warning.',
  );
  expect(await predicted({ rows: 1, of: 2, path })).toMatch(
    /^Cancelled after 1 of 2 rows .* has this row .* the other one is left out\.$/,
  );
  expect(await predicted(new Cancelled())).toBe('Cancelled. Nothing was written to asked.predictions.csv.');
  await expect(predicted(new HostError('engine-stopped', 'The engine stopped.'))).rejects.toThrow(
    'The engine stopped.',
  );
});

describe('a copy of a recipe with what a finding suggests', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    editor.reset();
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const recipe = { model: 'starters/bert', dataset: 'rows.csv', num_train_epochs: 3 };
  const whole = () => ({ ...recipe, dataset: join(folder.path, 'rows.csv'), learning_rate: 5e-5 }) as unknown as Recipe;
  /** A window whose engine reads the file so. */
  const windowThat = (resolves: () => unknown) =>
    ({ engine: { service: { request: async () => ({ recipe: resolves() }) } } }) as unknown as Luthier;
  const run = (more: Partial<Run> = {}) => {
    const path = join(folder.path, 'rows.recipe.json');
    writeFileSync(path, JSON.stringify(recipe));
    const home = join(folder.path, '.luthier');
    return {
      home,
      folder: join(home, 'runs/a'),
      record: recordOf({ id: 'a', recipe: whole(), recipe_path: path }),
      ...more,
    } as Run;
  };
  const written = (name: string) => JSON.parse(readFileSync(join(folder.path, name), 'utf8')) as object;

  test('is the file’s, as the person wrote it, beside it and open at the line; nothing else happens', async () => {
    await openChangedRecipe(windowThat(whole), run(), { num_train_epochs: 6 });
    expect(written('rows-2.recipe.json')).toEqual({ ...recipe, num_train_epochs: 6 });
    expect(editor.opened).toEqual([{ path: join(folder.path, 'rows-2.recipe.json'), line: 4 }]);
    expect(editor.commands.executeCommand).not.toHaveBeenCalled();
  });

  test('is the run’s own where the file has changed since, cannot be read, or is another’s', async () => {
    const own = { ...recipe, learning_rate: 1e-5 };
    const since = () => ({ ...whole(), num_train_epochs: 9 });
    await openChangedRecipe(windowThat(since), run(), { learning_rate: 1e-5 });
    expect(written('rows-2.recipe.json')).toEqual(own);
    const fails = () => {
      throw new Error('recipe-invalid');
    };
    await openChangedRecipe(windowThat(fails), run(), { learning_rate: 1e-5 });
    expect(written('rows-3.recipe.json')).toEqual(own);
    await openChangedRecipe(windowThat(whole), run({ foreign: true }), { learning_rate: 1e-5 });
    expect(written('a.recipe.json')).toEqual(own);
  });
});
