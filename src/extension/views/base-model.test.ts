import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import { findBaseModel } from './base-model.ts';

const place = mkdtempSync(join(tmpdir(), 'luthier-base-'));
afterAll(() => rmSync(place, { recursive: true }));

const runOf = (model: string): Run => {
  const record = recordOf({ id: 'a' });
  return {
    home: join(place, 'project', '.luthier'),
    record: { ...record, recipe: { ...record.recipe, model } },
  } as Run;
};
const write = (folder: string, config: object): void => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
};

test('a starter is found where the extension is', async () => {
  write(join(place, 'extension', 'starters', 'bert'), { architectures: ['BertModel'] });
  const { note } = await findBaseModel(runOf('starters/bert'), join(place, 'extension'));
  expect(note).toBe('starters/bert has no trained classifier: it learned to classify in this run.');
});

test('a trained classifier beside the project is compared by its labels', async () => {
  write(join(place, 'project', 'mine'), {
    architectures: ['BertForSequenceClassification'],
    id2label: { 1: 'b', 0: 'a' },
  });
  expect(await findBaseModel(runOf('mine'), place)).toEqual({
    path: join(place, 'project', 'mine'),
    model: { name: 'mine', labels: ['a', 'b'] },
    note: null,
  });
});

test('one that is not there is named', async () => {
  const { note } = await findBaseModel(runOf('google-bert/bert-base-uncased'), place);
  expect(note).toBe('The base model bert-base-uncased is not in a folder on this machine, so it cannot be compared.');
});
