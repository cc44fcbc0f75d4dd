import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { renderTemplate } from './prompt-template.ts';

let folder: string;
let told: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-prompt-'));
  await writeFile(
    join(folder, 'meal.prompty'),
    '---\nname: Meal\ninputs:\n  - name: tone\n    kind: string\nsample:\n  tone: friendly\n---\nuser:\nAnswer in a {{tone}} way.\n',
  );
  told = '';
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      told += String(text);
      return true;
    });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

it('says that a name of --set is no input of the template, and which one is near', async () => {
  expect(await renderTemplate(join(folder, 'meal.prompty'), { set: ['tonne=x'] })).toBe(0);
  expect(told).toMatch(/“tonne” is not an input of .*; did you mean “tone”\?/);
  expect(told).toContain('Answer in a friendly way.');
  told = '';
  await renderTemplate(join(folder, 'meal.prompty'), { set: ['tone=curt'] });
  expect(told).not.toContain('is not an input');
  expect(told).toContain('Answer in a curt way.');
});

it('takes no row that is no whole number', async () => {
  for (const row of ['three', '0', '1.5', '-1'])
    await expect(renderTemplate(join(folder, 'meal.prompty'), { set: [], row })).rejects.toMatchObject({
      code: 'usage',
      message: `--row is ${row}; it must be a whole number, from 1 on.`,
    });
});

it('says a warning of several rows once, with the rows that it is about', async () => {
  await writeFile(
    join(folder, 'letter.prompty'),
    '---\ninputs:\n  - name: name\n    kind: string\n---\nuser:\nDear {{name}}, {{greting}} {{greting}}\n',
  );
  await writeFile(join(folder, 'people.csv'), 'name\nAda\nBob\nEve\n');
  const path = join(folder, 'letter.prompty');
  const warnings = () => told.split('\n').filter((line) => line.includes('greting'));
  expect(await renderTemplate(path, { set: [], data: join(folder, 'people.csv') })).toBe(0);
  expect(warnings()).toEqual([expect.stringMatching(/3 rows \(rows 1, 2 and 3\): Line 7: .*greting/)]);
  expect(told).toMatch(/Dear Bob,[\s\S]*Dear Eve,[\s\S]*3 rows/);
  told = '';
  expect(await renderTemplate(path, { set: [], data: join(folder, 'people.csv'), row: '2' })).toBe(0);
  expect(warnings().length).toBeGreaterThan(0);
  expect(told).not.toContain('rows 1');
});

it('says which file, dataset or model a misspelt name may mean', async () => {
  const path = join(folder, 'meal.prompty');
  await writeFile(join(folder, 'meals.csv'), 'tone\ncurt\n');
  await expect(renderTemplate(join(folder, 'meel.prompty'), { set: [] })).rejects.toThrow(
    'did you mean “meal.prompty”?',
  );
  await expect(renderTemplate(path, { set: [], data: join(folder, 'meels.csv') })).rejects.toThrow(
    'did you mean “meals.csv”?',
  );
  await expect(renderTemplate(path, { set: [], model: 'starters/decodr' })).rejects.toThrow(
    'Did you mean “starters/decoder”?',
  );
  await writeFile(path, '---\nmodel: starters/decodr\n---\nuser:\nhi\n');
  const python = { set: [], as: 'python' as const };
  await expect(renderTemplate(path, python)).rejects.toThrow('not on this machine; did you mean “starters/decoder”?');
});

it('says which rows of a dataset are left out', async () => {
  const data = join(folder, 'tones.csv');
  await writeFile(data, 'tone,n\ncurt,1\nkind, warm,2\nloud,3\n');
  expect(await renderTemplate(join(folder, 'meal.prompty'), { set: [], data })).toBe(0);
  expect(told).toMatch(/Warning:.* Line 3 has 3 cells, but the header has 2\..* Such rows are left out\./);
  expect(told.match(/Answer in a (\w+) way/g)).toEqual(['Answer in a curt way', 'Answer in a loud way']);
});
