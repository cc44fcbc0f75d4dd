import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { shellQuoted } from '../../files/shell.ts';
import { writeRecord } from '../../runs/record.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { createRun } from '../runs/folder.ts';
import { main } from './main.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-missing-'));
});
afterAll(() => rm(place, { recursive: true }));
beforeEach(() => {
  vi.stubEnv('HF_HUB_CACHE', join(place, 'no cache'));
  vi.stubEnv('npm_execpath', undefined);
  return () => vi.unstubAllEnvs();
});

async function trained(name: string): Promise<string> {
  const recipe = parseRecipe({ model: 'starters/bert', dataset: 'rows.csv' });
  const { folder, record } = await createRun({ recipe, base: place, path: null, name, state: 'queued' });
  const id2label = { 0: 'bad', 1: 'good' };
  await makeBertFolder(join(folder, 'model'), { config: { id2label } });
  await writeRecord(folder, { ...record, state: 'done', model: 'model' });
  return record.id;
}

/** What a command says that was given nothing. */
async function said(...command: string[]): Promise<string> {
  let text = '';
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(place);
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += stripVTControlCharacters(String(chunk));
    return true;
  });
  try {
    expect(await main(command)).toBe(2);
    return text;
  } finally {
    write.mockRestore();
    cwd.mockRestore();
  }
}

it('a command that asks a model says which there are, and how to name one', async () => {
  expect(await said('predict')).toMatch(/missing required argument 'model'[\s\S]*No run here has such a model yet\./);
  const id = await trained('My reviews');
  const told = await said('predict');
  expect(told).toContain('run         for\nMy reviews  Classifies: bad, good\n');
  expect(told).toContain(`For example: luthier predict ${shellQuoted('My reviews')} --text "…"\n`);
  expect(await said('evaluate')).toContain(`For example: luthier evaluate ${shellQuoted('My reviews')} --data FILE\n`);
  // What classifies writes nothing, and the starter that does is there.
  const writing = await said('chat');
  expect(writing).toContain('No run here has such a model yet.');
  expect(writing).toContain('For example: luthier chat starters/decoder\n');
  // Two runs of a name are told by their ids.
  const other = await trained('My reviews');
  const both = await said('predict');
  expect(both).not.toContain('My reviews');
  for (const one of [id, other]) expect(both).toContain(`${one}  Classifies: bad, good`);
});

it('compare-ways and export say which model to name', async () => {
  expect(await said('compare-ways')).toMatch(
    /'--model <model>' not specified[\s\S]*For example: luthier compare-ways DATA --model starters\/bert\nluthier models list/,
  );
  expect(await said('compare-ways', 'rows.csv')).toContain('For example: luthier compare-ways DATA');
  expect(await said('export')).toMatch(/Trained here:[\s\S]*For example: luthier export \S+ --format onnx\n/);
});

it('a command that takes no model says nothing of any', async () => {
  expect(await said('replay')).not.toMatch(/luthier models|Trained here/);
});
