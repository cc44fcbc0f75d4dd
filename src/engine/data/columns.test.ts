import { describe, expect, it } from 'vitest';
import { guessColumns } from './columns.ts';
import { readTable } from './read.ts';

const long = (i: number) => `the ${i}th customer wrote that nothing works`;

async function guess(header: string, row: (i: number) => string, given = {}, count = 30) {
  const text = [header, ...Array.from({ length: count }, (_, i) => row(i))].join('\n');
  return guessColumns(await readTable({ file: 'rows.csv', text }), given);
}

describe('guessColumns', () => {
  it.each([
    ['text,label', (i: number) => `${long(i)},${i % 3}`, { text: 'text', label: 'label' }],
    [
      'id,question,intent,lang',
      (i: number) => `${i},${long(i)},intent${i % 5},en`,
      { text: 'question', label: 'intent' },
    ],
    ['a,b', (i: number) => `kind${i % 4},${long(i)}`, { text: 'b', label: 'a' }],
    [
      'label,title,body',
      (i: number) => `${i % 2},short ${i},${long(i)} and so on and on`,
      { text: 'body', label: 'label' },
    ],
    [
      'Ticket Text,Ticket Category,Date',
      (i: number) => `${long(i)},c${i % 3},2024-01-0${i % 9}`,
      { text: 'Ticket Text', label: 'Ticket Category' },
    ],
    [
      'sentence1,sentence2,label',
      (i: number) => `${long(i)},${long(i + 1)},${i % 2}`,
      { text: 'sentence1', text_pair: 'sentence2', label: 'label' },
    ],
    [
      'Ticket №,when?,Customer wrote (raw),Ressort?',
      (i: number) => `${i % 10},2024-01-${10 + (i % 12)},${long(i)},r${i % 3}`,
      { text: 'Customer wrote (raw)', label: 'Ressort?' },
    ],
    // Few numbers may be classes; of two columns the one with fewer values is.
    ['said,code,kind', (i: number) => `${long(i)},${i % 14},k${i % 2}`, { text: 'said', label: 'kind' }],
    ['word,stars', (i: number) => `w${i},${i % 5}`, { text: 'word', label: 'stars' }],
    // one class only: still the label, so that the mistake can be told
    ['text,label', (i: number) => `${long(i)},same`, { text: 'text', label: 'label' }],
    ['id,price', (i: number) => `${i},${i * 1.5}`, {}],
    ['text,other', (i: number) => `${long(i)},something else each time ${i}`, { text: 'text' }],
  ])('%s', async (header, row, columns) => {
    expect((await guess(header, row)).columns).toEqual(columns);
  });

  it('of a table without rows only the names are a reason', async () => {
    expect((await guess('text,label', () => '"an open quote,good', {}, 1)).reason).toBe(
      'The text is “text” (a common name) and the label is “label” (a common name).',
    );
  });

  it('of lines without names it says where the column is', async () => {
    const reason = async (text: string, file: string) => guessColumns(await readTable({ file, text })).reason;
    const tabs = 'good\ta lovely day\nbad\ta dull day\n'.repeat(5);
    expect(await reason(tabs, 'rows.txt')).toBe(
      'The text is “text” (after the tab, 3 words on average) and the label is “label” (before the tab, 2 different values in 10 rows).',
    );
    expect(await reason('1 a lovely day\n0 a dull day\n'.repeat(5), 'rows.txt')).toBe(
      'The text is “text” (the rest of each line, 3 words on average) and the label is “label” (each line’s first word, 2 different values in 10 rows).',
    );
  });

  it('says why, and keeps what is given', async () => {
    const row = (i: number) => `${long(i)},${i % 3},x${i % 2}`;
    expect((await guess('text,label,other', row)).reason).toBe(
      'The text is “text” (a common name, 7 words on average) and the label is “label” (a common name, 3 different values in 30 rows).',
    );
    const given = await guess('text,label,other', row, { label: 'other' });
    expect(given.columns).toEqual({ text: 'text', label: 'other' });
    expect(given.reason).toBe(
      'The text is “text” (a common name, 7 words on average) and the label is “other” (given).',
    );
  });

  it('a given column that is not there is refused, with the nearest', async () => {
    const row = (i: number) => `${long(i)},${i % 3}`;
    await expect(guess('text,label', row, { label: 'lable' })).rejects.toMatchObject({
      code: 'data-invalid',
      message: 'rows.csv has no column “lable” for the label; did you mean “label”?',
      hint: 'Its columns are “text” and “label”.',
    });
    await expect(guess('text,label', row, { text: 'completely other' })).rejects.toThrow('for the text.');
    await expect(guess('text,label', row, { text: 'label', label: 'label' })).rejects.toThrow(
      'given for both the text and the label',
    );
  });

  it('a given key that holds nested JSON is refused with key and line; it is never guessed', async () => {
    const table = await readTable({
      file: 'x.jsonl',
      text: '{"text":"a b c","label":"x"}\n{"text":["a"],"label":"y"}\n{"text":"d e f","label":"x"}',
    });
    expect(() => guessColumns(table, { text: 'text' })).toThrow(
      'The key “text” of x.jsonl, given for the text, contains nested JSON on line 2.',
    );
    expect(guessColumns(table).columns.text).toBeUndefined();
  });
});
