import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countRows } from './count-rows.ts';
import { parseRecipe } from './recipe.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier-rows-'));
  const rows = (n: number) => Array.from({ length: n }, (_, i) => `text ${i},${i % 2 === 0 ? 'good' : 'bad'}`);
  await writeFile(join(base, 'rows.csv'), `text,label\n${rows(60).join('\n')}\n`);
  await writeFile(join(base, 'held.csv'), `text,label\n${rows(12).join('\n').replaceAll('text', 'other')}\n`);
  await writeFile(
    join(base, 'large.csv'),
    `text,label\n${rows(60).join('\n').replaceAll('text', 'x'.repeat(60_000))}\n`,
  );
  await writeFile(
    join(base, 'numbers.csv'),
    `text,label\n${rows(60)
      .map((row, i) => row.replace(/\w+$/, `${i / 7}`))
      .join('\n')}\n`,
  );
});
afterAll(() => rm(base, { recursive: true }));

const counted = (keys: object) => {
  const recipe = parseRecipe({ model: 'starters/bert', dataset: join(base, 'rows.csv'), ...keys });
  return countRows({ recipe, base });
};

it('rows are counted as a run divides them, by the recipe’s own task', async () => {
  expect(await counted({})).toEqual({ task: 'text-classification', rows: 60, validation_rows: 6 });
  expect(await counted({ validation_split: 0.5 })).toMatchObject({ rows: 60, validation_rows: 30 });
  expect(await counted({ validation_split: 0 })).toMatchObject({ rows: 60, validation_rows: 0 });
  const parts = { train: join(base, 'rows.csv'), validation: join(base, 'held.csv') };
  expect(await counted({ dataset: parts })).toMatchObject({ rows: 72, validation_rows: 12 });
  const numbers = { problem_type: 'regression', dataset: join(base, 'numbers.csv') };
  expect(await counted(numbers)).toEqual({ task: 'regression', rows: 60, validation_rows: 6 });
});

it('nothing is counted where it decides nothing: tasks that write, large files, data that a run would refuse', async () => {
  expect(await counted({ task: 'text-generation', model: 'starters/decoder' })).toBeNull();
  expect(await counted({ dataset: join(base, 'large.csv') })).toBeNull();
  expect(await counted({ dataset: join(base, 'missing.csv') })).toBeNull();
  expect(await counted({ columns: { text: 'nothing' } })).toBeNull();
  expect(await counted({ validation_split: 0.001 })).toBeNull();
});
