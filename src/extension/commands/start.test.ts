import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RowCounts } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import { temporaryFolder } from '../testing/programs.ts';
import * as editor from '../testing/vscode.ts';
import { crossValidate, startRun } from './start.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  editor.reset();
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** A window with one run, in which whatever is made is put in line. */
function windowWith(run: Run, rows: RowCounts | null = null) {
  const created: Record<string, unknown>[] = [];
  const enqueue = vi.fn(async () => null);
  const kept = new Map<string, unknown>();
  const request = async (method: string, params: Record<string, unknown>) => {
    if (method === 'recipe/reads') return { outside: [] };
    if (method === 'run/rows') return rows;
    created.push(params);
    return { path: run.folder };
  };
  const luthier = {
    load: async () => {},
    extension: {
      globalStorageUri: editor.Uri.file('/storage'),
      workspaceState: {
        get: (key: string, instead: unknown) => kept.get(key) ?? instead,
        update: async (key: string, value: unknown) => void kept.set(key, value),
      },
    },
    engine: { service: { request } },
    recipes: { refuseErrors: async () => {} },
    homes: { besideRecipe: async () => '/beside/.luthier' },
    runs: { all: () => [run], find: (name: string) => (name === run.folder ? run : undefined) },
    dashboards: { open: () => ({ setRuns: async () => {}, closeIfEmpty() {} }) },
    achieved() {},
    adopt: async () => run,
    starter: { enqueue },
  } as unknown as Luthier;
  return { luthier, created, enqueue };
}
const runOf = (recipe_path: string | null) =>
  ({ folder: '/w/.luthier/runs/a', home: '/w/.luthier', record: recordOf({ id: 'a', recipe_path }) }) as Run;
const pick = async (label: string) => {
  await vi.waitFor(() => expect(editor.shown.picker?.items.map((item) => item.label)).toContain(label));
  editor.shown.picker!.accept(label);
};

test('the recipe of a run or a file is cross-validated with as many folds as the person picks', async () => {
  const { luthier, created, enqueue } = windowWith(runOf('/w/a.recipe.json'));
  const ofRun = crossValidate(luthier, '/w/.luthier/runs/a');
  await vi.waitFor(() => expect(editor.shown.picker?.items.length).toBe(3));
  expect(editor.shown.picker!.placeholder).toBe('Into how many folds should the rows of a.recipe.json be split?');
  expect(editor.shown.picker!.items[0]).toMatchObject({ label: '5 folds', description: 'recommended' });
  await pick('5 folds');
  await ofRun;
  const ofFile = crossValidate(luthier, editor.Uri.file('/w/b.recipe.json'));
  await pick('10 folds');
  await ofFile;
  expect(created).toMatchObject([
    { recipe_path: '/w/a.recipe.json', folder: '/w/.luthier', folds: { count: 5, final: true } },
    { recipe_path: '/w/b.recipe.json', folder: '/beside/.luthier', folds: { count: 10, final: true } },
  ]);
  expect(enqueue).toHaveBeenCalledTimes(2);
});

test('a run without a recipe file is not cross-validated, and Escape starts nothing', async () => {
  const without = windowWith(runOf(null));
  await expect(crossValidate(without.luthier, '/w/.luthier/runs/a')).rejects.toMatchObject({ code: 'usage' });
  const { luthier, created } = windowWith(runOf('/w/a.recipe.json'));
  const ended = crossValidate(luthier, editor.Uri.file('/w/a.recipe.json')).catch((error: unknown) => error);
  await vi.waitFor(() => expect(editor.shown.picker).not.toBeNull());
  editor.shown.picker!.hide();
  expect(`${await ended}`).toContain('Cancel');
  expect(created).toEqual([]);
});

test('starting a recipe with a search shows its page and begins; a cross-validation of it is refused', async () => {
  const { luthier, created } = windowWith(runOf(null));
  const compare = vi.fn(async () => {});
  Object.assign(luthier, { comparisons: { compare } });
  const search = { method: 'grid', values: { learning_rate: [1e-4] }, minutes: 5 };
  const path = join(folder.path, 'many.recipe.json');
  writeFileSync(path, JSON.stringify({ model: 'm', dataset: 'rows.csv', search }));
  await startRun(luthier, path);
  expect(compare).toHaveBeenCalledWith(
    expect.objectContaining({
      compared: 'search',
      recipe: path,
      data: 'rows.csv',
      minutes: 5,
      home: '/beside/.luthier',
    }),
  );
  expect(created).toEqual([]);
  await expect(crossValidate(luthier, path)).rejects.toMatchObject({ code: 'usage' });
});

test('where few rows are held out, Start Run offers folds first; a recipe that is to be trained once is asked for once', async () => {
  const few = { task: 'text-classification', rows: 112, validation_rows: 11 } as const;
  const { luthier, created } = windowWith(runOf(null), few);
  const folds = startRun(luthier, editor.Uri.file('/w/a.recipe.json'));
  await vi.waitFor(() => expect(editor.shown.picker?.items.length).toBe(2));
  expect(editor.shown.picker!.placeholder).toBe('a.recipe.json: only 11 rows would be held out');
  expect(editor.shown.picker!.items[0]).toMatchObject({
    label: '$(layers) Cross-validate with 5 folds',
    description: 'recommended',
    detail:
      'Only 11 rows would be held out for validation, which says little; in folds, all 112 rows are measured. Trains 6 times',
  });
  await pick('$(layers) Cross-validate with 5 folds');
  await folds;
  const once = startRun(luthier, editor.Uri.file('/w/a.recipe.json'));
  await pick('$(play) Train once');
  await once;
  await startRun(luthier, editor.Uri.file('/w/a.recipe.json'));
  expect(editor.shown.picker).toBeNull();
  expect(created.map(({ folds }) => folds)).toEqual([{ count: 5, final: true }, undefined, undefined]);
});

test('Start Run asks nothing where rows enough are held out, or that is not known, and Escape starts nothing', async () => {
  for (const rows of [null, { task: 'text-classification', rows: 400, validation_rows: 40 } as const]) {
    const { luthier, created } = windowWith(runOf(null), rows);
    await startRun(luthier, editor.Uri.file('/w/a.recipe.json'));
    expect(editor.shown.picker).toBeNull();
    expect(created).toHaveLength(1);
  }
  const { luthier, created } = windowWith(runOf(null), { task: 'regression', rows: 50, validation_rows: 5 });
  const ended = startRun(luthier, editor.Uri.file('/w/a.recipe.json')).catch((error: unknown) => error);
  await vi.waitFor(() => expect(editor.shown.picker).not.toBeNull());
  editor.shown.picker!.hide();
  expect(`${await ended}`).toContain('Cancel');
  expect(created).toEqual([]);
});
