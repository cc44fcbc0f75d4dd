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

  it('refuses a column that is not there', async () => {
    await expect(
      inspectData({ file: 'x.csv', text: 'text,label\na,b\n', columns: { label: 'labels' } }),
    ).rejects.toThrow('did you mean “label”?');
  });
});
