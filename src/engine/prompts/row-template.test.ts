import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parsePrompt } from '../../prompts/parse.ts';
import { readTable } from '../data/read.ts';
import { isSameTemplate, openRowTemplate, textsForTemplate, valuesOf, valuesOfText, wholeOf } from './row-template.ts';

const templateOf = (inputs: string, body = '{{ a }}') => {
  const text = `---\ninputs: ${inputs}\nmodel: { api: completion }\n---\n${body}`;
  return { name: 'a.prompty', text, file: parsePrompt(text) };
};

test('what is typed is read as the cells that were learnt', () => {
  const number = templateOf('{ a: { type: number } }');
  expect(valuesOfText(number, '3.0')).toEqual({ a: 3 });
  expect(valuesOfText(number, 'many')).toEqual({ a: 'many' });
  expect(valuesOfText(templateOf('{ a: { type: boolean } }'), 'yes')).toEqual({ a: true });
  expect(valuesOfText(templateOf('{ a: { type: string } }'), '{"a": 1}')).toEqual({ a: '{"a": 1}' });
  const both = templateOf('{ a: { type: number }, b: { type: array } }');
  expect(valuesOfText(both, '{"a": "1", "b": [2]}')).toEqual({ a: 1, b: [2] });
  expect(valuesOfText(both, { text: '1', text_pair: '[2]' })).toEqual({ a: 1, b: [2] });
});

test('rows of a file fill a template with what they filled it with in training', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'luthier rows-'));
  const file = join(folder, 'rows.csv');
  await writeFile(file, 'review,place,stars\ngood,invoice,5\nbad,,1\n');
  const table = await readTable({ file }, {});
  // One input is needed, and another has a column, too; a third is used without being one.
  const template = templateOf('{ review: { type: string }, place: { type: string, default: parcel } }', '{{ stars }}');
  const { texts } = textsForTemplate(template, table);
  const rows = [...table.rows];
  for (const [i, text] of texts.entries())
    expect(valuesOfText(template, text)).toEqual(valuesOf(template.file, table.columns, rows[i]!));
  expect(texts[0]!.values).toMatchObject({ review: 'good', place: 'invoice', stars: '5' });
  await rm(folder, { recursive: true });
});

test('templates are the same where they make the same', () => {
  const isSame = (one: string, other: string) => isSameTemplate(wholeOf(one), wholeOf(other));
  const { text } = templateOf('{ a: { type: number } }');
  expect(isSame(text, text.replaceAll('\n', '\r\n'))).toBe(true);
  expect(isSame(text, text.replace('inputs', 'description: x\ninputs'))).toBe(true);
  expect(isSame(text, text.replace('number', 'string'))).toBe(false);
  expect(isSame(text, text.replace('{{ a }}', '{{ a }}.'))).toBe(false);
});

test('a rest takes no row from who still renders one', { timeout: 30_000 }, async () => {
  const text = '---\ninputs: { a: { type: string } }\nmodel: { api: completion }\n---\nsays {{ a }}';
  const template = openRowTemplate({ path: 'ask.prompty', text }, () => Promise.reject(new Error('not needed')));
  const rendered = async (a: string) => (await template.render({ a })).text;
  expect(await rendered('one')).toBe('says one');
  const going = rendered('two');
  // It is with the thread by now.
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  template.rest();
  expect(await going).toBe('says two');
  template.rest();
  expect(await rendered('three')).toBe('says three');
  template.rest();
});

test('a model is asked without the answer that its template ends with', async () => {
  const text =
    '---\ninputs: { a: { type: string }, answer: { type: string } }\n---\nuser:\n{{ a }}\nassistant:\n{{ answer }}';
  const template = openRowTemplate({ path: 'ask.prompty', text }, () => Promise.reject(new Error('not needed')));
  expect(valuesOfText(template.asking, 'Hi')).toEqual({ a: 'Hi' });
  expect((await template.asking.render({ a: 'Hi' })).messages).toEqual([{ role: 'user', content: 'Hi' }]);
  // It is learnt, though.
  expect((await template.render({ a: 'Hi', answer: 'Hello' })).messages).toHaveLength(2);
  expect(template.asking.asking.text).toBe(template.asking.text);
  template.rest();
});
