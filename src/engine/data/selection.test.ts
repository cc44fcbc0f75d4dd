import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractSelection } from './selection.ts';

/** Selects from one 1-based line and column to another, as an editor does. */
function select(document: string, from: [number, number], to: [number, number], name: string) {
  const starts = [0];
  for (const match of document.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
  const offset = ([line, column]: [number, number]) => starts[line - 1]! + column - 1;
  const text = document.slice(offset(from), offset(to));
  return extractSelection({ text, full_text: document, start_line: from[0] }, name);
}

const csv = 'text,label\ngood film,pos\n"bad,\nreally",neg\nfine film,pos\nsad film,neg\n';

describe('extractSelection', () => {
  it('finds the header above the selection and keeps the lines of the document', async () => {
    const table = await select(csv, [5, 1], [7, 1], 'x.csv');
    expect(table.columns).toEqual(['text', 'label']);
    expect(table.rows.map(({ line, end, values }) => ({ line, end, values }))).toEqual([
      { line: 5, end: 5, values: ['fine film', 'pos'] },
      { line: 6, end: 6, values: ['sad film', 'neg'] },
    ]);
    expect(table.problems).toEqual([]);
  });

  it('completes the first and last row, quoted ones over several lines too, and says so', async () => {
    const table = await select(csv, [4, 3], [5, 5], 'x.csv');
    expect(table.rows.map((row) => row.values)).toEqual([
      ['bad,\nreally', 'neg'],
      ['fine film', 'pos'],
    ]);
    expect(table.problems.map(({ code, message }) => [code, message])).toEqual([
      [
        'selection-completed',
        'The selection begins or ends in the middle of a line; it was extended to whole rows (lines 3 to 5).',
      ],
    ]);
  });

  it('takes the whole document, its header alone is no row, and nothing is nothing', async () => {
    expect((await select(csv, [1, 1], [7, 1], 'x.csv')).rows).toHaveLength(4);
    await expect(select(csv, [1, 1], [2, 1], 'x.csv')).rejects.toThrow('The selection contains no rows of the table.');
    await expect(select(csv, [2, 1], [2, 1], 'x.csv')).rejects.toThrow('Nothing is selected.');
  });

  it('a single row without a header is a row, not a header', async () => {
    const table = await select('good film,pos\nbad film,neg\nfine film,pos\nsad film,neg\n', [3, 1], [4, 1], 'x.csv');
    expect(table.rows.map((row) => row.values)).toEqual([['fine film', 'pos']]);
  });

  it('what is wrong outside the selection does not matter', async () => {
    const table = await select(`${csv}a,b,c\n"never closed,pos\n`, [5, 1], [7, 1], 'x.csv');
    expect(table.rows).toHaveLength(2);
    expect(table.problems.map(({ severity }) => severity)).toEqual([]);
    const below = await select('text,label\n"never closed,pos\ngood film,pos\nbad film,neg\n', [3, 1], [5, 1], 'x.csv');
    expect(below.rows.map(({ line, values }) => [line, ...values])).toEqual([
      [3, 'good film', 'pos'],
      [4, 'bad film', 'neg'],
    ]);
    expect(below.columns).toEqual(['text', 'label']);
  });

  it('a table in the midst of prose, in an untitled document', async () => {
    const prose =
      'Notes of today, with care, and so on.\nMore, of, it, all.\n\ntext;label\ngood film;pos\nbad film;neg\nfine, film;pos\n\nBye.';
    const table = await select(prose, [6, 4], [7, 3], 'Untitled-1');
    expect(table.columns).toEqual(['text', 'label']);
    expect(table.rows.map(({ line, values }) => [line, ...values])).toEqual([
      [6, 'bad film', 'neg'],
      [7, 'fine, film', 'pos'],
    ]);
  });

  it('the Markdown table that the selection is in, whichever it is', async () => {
    const markdown =
      '# A\n\n|a|b|\n|-|-|\n|1|2|\n\nProse.\n\n| text | label |\n|---|---|\n| good | pos |\n| bad | neg |\n| fine | pos |\n';
    for (const name of ['x.md', 'Untitled-2']) {
      const table = await select(markdown, [12, 1], [13, 4], name);
      expect(table.format).toBe('markdown');
      expect(table.columns).toEqual(['text', 'label']);
      expect(table.rows.map(({ line, values }) => [line, ...values])).toEqual([
        [12, 'bad', 'neg'],
        [13, 'fine', 'pos'],
      ]);
    }
  });

  it('JSON Lines, and elements out of a JSON array that is sound or not', async () => {
    const lines = '{"text":"a","label":"x"}\n{"text":"b","label":"y"}\n{"text":"c","label":"x"}\n';
    expect((await select(lines, [2, 5], [3, 6], 'x.jsonl')).rows.map(({ line }) => line)).toEqual([2, 3]);
    const array =
      '[\n  {\n    "text": "a",\n    "label": "x"\n  },\n  {"text": "b", "label": "y"},\n  {"text": "c", "label": "x"}\n]\n';
    expect((await select(array, [4, 1], [6, 10], 'x.json')).rows.map(({ line, values }) => [line, ...values])).toEqual([
      [2, 'a', 'x'],
      [6, 'b', 'y'],
    ]);
    const broken = array.replace('"text": "a"', '"text": oops');
    expect((await select(broken, [6, 1], [8, 1], 'x.json')).rows.map(({ line, values }) => [line, ...values])).toEqual([
      [6, 'b', 'y'],
      [7, 'c', 'x'],
    ]);
  });

  it('label<TAB>text lines, and prose is refused', async () => {
    const table = await select('pos\tgood film\nneg\tbad film\npos\tfine film\n', [2, 1], [4, 1], 'x.txt');
    expect(table.columns).toEqual(['label', 'text']);
    expect(table.rows.map(({ line }) => line)).toEqual([2, 3]);
    const prose = 'It was, as they say, late.\nNobody came.\nThe end, or so it seemed, was near, very near.\n';
    await expect(select(prose, [1, 1], [3, 9], 'x.txt')).rejects.toMatchObject({ code: 'data-invalid' });
  });

  it('any two places in a document give the rows between them', async () => {
    const cell = fc
      .string({ unit: fc.constantFrom('a', 'b', ' ', ',', '"', '\n'), minLength: 1 })
      .map((text) => `x${text}`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, fc.constantFrom('p', 'q')), { minLength: 3, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        async (values, a, b) => {
          const records = values.map(([text, label]) => `"${text.replaceAll('"', '""')}",${label}`);
          const [first, last] = [a % values.length, b % values.length].sort((x, y) => x - y) as [number, number];
          const before = ['text,label', ...records.slice(0, first)].join('\n');
          const text = records.slice(first, last + 1).join('\n');
          const document = ['text,label', ...records].join('\n');
          const start_line = before.split('\n').length + 1;
          const table = await extractSelection({ text, full_text: document, start_line }, 'x.csv');
          expect(table.rows.map((row) => row.values)).toEqual(values.slice(first, last + 1));
          expect(table.problems.filter(({ code }) => code === 'selection-completed')).toEqual([]);
        },
      ),
    );
  });
});
