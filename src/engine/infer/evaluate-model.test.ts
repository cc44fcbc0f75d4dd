import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabelsWritten } from '../../protocol/index.ts';
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
