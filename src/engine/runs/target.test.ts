import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRecipe } from '../recipes/recipe.ts';
import { createRun, findRun } from './folder.ts';
import { findModel } from './target.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier-target-'));
});
afterAll(() => rm(base, { recursive: true }));

it('a misspelt run or model is refused with the one that may be meant', async () => {
  const recipe = parseRecipe({ model: 'starters/bert', dataset: 'rows.csv' });
  const { folder } = await createRun({ recipe, base, path: null, state: 'queued', name: 'reviews' });
  const refused = async (name: string) => (await findModel(name, base).catch((error: Error) => error)) as Error;
  expect((await refused('reveiws')).message).toMatch(/ Did you mean “reviews”\?$/);
  expect((await refused(basename(folder).slice(1))).message).toContain(`Did you mean “${basename(folder)}”?`);
  expect((await refused('bert')).message).toMatch(/ Did you mean “starters\/bert”\?$/);
  expect((await refused('rows-bert')).message).toContain(`Did you mean “${basename(folder)}”?`);
  expect((await refused('row')).message).not.toContain('rows-bert');
  expect((await refused('nothing-like-it')).message).toMatch(/under that name\.$/);
});

it('a run is found by the name that it was given, by every command, unless several have it', async () => {
  const place = await mkdtemp(join(base, 'named-'));
  const recipe = parseRecipe({ model: 'starters/bert', dataset: 'rows.csv' });
  const make = () => createRun({ recipe, base: place, path: null, state: 'queued', name: 'my mails' });
  const { folder } = await make();
  expect(await findRun('my mails', place)).toBe(folder);
  await expect(findRun('my mials', place)).rejects.toThrow('my mails');
  await make();
  await expect(findRun('my mails', place)).rejects.toThrow('2 runs are called “my mails”');
});
