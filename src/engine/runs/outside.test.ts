import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveRecipe } from '../recipes/recipe.ts';
import { readsOutside } from './outside.ts';

let base: string;
let project: string;
beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'luthier outside ü-')));
  project = join(base, 'project');
  await mkdir(join(project, 'recipes'), { recursive: true });
  await mkdir(join(project, '.git'));
  await mkdir(join(project, 'model'));
  await mkdir(join(base, 'private'));
  await writeFile(join(base, 'private', 'key'), 'secret');
  await writeFile(join(project, 'rows.csv'), 'text,label\na,b\n');
  await symlink(join(base, 'private', 'key'), join(project, 'linked.csv'));
  await symlink(join(base, 'private', 'key'), join(project, 'model', 'config.json'));
});
afterAll(() => rm(base, { recursive: true }));

const outside = async (recipe: object, roots?: string[]) =>
  readsOutside(await resolveRecipe({ model: 'starters/bert', ...recipe }, join(project, 'recipes')), roots);

it('nothing of a recipe that keeps to its project, in a folder of its own or not', async () => {
  expect(await outside({ dataset: '../rows.csv' })).toEqual([]);
  expect(await outside({ dataset: { train: join(project, 'rows.csv') } })).toEqual([]);
});

it('files elsewhere, by path, by dots and through links', async () => {
  const key = { part: 'dataset', path: join(base, 'private', 'key') };
  expect(await outside({ dataset: join(base, 'private', 'key') })).toEqual([key]);
  expect(await outside({ dataset: '../../private/key' })).toEqual([key]);
  expect(await outside({ dataset: { train: '../rows.csv', test: '../linked.csv' } })).toEqual([key]);
  expect(await outside({ dataset: '../rows.csv', model: '../model' })).toEqual([{ ...key, part: 'model' }]);
});

it('of what the editor says its workspace is', async () => {
  expect(await outside({ dataset: '../rows.csv' }, [join(project, 'recipes')])).toEqual([
    { part: 'dataset', path: join(project, 'rows.csv') },
  ]);
  expect(await outside({ dataset: '../rows.csv' }, [base])).toEqual([]);
});
