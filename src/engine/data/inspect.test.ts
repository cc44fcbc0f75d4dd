import { describe, expect, it } from 'vitest';
import { inspectData } from './inspect.ts';

describe('inspectData', () => {
  it('summarises a document', async () => {
    const text = 'question,intent\nwhere is it,shipping\nI want my money back,refund\nwhere is it,refund\n,refund\n';
    expect(await inspectData({ file: '/somewhere/x.csv', text })).toMatchInlineSnapshot(`
      {
        "classes": [
          {
            "count": 2,
            "label": "refund",
          },
          {
            "count": 1,
            "label": "shipping",
          },
        ],
        "columns": [
          {
            "distinct": 2,
            "empty": 1,
            "examples": [
              "where is it",
              "I want my money back",
            ],
            "mean_length": 14,
            "name": "question",
          },
          {
            "distinct": 2,
            "empty": 0,
            "examples": [
              "shipping",
              "refund",
            ],
            "mean_length": 6.5,
            "name": "intent",
          },
        ],
        "encoding": "utf-8",
        "file": "/somewhere/x.csv",
        "format": "csv",
        "guess": {
          "label": "intent",
          "text": "question",
        },
        "guess_reason": "The text is “question” (a common name, 4 words on average) and the label is “intent” (a common name, 2 different values in 4 rows).",
        "problems": [
          {
            "code": "empty-text",
            "column": "question",
            "line": 5,
            "message": "1 row without a text in “question” (line 5) is left out.",
            "severity": "warning",
          },
          {
            "code": "single-row-class",
            "column": "intent",
            "line": 2,
            "message": "The class “shipping” has only one row (line 2), which is used for training. Add more rows, or correct a misspelled label.",
            "severity": "warning",
          },
          {
            "code": "conflicting-labels",
            "line": 4,
            "message": "The text “where is it” has the label “shipping” on line 2 and “refund” on line 4. Decide which is right.",
            "severity": "warning",
          },
        ],
        "rows": 4,
        "task": "text-classification",
      }
    `);
  });

  it('looks at the selected rows alone', async () => {
    const full_text = 'text,label\ngood film,pos\nbad film,neg\nfine film,pos\nodd,row,here\n';
    const selection = { text: 'bad film,neg\nfine film,pos\n', full_text, start_line: 3 };
    const summary = await inspectData({ file: 'Untitled-1', selection });
    expect(summary.rows).toBe(2);
    expect(summary.classes).toEqual([
      { label: 'neg', count: 1 },
      { label: 'pos', count: 1 },
    ]);
    expect(summary.problems.map(({ code }) => code)).toEqual(['single-row-class']);
  });

  it('shows all that is wrong rather than stopping at the first', async () => {
    const text = 'text,when\na b c,2024\nd e,2025,1\nf g h,2026\n"i,2027\n';
    const { problems, guess } = await inspectData({ file: 'x.csv', text });
    expect(guess).toEqual({ text: 'text' });
    expect(problems.map(({ severity, code, line }) => [severity, code, line])).toEqual([
      ['error', 'broken-quote', 5],
      ['error', 'ragged-row', 3],
      ['error', 'missing-column', undefined],
    ]);
    const one = await inspectData({ file: 'x.csv', text: 'text,label\na b,x\nc d,x\n' });
    expect(one.problems.map(({ code }) => code)).toEqual(['one-class']);
  });

  it.each([
    ['a cell too many', 'x.csv', 'text,label\na b,x\nc d,e f,y\ng h,y\ni j,x\n', { x: 2, y: 1 }, 1],
    ['a cell too few', 'x.csv', 'label,text\nx,a b\nz\ny,g h\nx,i j\n', { x: 2, y: 1 }, 1],
    ['cells of no content too many', 'x.csv', 'text,label\na b,x\nc d,y,,\ng h,y\n', { y: 2, x: 1 }, undefined],
    [
      'tabs too many, and no header',
      'x.tsv',
      'x\ta b\ny\tc d\nz\te\tf\nx\tg h\ny\ti j\nx\tk l\nw\n',
      { x: 3, y: 2 },
      2,
    ],
    [
      'a bar too many',
      'x.md',
      '| text | label |\n| --- | --- |\n| a b | x |\n| c | d | y |\n| e f | y |\n| g h | x |\n',
      { x: 2, y: 1 },
      1,
    ],
    [
      'a bracket too few',
      'x.jsonl',
      '{"text": "a b", "label": "x"}\n{"text": "c", "label": "z"\n{"text": "d e", "label": "y"}\n',
      { x: 1, y: 1 },
      undefined,
    ],
    ['quotes that do not match', 'x.csv', '"text","label"\n"a b","x"\n"c" d,"z"\n"e f","y"\n', { x: 1 }, undefined],
  ])('counts nothing of a row with %s', async (what, file, text, classes, broken) => {
    const summary = await inspectData({ file, text });
    expect(Object.fromEntries(summary.classes.map(({ label, count }) => [label, count]))).toEqual(classes);
    expect(summary.broken_rows).toBe(broken);
    expect(summary.problems.some(({ severity }) => severity === 'error')).toBe(what !== 'cells of no content too many');
    const { rows } = summary;
    for (const { distinct, empty } of summary.columns) expect(distinct + empty).toBeLessThanOrEqual(rows);
  });

  it('says which lines are not read behind quotes that do not match', async () => {
    const read = async (text: string) => (await inspectData({ file: 'x.csv', text })).problems[0]!.message;
    expect(await read('text,label\na b,x\n"c" d,z\ne f,y\ng h,y\n\n')).toMatch(/ Lines 3 to 5 are not read\.$/);
    expect(await read('text,label\na b,x\nc d,y\n"e f,y\n')).toMatch(/ That row is not read\.$/);
  });

  it.each([
    [
      'one value alone',
      'text,kind\nhello to you,good\nhow are you,good\nfine thank you,\n',
      'No label column was found in x.csv; its columns are “text” and “kind”. “kind” says “good” in every row that is filled in, and a classifier needs at least two classes.',
    ],
    [
      'another value in each row',
      'text,when\nhello to you,2024-01-01\nand you too,2024-01-02\n',
      'No label column was found in x.csv; its columns are “text” and “when”. “when” has another value in every row, and rows of a class have the same.',
    ],
    [
      'nothing in it',
      'text,kind\nhello to you,\nhow are you,\n',
      'No label column was found in x.csv; its columns are “text” and “kind”. “kind” is empty in every row.',
    ],
    [
      'a thousand values',
      `text,kind\n${Array.from({ length: 1200 }, (_, i) => `row number ${i} is here,k${i % 1100}`).join('\n')}\n`,
      'No label column was found in x.csv; its columns are “text” and “kind”. “kind” has 1,000 different values or more.',
    ],
    [
      'numbers for texts',
      'number,label\n1,good\n2,bad\n3,good\n4,bad\n',
      'No text column was found in x.csv; its columns are “number” and “label”. “number” holds numbers.',
    ],
  ])('says of a column with %s why it was not taken', async (_, text, message) => {
    const { problems } = await inspectData({ file: 'x.csv', text });
    expect(problems.find(({ code }) => code === 'missing-column')?.message).toBe(message);
  });

  it('refuses a column that is not there', async () => {
    await expect(
      inspectData({ file: 'x.csv', text: 'text,label\na,b\n', columns: { label: 'labels' } }),
    ).rejects.toThrow('did you mean “label”?');
  });
});
