import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nearFile } from './near-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-near-'));
  for (const name of ['reviews.csv', 'tickets.recipe.json', '.env']) await writeFile(join(folder, name), '');
  await mkdir(join(folder, 'letters'));
});
afterAll(() => rm(folder, { recursive: true }));

it.each([
  ['reviws.csv', 'reviews.csv'],
  ['Reviews.CSV', 'reviews.csv'],
  ['ticket.recipe.json', 'tickets.recipe.json'],
  ['leters', 'letters'],
  ['env', undefined],
  ['.enw', '.env'],
  ['parcels.csv', undefined],
  ['reviews.csv/more.csv', undefined],
  ['none/reviews.csv', undefined],
])('beside %s may be meant %s', async (name, found) => {
  expect(await nearFile(join(folder, name))).toBe(found);
});
