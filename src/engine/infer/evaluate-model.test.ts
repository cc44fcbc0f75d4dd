import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DatasetReference, LabelsWritten } from '../../protocol/index.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { evaluateModel } from './evaluate-model.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-evaluate-'));
});
afterAll(() => rm(place, { recursive: true }));

it('several labels are read as is said, whatever the model’s own data were like', async () => {
  const luthier = { label_columns: ['bad', 'late'] };
  const config = { problem_type: 'multi_label_classification', id2label: { 0: 'bad', 1: 'late' }, luthier };
  const model = await makeBertFolder(join(place, 'model'), { config });
  const texts = ['the parcel is late', 'a very bad invoice', 'the invoice', 'bad and late'];
  const labels = [['late'], ['bad'], [], ['bad', 'late']];
  const inCell = texts.map((text, i) => `${text},${labels[i]!.join('|')}`);
  const marked = texts.map((text, i) => [text, ...['bad', 'late'].map((name) => +labels[i]!.includes(name))].join(','));
  await writeFile(join(place, 'cells.csv'), `text,label\n${inCell.join('\n')}\n`);
  await writeFile(join(place, 'columns.csv'), `text,bad,late\n${marked.join('\n')}\n`);
  const measured = (data: string, how?: LabelsWritten) =>
    evaluateModel({ model, data, base: place, how, split: 'test', note: () => {} });
  const [cells, columns] = [await measured('cells.csv', { label_separator: '|' }), await measured('columns.csv')];
  expect(cells.n).toBe(4);
  expect(cells.metrics).toEqual(columns.metrics);
  await expect(measured('cells.csv')).rejects.toThrow('no column');
});

it('says that all rows are measured where the data do not tell which are for validation', async () => {
  const model = await makeBertFolder(join(place, 'plain'), { classes: 2 });
  const rows = ['the parcel is late,LABEL_0', 'a very bad invoice,LABEL_1', 'the invoice,LABEL_0'];
  const file = async (name: string, some: readonly string[]) =>
    writeFile(join(place, name), `text,label\n${some.join('\n')}\n`);
  await file('all.csv', rows);
  await file('some.csv', rows.slice(1));
  const measured = async (data: DatasetReference, split: 'validation' | 'test') => {
    const warnings: string[] = [];
    const note = (level: string, message: string) => void (level === 'warning' && warnings.push(message));
    const { n } = await evaluateModel({ model, data, base: place, split, note });
    return [n, ...warnings];
  };
  expect(await measured('all.csv', 'test')).toEqual([3]);
  expect(await measured('all.csv', 'validation')).toEqual([
    3,
    'all.csv does not say which of its rows are for validation, so all 3 rows are measured.',
  ]);
  expect(await measured({ train: 'all.csv', validation: 'some.csv' }, 'validation')).toEqual([2]);
});
