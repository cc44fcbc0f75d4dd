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
    model: { task: 'text-classification', name: 'mine', labels: ['a', 'b'] },
    note: null,
  });
});

test('one that is not there is named', async () => {
  const { note } = await findBaseModel(runOf('google-bert/bert-base-uncased'), place);
  expect(note).toBe('The base model bert-base-uncased is not in a folder on this machine, so it cannot be compared.');
});

test.each([
  ['single_label_classification', {}, 'chooses one label for each text'],
  ['multi_label_classification', { problem_type: 'multi_label_classification' }, 'gives a text any number of labels'],
  ['regression', { problem_type: 'regression' }, 'gives a text a number'],
] as const)('a %s is compared with a run that learned the same, and with no other', async (own, config, does) => {
  const id2label = { 0: 'a', ...(own !== 'regression' && { 1: 'b' }) };
  write(join(place, 'project', own), { architectures: ['BertForSequenceClassification'], id2label, ...config });
  for (const problem_type of ['single_label_classification', 'multi_label_classification', 'regression'] as const) {
    const run = runOf(own);
    const recipe = { ...run.record.recipe, task: 'text-classification', problem_type } as const;
    const { model, note } = await findBaseModel({ ...run, record: { ...run.record, recipe } } as Run, place);
    if (problem_type === own) expect(model).toMatchObject({ name: own, labels: Object.values(id2label) });
    else expect(note).toBe(`${own} ${does}, which cannot be compared with what this run learned.`);
  }
});
