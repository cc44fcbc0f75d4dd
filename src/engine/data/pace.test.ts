import { expect, test } from 'vitest';
import { columnStats } from './column-stats.ts';
import { isUsualLabelName } from './columns.ts';
import { withListColumns } from './label-cells.ts';
import { columnOf } from './labelled.ts';
import { KnownLabels } from './labels.ts';
import { type Pace, pacer } from './pace.ts';
import { Problems } from './problems.ts';
import { readTable } from './read.ts';
import type { Table } from './table.ts';
import { checkUnused } from './unused.ts';

/** More than a pace's bytes, so that each pass pauses within it. */
const ROWS = 8_000;
const csv = (header: string, row: (i: number) => string) =>
  readTable({ file: 'x.csv', text: `${header}\n${Array.from({ length: ROWS }, (_, i) => row(i)).join('\n')}\n` });
const unused = (table: Table, pace: Pace) => {
  const columns = { text: 'text', label: table.columns.includes('label') ? 'label' : 'toxic' };
  return checkUnused(table, columns, {}, columnStats(table), new Problems(), pace);
};

const PASSES: Record<string, { table: () => Promise<Table>; pass: (table: Table, pace: Pace) => Promise<unknown> }> = {
  'lists that may be labels': {
    table: () => {
      const line = (i: number) => JSON.stringify({ text: `text ${i}`, label: [i % 2 ? 'a' : 'b'] });
      return readTable({ file: 'x.jsonl', text: Array.from({ length: ROWS }, (_, i) => line(i)).join('\n') });
    },
    pass: (table, pace) => withListColumns(table, isUsualLabelName, pace),
  },
  'a column of a model’s classes': {
    table: () => csv('text,label', (i) => `text ${i},${i % 2 ? 'a' : 'b'}`),
    pass: (table, pace) => columnOf(new KnownLabels(['a', 'b']), table, pace),
  },
  'columns without a name': {
    table: () => csv('text,label,', (i) => `text ${i},${i % 2 ? 'a' : 'b'},spilled`),
    pass: unused,
  },
  verdicts: {
    table: () => csv('text,label,answer', (i) => `text ${i},${i % 2 ? 'a' : 'b'},${i % 9 ? 'accept' : 'reject'}`),
    pass: unused,
  },
  'columns of 0 and 1': {
    table: () => csv('text,toxic,insult', (i) => `text number ${i},${i % 2},${1 - (i % 2)}`),
    pass: unused,
  },
};

test.each(Object.keys(PASSES))('a cancellation is heard while rows are looked at for %s', async (name) => {
  const { table: made, pass } = PASSES[name]!;
  const table = await made();
  const controller = new AbortController();
  let pauses = 0;
  const pace = async () => void pauses++;
  await pass(table, pace);
  expect(pauses).toBeGreaterThan(0);
  controller.abort();
  await expect(pass(table, pacer(controller.signal))).rejects.toMatchObject({ code: 'cancelled' });
});
