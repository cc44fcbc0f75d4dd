import { describe, expect, it } from 'vitest';
import { regression } from '../tasks/regression/task.ts';
import { type LabelsHow, SeveralLabels, setOf } from './answer-cells.ts';
import { inspectData } from './inspect.ts';
import { Problems } from './problems.ts';
import { readTable } from './read.ts';

/** The labels of each row of a table's column, undefined for those that are left out, and what is said of them. */
async function labelsIn(text: string, column: string, how: LabelsHow = {}) {
  const table = await readTable({ file: 'rows.csv', text });
  const cells = new SeveralLabels(column, how, table.columns);
  const at = table.columns.indexOf(column);
  const labels = [...table.rows].map((row) => {
    const label = cells.labelOf((row.value(at) ?? '').trim(), row.line, [], row);
    return label === undefined ? undefined : setOf(label);
  });
  const problems = new Problems();
  cells.report(problems);
  return { labels, problems: problems.list() };
}

describe('several labels', () => {
  it.each<[cell: string, labels: string[] | undefined, how?: LabelsHow]>([
    ['a', ['a']],
    ['a|b', ['a|b']],
    ['a|b', ['a', 'b'], { label_separator: '|' }],
    ['b; a;;b', ['a', 'b'], { label_separator: ';' }],
    ['a, b', ['a', 'b'], { label_separator: ', ' }],
    ['["b", "a"]', ['a', 'b']],
    ["['b', 'a']", ['a', 'b']],
    ['["a|b"]', ['a', 'b'], { label_separator: '|' }],
    ['[1, 2.5, true]', ['1', '2.5', 'true']],
    ['[]', []],
    ['', []],
    ['[" a ", ""]', ['a']],
    ['{"choices": ["a", "b"]}', ['a', 'b']],
    ['{"choices": []}', []],
    ['[{"a": 1}]', undefined],
    ['{"a": {"b": 1}}', undefined],
  ])('%s is %j', async (cell, labels, how = {}) => {
    const text = `text,label\n"one","${cell.replaceAll('"', '""')}"\n"two",x\n`;
    expect((await labelsIn(text, 'label', how)).labels).toEqual([labels, ['x']]);
  });

  it('columns of 0 and 1 are read in their usual spellings, an empty cell being 0', async () => {
    const text = 'text,a,b\n1,1,0\n2,1.0,0.0\n3,true,FALSE\n4,Yes,no\n5,,1\n6,x,1\n7,0,2\n';
    const { labels, problems } = await labelsIn(text, 'a', { label_columns: ['a', 'b'] });
    expect(labels).toEqual([['a'], ['a'], ['a'], ['a'], ['b'], undefined, undefined]);
    expect(problems.map(({ severity, line, message }) => [severity, line, message])).toEqual([
      [
        'warning',
        7,
        '2 rows (lines 7 and 8) are left out, because a label column contains something other than 0 and 1, such as “a: x”.',
      ],
      ['info', undefined, '0 rows of 5 have several labels, and 0 have none.'],
    ]);
  });
});

describe('a value', () => {
  const look = (rows: readonly string[]) =>
    inspectData(
      { file: 'rows.csv', text: `text,score\n${rows.join('\n')}\n`, task: 'regression', columns: { label: 'score' } },
      [regression],
    );

  it('is any finite number; other rows are left out and told with their lines', async () => {
    const { problems, rows } = await look([
      'one,0.5',
      'two,n/a',
      'three,-1e3',
      'four,',
      'five,1e39',
      'six,4',
      'seven,2',
    ]);
    expect(rows).toBe(7);
    expect(problems.map(({ severity, line, message }) => [severity, line, message])).toEqual([
      ['warning', 5, '1 row without a value in “score” (line 5) is left out.'],
      ['warning', 3, '2 rows (lines 3 and 6) have no number in “score”, such as “n/a” and “1e39”, and are left out.'],
    ]);
  });

  it('is not learnt where most cells hold none, or all the same', async () => {
    const [error] = (await look(['one,good', 'two,bad', 'three,1'])).problems;
    expect(error).toMatchObject({ severity: 'error', code: 'not-a-number', column: 'score' });
    const same = (await look(['one,1', 'two,1.0', 'three,01'])).problems;
    expect(same.map(({ severity, message }) => [severity, message])).toContainEqual([
      'error',
      'Every row has the value 1 in “score”, so there is nothing to learn.',
    ]);
  });
});
