import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { DatasetReference } from '../../protocol/index.ts';
import { writeRecord } from '../../runs/record.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { createRun } from '../runs/folder.ts';
import { main } from './main.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-evaluate-command-'));
  for (const name of ['learnt.csv', 'chosen.csv', 'new.csv'])
    await writeFile(join(place, name), 'text,label\nthe parcel is late,bad\nthe invoice,good\n');
});
afterAll(() => rm(place, { recursive: true }));

async function trainedOn(dataset: DatasetReference): Promise<string> {
  const recipe = parseRecipe({ model: 'starters/bert', dataset });
  const { folder, record } = await createRun({ recipe, base: place, path: null, state: 'queued' });
  await makeBertFolder(join(folder, 'model'), { config: { id2label: { 0: 'bad', 1: 'good' } } });
  await writeRecord(folder, { ...record, state: 'done', model: 'model' });
  return folder;
}

/** The warnings of `luthier evaluate`. */
async function warned(run: string, data: string, ...more: string[]): Promise<string[]> {
  let text = '';
  const hears = (chunk: unknown) => {
    text += stripVTControlCharacters(String(chunk));
    return true;
  };
  const written = [process.stderr, process.stdout].map((stream) => vi.spyOn(stream, 'write').mockImplementation(hears));
  try {
    expect(await main(['evaluate', run, '--data', join(place, data), ...more])).toBe(0);
  } finally {
    for (const write of written) write.mockRestore();
  }
  return text.split('\n').flatMap((line) => /^Warning: (.*)/.exec(line)?.[1] ?? []);
}

it('says which rows the model has seen, whatever the split is called', async () => {
  const whole = await trainedOn(join(place, 'learnt.csv'));
  const trained = expect.stringMatching(/^The model was trained on .*learnt\.csv: its score there says little/);
  const all = 'learnt.csv does not say which of its rows are for validation, so all 2 rows are measured.';
  expect(await warned(whole, 'new.csv')).toEqual([]);
  expect(await warned(whole, 'learnt.csv')).toEqual([trained]);
  expect(await warned(whole, 'learnt.csv', '--split', 'validation')).toEqual([trained, all]);
  const parted = await trainedOn({ train: join(place, 'learnt.csv'), validation: join(place, 'chosen.csv') });
  expect(await warned(parted, 'learnt.csv')).toEqual([trained]);
  expect(await warned(parted, 'chosen.csv')).toEqual([
    expect.stringMatching(/^The model’s weights were chosen on .*chosen\.csv: its score there is somewhat flattered/),
  ]);
}, 120_000);

it('of a dataset, the rows that are held out for the test are none that the model has seen', async () => {
  const rows = ['late', 'torn', 'lost', 'paid'].map((text, i) =>
    JSON.stringify({ text, label: i % 2 ? 'bad' : 'good' }),
  );
  for (const name of ['whole', 'divided']) {
    await mkdir(join(place, name));
    await writeFile(join(place, name, 'dataset.json'), '{"format": 1}');
    await writeFile(join(place, name, 'rows.jsonl'), `${rows.join('\n')}\n`);
  }
  await writeFile(join(place, 'divided', 'splits.json'), JSON.stringify({ validation: [], test: [3, 4] }));
  expect(await warned(await trainedOn(join(place, 'divided')), 'divided')).toEqual([]);
  expect((await warned(await trainedOn(join(place, 'whole')), 'whole'))[0]).toMatch(
    /^The model was trained on .*whole:/,
  );
}, 120_000);
