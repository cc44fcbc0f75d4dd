import { expect, it } from 'vitest';
import { readTable } from './read.ts';

it('lists and objects of JSON are cells of their own kind, kept whole beside text', async () => {
  const messages = [
    { role: 'user', content: 'Größe?' },
    { role: 'assistant', content: '42', tokens: [4, 2.5] },
  ];
  const lines = [
    { n: 1.5, tokens: ['EU', 'rejects'], tags: [3, 0], text: '["EU"]' },
    { tokens: [], messages, text: 'b' },
  ];
  const table = await readTable({ file: 'x.jsonl', text: lines.map((line) => `${JSON.stringify(line)}\n`).join('') });
  const json = table.rows.map((row) =>
    Object.fromEntries(table.columns.map((name, i) => [name, row.json(i)]).filter(([, value]) => value !== undefined)),
  );
  expect(json).toEqual([
    { tokens: ['EU', 'rejects'], tags: [3, 0] },
    { tokens: [], messages },
  ]);
  // What looks like JSON within quotes is text.
  expect(table.rows.at(0)!.value(table.columns.indexOf('text'))).toBe('["EU"]');
  expect([...table.nested.keys()]).toEqual(['tokens', 'tags', 'messages']);
});
