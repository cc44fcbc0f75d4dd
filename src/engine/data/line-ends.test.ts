import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendRows } from './append.ts';
import { readTable } from './read.ts';
import { readLines } from './read-lines.ts';
import { extractSelection } from './selection.ts';
import { createDataset } from './store.ts';

/** Linux and macOS, Windows, and Macs before 2001. */
const LINE_ENDS = { LF: '\n', CRLF: '\r\n', CR: '\r' };

const FILES: Record<string, string[]> = {
  'rows.csv': ['text,label', 'one film,a', '"two, films",b', '', 'three films,a'],
  'rows.tsv': ['text\tlabel', 'one film\ta', 'two, films\tb', '', 'three films\ta'],
  'rows.jsonl': [
    '{"text":"one film","label":"a"}',
    '{"text":"two, films","label":"b"}',
    '',
    '{"text":"three films","label":"a"}',
  ],
  'rows.json': [
    '[{"text":"one film","label":"a"},',
    '{"text":"two, films","label":"b"},',
    '{"text":"three films","label":"a"}]',
  ],
  'rows.md': ['Words.', '', '|text|label|', '|-|-|', '|one film|a|', '|two, films|b|', '|three films|a|'],
  'rows.txt': ['__label__a one film', '__label__b two, films', '', '__label__a three films'],
};

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier lines ü-'));
});
afterAll(() => rm(base, { recursive: true }));

describe.each(Object.entries(LINE_ENDS))('%s', (name, end) => {
  it.each(Object.entries(FILES))('%s has the same rows on the same lines', async (file, lines) => {
    const read = async (text: string) => {
      const { rows, columns, format } = await readTable({ file, text });
      return { columns, format, rows: rows.map(({ line, end: last, values }) => [line, last, values]) };
    };
    const table = await read(lines.join(end) + end);
    expect(table).toEqual(await read(`${lines.join('\n')}\n`));
    expect(table.rows).toHaveLength(3);
    expect(await read(lines.join(end))).toEqual(table);
  });

  it.each(['rows.csv', 'rows.tsv', 'rows.jsonl', 'rows.md'])('%s is added to in its own line ends', async (file) => {
    const data = join(base, `${name}-${file}`);
    const lines = FILES[file]!;
    await writeFile(data, lines.join(end) + end);
    const { line } = await appendRows({ data, columns: {}, rows: [{ text: 'four films', label: 'b' }] });
    const text = await readFile(data, 'utf8');
    expect(text.startsWith(lines.join(end) + end)).toBe(true);
    expect(text.split(end)).toHaveLength(lines.length + 2);
    expect(text.replaceAll(end, '')).not.toMatch(/[\r\n]/);
    const { rows } = await readTable({ file: data });
    expect([rows.at(-1)!.line, rows.length]).toEqual([line, 4]);
  });

  it('a selection of a document and lines to predict are cut at them', async () => {
    const lines = FILES['rows.csv']!;
    const full_text = lines.join(end);
    const selection = { text: lines.slice(1, 3).join(end), full_text, start_line: 2 };
    const table = await extractSelection(selection, 'rows.csv');
    expect(table.rows.map(({ line, values }) => [line, values[0]])).toEqual([
      [2, 'one film'],
      [3, 'two, films'],
    ]);
    await writeFile(join(base, `${name}.txt`), ['one', '', 'two'].join(end) + end);
    expect((await readLines(join(base, `${name}.txt`))).lines).toEqual(['one', '', 'two']);
  });

  it('within a quoted cell stay in the text', async () => {
    const { rows } = await readTable({ file: 'x.csv', text: `text,label${end}"one${end}film",a${end}two,b${end}` });
    expect(rows.map(({ line, end: last, values }) => [line, last, values[0]])).toEqual([
      [2, 3, `one${end}film`],
      [4, 4, 'two'],
    ]);
  });
});

it.each(['con', 'NUL.txt', 'lpt1', 'a:b', 'a\\b', 'a/b', 'C:', 'ends with a dot.', 'ends with a space '])(
  'a dataset is not called %j, which Windows could not store',
  async (name) => {
    const text = 'text,label\na,x\nb,y\n';
    const columns = { text: 'text', label: 'label' };
    await expect(
      createDataset({ file: 'x.csv', text, folder: join(base, '.luthier'), name, columns }),
    ).rejects.toMatchObject({ code: 'usage' });
  },
);
