import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadDataset } from '../data/dataset.ts';
import { textClassification } from '../tasks/text-classification/task.ts';
import { readUnlabelled } from './unlabelled.ts';

it('learns nothing of a row with a cell too many or too few, and says so', async () => {
  const base = await mkdtemp(join(tmpdir(), 'luthier-unlabelled-'));
  try {
    await writeFile(join(base, 'rows.csv'), 'text,label\na fine day,good\na rainy day,bad\nmore rain,bad\nsun,good\n');
    await writeFile(join(base, 'texts.csv'), 'text,n\nclear skies,1\nit went on, and on,2\nclouds\nfog,3\n');
    const dataset = await loadDataset(textClassification, 'rows.csv', {
      ...{ base, columns: {}, seed: 1, validation_split: 0 },
    });
    const told: string[] = [];
    const { rows } = await readUnlabelled('texts.csv', {
      ...{ task: textClassification, dataset, recipe: { columns: {}, seed: 1 }, base },
      note: (level, message) => void told.push(`${level} ${message}`),
    });
    expect(rows.map((row) => textClassification.texts(row as never))).toEqual([['clear skies'], ['fog']]);
    expect(told).toEqual([
      expect.stringMatching(/^warning texts\.csv: 2 rows do not have 2 cells .* These rows are left out\.$/),
    ]);
  } finally {
    await rm(base, { recursive: true });
  }
});
