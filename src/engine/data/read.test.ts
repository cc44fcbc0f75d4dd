import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTable } from './read.ts';
import { MAX_BYTES } from './source.ts';
import type { Table } from './table.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier read ü-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ofText = (text: string, file = 'rows.csv'): Promise<Table> => readTable({ file, text });

async function ofBytes(bytes: Buffer, name = 'rows.csv'): Promise<Table> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return readTable({ file });
}

const cells = (table: Table) => table.rows.map((row) => row.values);
const plain = (table: Table) => table.rows.map(({ line, end, values }) => ({ line, end, values }));
const codes = (table: Table) =>
  table.problems.map((problem) => `${problem.severity} ${problem.code} ${problem.line ?? '-'}`);

describe('formats', () => {
  const expected = [
    ['good film', 'pos'],
    ['bad, really', 'neg'],
  ];

  it.each([
    ['csv', 'rows.csv', 'text,label\ngood film,pos\n"bad, really",neg\n'],
    ['csv', 'rows.csv', 'text;label\r\ngood film;pos\r\nbad, really;neg\r\n'],
    ['csv', 'rows.csv', 'sep=;\r\ntext;label\r\ngood film;pos\r\nbad, really;neg\r\n'],
    ['csv', 'rows.txt', 'text|label\ngood film|pos\nbad, really|neg\n'],
    ['csv', 'rows.csv', 'text, label\ngood film, pos\n"bad, really", "neg"\n'],
    ['tsv', 'rows.tsv', 'text\tlabel\ngood film\tpos\nbad, really\tneg\n'],
    ['tsv', 'rows.csv', 'text\tlabel\rgood film\tpos\rbad, really\tneg'],
    ['jsonl', 'rows.jsonl', '{"text":"good film","label":"pos"}\n\n{"text":"bad, really","label":"neg"}\n'],
    ['jsonl', 'rows.json', '{"text":"good film","label":"pos"}\n{"text":"bad, really","label":"neg"}\n'],
    ['json', 'rows.json', '[{"text":"good film","label":"pos"},\n {"text":"bad, really","label":"neg"}]\n'],
    ['json', 'Untitled-1', '[\n{"text":"good film","label":"pos"},{"text":"bad, really","label":"neg"}\n]'],
    [
      'markdown',
      'rows.md',
      '# Films\n\n| text | label |\n| --- | :-: |\n| good film | pos |\n| bad, really | neg |\n\nEnd.\n',
    ],
    ['markdown', 'Untitled-1', 'text | label\n-|-\ngood film | pos\nbad, really | neg\n'],
  ])('%s in %s', async (format, file, text) => {
    const table = await ofText(text, file);
    expect(table.format).toBe(format);
    expect(table.columns).toEqual(['text', 'label']);
    expect(cells(table)).toEqual(expected);
    expect(table.problems.filter((problem) => problem.severity !== 'info')).toEqual([]);
  });

  it('label<TAB>text lines without a header, in either order', async () => {
    const table = await ofText('pos\tgood film, I say\nneg\tbad film\npos\tanother good one\n', 'rows.txt');
    expect(table.format).toBe('label-tab-text');
    expect(table.columns).toEqual(['label', 'text']);
    expect(plain(table)[0]).toEqual({ line: 1, end: 1, values: ['pos', 'good film, I say'] });
    const turned = await ofText('good film, I say\tpos\nbad film\tneg\nanother good one\tpos\n', 'rows.txt');
    expect(turned.columns).toEqual(['text', 'label']);
  });

  it("SST-2's and fastText's lines", async () => {
    const sst = await ofText('1 a stirring , funny film\n0 no movement\n1 good\n', 'stsa.binary.dev');
    expect(sst.format).toBe('label-space-text');
    expect(cells(sst)).toEqual([
      ['1', 'a stirring , funny film'],
      ['0', 'no movement'],
      ['1', 'good'],
    ]);
    const fastText = await ofText('__label__a one, two\n__label__b three\n__label__a four\n', 'x.train');
    expect(fastText.format).toBe('label-space-text');
  });

  it('numbers and truth values in JSON become text; null and absent keys stay empty', async () => {
    const table = await ofText(
      '{"text":"a","label":1}\n{"label":true,"text":"b","extra":1.5}\n{"text":null}\n',
      'x.jsonl',
    );
    expect(table.columns).toEqual(['text', 'label', 'extra']);
    expect(cells(table)).toEqual([
      ['a', '1', undefined],
      ['b', 'true', '1.5'],
      [undefined, undefined, undefined],
    ]);
  });

  it('nested JSON is noted by key and line, and the rest is read', async () => {
    const table = await ofText('{"text":"a","label":"x"}\n{"text":"b","label":"y","meta":{"id":1}}\n', 'x.jsonl');
    expect([...table.nested]).toEqual([['meta', 2]]);
    expect(codes(table)).toEqual(['info nested-json 2']);
    expect(table.rows).toHaveLength(2);
  });

  it('escaped bars in Markdown, and a second table is mentioned', async () => {
    const table = await ofText('|text|label|\n|-|-|\n|a \\| b|x|\n\n|c|d|\n|-|-|\n|1|2|\n', 'x.md');
    expect(cells(table)).toEqual([['a | b', 'x']]);
    expect(codes(table)).toEqual(['info several-tables 1']);
  });
});

describe('headers', () => {
  it('a CSV without one gets names, and says so', async () => {
    const table = await ofText('good film,pos\nbad film,neg\nthe very best film,pos\n');
    expect(table.columns).toEqual(['column_1', 'column_2']);
    expect(table.rows).toHaveLength(3);
    expect(table.header).toBeUndefined();
    expect(table.problems[0]!.message).toBe('There is no header line; the columns are called column_1, column_2.');
  });

  it.each([
    ['1,good film\n0,bad film\n', false],
    ['phrase,verdict\nsome good film,pos\nsome bad film,neg\n', true],
    ['text,label\n', true],
    ['class,title\nquestion,how do I do this\nclass,who is it\n', true],
    ['I would like to know where my order is,shipping\nmoney back,refund\nwhere is it,shipping\n', false],
    // A line that comes back often is a row; one that stands again where files were joined is their header.
    ['good,a lovely day\nbad,a dull day\n'.repeat(20), false],
    // A row reads like the rows below it; a name has fewer words than they.
    ['shipping,parcel never came\nbilling,charged me twice today\nlogin,forgot my password\n', false],
    ['parcel never came,shipping\ncharged me twice today,billing\nforgot my password,login\n', false],
    ['topic,customer wrote\nbilling,you charged me twice today\nlogin,I forgot my password again\n', true],
    ['customer words,topic\nlate,shipping\nbroken,shipping\n', true],
    [`phrase,verdict\n${'a film,pos\nthe film,neg\n'.repeat(6)}phrase,verdict\na play,pos\n`, true],
  ])('%j: %s', async (text, has) => {
    const table = await ofText(text).catch((error: Error) => error);
    if (table instanceof Error) expect(table.message).toBe('rows.csv has no rows below its header.');
    else expect(table.header !== undefined).toBe(has);
  });

  it('a first row that is a header for want of anything else is named, with what to do where it is a row', async () => {
    const table = await ofText('shipping\tLate!\nbilling\tI was charged twice\nlogin\tPassword\n', 'rows.tsv');
    expect(table.columns).toEqual(['shipping', 'Late!']);
    expect(codes(table)).toEqual(['info header-guessed 1']);
    expect(table.problems[0]!.message).toBe(
      '“shipping” and “Late!” on line 1 were taken for the header. If that line is a row, put one with the columns’ names above it, such as “text” and “label”.',
    );
    const told = async (text: string) => (await ofText(text)).problems.map(({ code }) => code);
    const rows = (n: number) => 'a good film,pos\na bad film,neg\n'.repeat(n / 2);
    expect(await told(`phrase,verdict\n${rows(18)}`)).toEqual(['header-guessed']);
    // A usual name, many rows, numbers below a word, or the same line again are signs enough.
    expect(await told(`text,verdict\n${rows(2)}`)).toEqual([]);
    expect(await told(`phrase,verdict\n${rows(20)}`)).toEqual([]);
    expect(await told('phrase,stars\na good film,5\na bad film,1\n')).toEqual([]);
    expect(await told(`phrase,verdict\n${rows(2)}phrase,verdict\n`)).toEqual(['repeated-header']);
  });

  it('duplicate and missing names are made up for', async () => {
    const table = await ofText('text,label,label,,label_2\na,b,c,d,e\n');
    expect(table.columns).toEqual(['text', 'label', 'label_3', 'column_4', 'label_2']);
    expect(codes(table)).toEqual(['warning duplicate-column -']);
  });
});

describe('lines', () => {
  it('counts quoted line breaks, blank lines and all line ends', async () => {
    const table = await ofText('\n"text",label\r\n\r\n"a\r\nb\nc",x\r\nd,y\n\n\n"e\n",z');
    expect(plain(table)).toEqual([
      { line: 4, end: 6, values: ['a\r\nb\nc', 'x'] },
      { line: 7, end: 7, values: ['d', 'y'] },
      { line: 10, end: 11, values: ['e\n', 'z'] },
    ]);
    expect(table.header).toEqual({ line: 2, end: 2 });
  });

  it('knows where each element of a JSON array stands', async () => {
    const table = await ofText(
      '[\n  {\n    "text": "a ] } \\" [",\n    "label": "x"\n  },\n  {"text": "b", "label": "y"}, {"text": "c", "label": "x"}\n]',
      'x.json',
    );
    expect(table.rows.map(({ line, end }) => [line, end])).toEqual([
      [2, 5],
      [6, 6],
      [6, 6],
    ]);
    expect(table.rows.at(0)!.values[0]).toBe('a ] } " [');
  });
});

describe('long files', () => {
  it('are read in pieces without a row, a letter or a line number lost', async () => {
    // About 2 MB: several pieces, whose ends fall into letters, quotes and line ends.
    const rows = Array.from({ length: 20_000 }, (_, i) => [
      `日本 ${'é'.repeat(i % 50)}${i % 7 === 0 ? '\r\n' : ' '}“${i}” ""`,
      `l${i % 3}`,
    ]);
    const text = `text,label\r\n${rows.map(([cell, label]) => `"${cell!.replaceAll('"', '""')}",${label}\r\n`).join('')}`;
    const table = await ofText(text);
    expect(cells(table)).toEqual(rows);
    let line = 2;
    for (const [i, row] of plain(table).entries()) {
      const height = i % 7 === 0 ? 2 : 1;
      expect([row.line, row.end]).toEqual([line, line + height - 1]);
      line += height;
    }
  });
});

describe('encodings', () => {
  const text = 'text,label\nfilm déjà vu “naïve” €,pos\nschön,neg\n';

  it.each([
    ['utf-8', Buffer.from(text)],
    ['utf-8 with BOM', Buffer.from(`\ufeff${text}`)],
    ['utf-16le', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['utf-16be', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
    ['utf-16le', Buffer.from(text, 'utf16le')],
    ['utf-16be', Buffer.from(text, 'utf16le').swap16()],
  ])('%s', async (encoding, bytes) => {
    const table = await ofBytes(bytes);
    expect(table.encoding).toBe(encoding);
    expect(table.columns).toEqual(['text', 'label']);
    expect(cells(table)[0]).toEqual(['film déjà vu “naïve” €', 'pos']);
    expect(table.problems).toEqual([]);
  });

  it('Windows-1252, which is said', async () => {
    const table = await ofBytes(
      Buffer.from('text,label\nd\xe9j\xe0 vu \x93na\xefve\x94 \x80 \x9f,pos\nsch\xf6n,neg\n', 'latin1'),
    );
    expect(table.encoding).toBe('windows-1252');
    expect(cells(table)[0]).toEqual(['déjà vu “naïve” € Ÿ', 'pos']);
    expect(codes(table)).toEqual(['warning encoding-guessed -']);
  });

  it('one damaged byte does not turn good UTF-8 into Windows-1252', async () => {
    const good = Buffer.from(`text,label\n${'déjà vu,pos\n'.repeat(20)}`);
    const table = await ofBytes(Buffer.concat([good, Buffer.from('broken \xe9,neg\n', 'latin1')]));
    expect(table.encoding).toBe('utf-8');
    expect(cells(table).at(-1)).toEqual(['broken \ufffd', 'neg']);
    expect(codes(table)).toEqual(['warning encoding-broken 22']);
  });

  it('NUL bytes, archives and other kinds are refused', async () => {
    await expect(ofBytes(Buffer.from('text,label\na,b\nc\0d,e\n'))).rejects.toThrow(
      'rows.csv contains a NUL byte on line 3',
    );
    await expect(ofBytes(Buffer.from('PK\x03\x04more'), 'x.xlsx')).rejects.toThrow('x.xlsx is an Excel workbook');
    await expect(ofBytes(Buffer.from('PAR1more'), 'x.parquet')).rejects.toThrow('x.parquet is a Parquet file');
  });
});

describe('faults', () => {
  it.each([
    ['a quote that is never closed', 'text,label\ngood,pos\n"bad,neg\nmore,pos\n', 3],
    ['a quote closed in the next row', 'text,label\r\ngood,pos\r\n"bad,neg\r\n"more",pos\r\n', 3],
    ['text after a closing quote', 'text,label\ngood,pos\n\n"bad" film,neg\n', 4],
    ['an unescaped quote', 'text,label\n"he said "no", twice",pos\n', 2],
  ])('%s is an error that names its row', async (_, text, line) => {
    const table = await ofText(text);
    expect(codes(table)).toEqual([`error broken-quote ${line}`]);
    expect(table.problems[0]!.message).toContain(`begins on line ${line} do not match`);
    expect(table.rows.every((row) => row.line < line)).toBe(true);
  });

  it('quotes within a cell, and doubled ones at its ends, are characters', async () => {
    const table = await ofText('text,label\na 5" disk,x\n"""quoted"" and on",y\n"""all""",z\n"",x\n');
    expect(cells(table)).toEqual([
      ['a 5" disk', 'x'],
      ['"quoted" and on', 'y'],
      ['"all"', 'z'],
      ['', 'x'],
    ]);
    expect(table.problems).toEqual([]);
  });

  it('quotes that open and never close in tab-separated text are characters, and that is said', async () => {
    const table = await ofText('sentence\tlabel\n"a good film\t1\nno "quotes\t0\n"all" and more\t1\n', 'x.tsv');
    expect(cells(table).map((row) => row[0])).toEqual(['"a good film', 'no "quotes', '"all" and more']);
    expect(codes(table)).toEqual(['info plain-quotes -']);
  });

  it('a ragged row is an error that names the line; several are one that counts them', async () => {
    const one = await ofText('text,label\na,x\nb,c,y\nd,x\n');
    expect(codes(one)).toEqual(['error ragged-row 3']);
    expect(one.problems[0]!.message).toMatch(/^Line 3 has 3 cells, but the header has 2. Put quotes/);
    const many = await ofText(`text,label\n${'a,x\nb\n'.repeat(9)}`);
    expect(many.problems[0]).toMatchObject({ code: 'ragged-row', line: 3, count: 9 });
    expect(many.problems[0]!.message).toContain(
      '9 rows do not have 2 cells like the header (lines 3, 5, 7, 9, 11 and 4 more',
    );
  });

  it('a delimiter at the end of each line is no column; rows of delimiters alone are left out', async () => {
    const table = await ofText('text,label,\na,x,\nb,y,\n,,\n');
    expect(table.columns).toEqual(['text', 'label']);
    expect(cells(table)).toEqual([
      ['a', 'x'],
      ['b', 'y'],
    ]);
    expect(codes(table)).toEqual(['info trailing-delimiter 2', 'info blank-row 4']);
  });

  it('a broken line of JSON Lines is named, and the others are read', async () => {
    const table = await ofText('{"text":"a","label":"x"}\n{"text":"b",\n[1]\n{"text":"c","label":"y"}\n', 'x.jsonl');
    expect(codes(table)).toEqual(['error json-syntax 2', 'error not-an-object 3']);
    expect(table.rows).toHaveLength(2);
  });

  it.each([
    ['[{"a":1},\n{"a" 2}]', 2],
    ['[{"a":1}\n{"a":2}]', 2],
    ['[{"a":1},\n]', 2],
    ['[{"a":1},\n{"a":2}', 2],
    ['[{"a":1},\n{"a":"2}', 2],
    ['[{"a":1}]\n\nmore', 3],
  ])('a mistake in a JSON array is named: %j', async (text, line) => {
    const table = await ofText(text, 'x.json');
    expect(codes(table)).toEqual([`error json-syntax ${line}`]);
    expect(table.rows.length).toBeGreaterThan(0);
  });

  it.each([
    ['', 'rows.csv is empty.'],
    [' \n\n', 'rows.csv is empty.'],
    ['text,label\n', 'rows.csv has no rows below its header.'],
    ['[]', 'rows.csv has no rows.'],
  ])('%j', async (text, message) => {
    await expect(ofText(text)).rejects.toThrow(message);
  });

  it.each([
    ['{"a": {"b": 1},\n "c": 2}', 'x.json', 'x.json contains one JSON object, not a list of rows.'],
    ['"text"', 'x.json', 'x.json is not a JSON array of objects.'],
    [
      'Once upon a time there was a king, and he had a daughter.\nShe lived, as they do, in a tower, alone.\nThe end.\n',
      'x.txt',
      'x.txt is not a table',
    ],
    ['# A title\n\nSome prose, with commas, here.\n\n- a list\n', 'x.md', 'x.md is not a table'],
  ])('what is no table is refused in a sentence: %j', async (text, file, message) => {
    await expect(ofText(text, file)).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringContaining(message),
    });
  });

  it('says of plain text that a model that writes can learn it', async () => {
    for (const name of ['notes.txt', 'notes.md', 'notes'])
      await expect(ofText('Once upon a time there was a king.\nThe end.\n', name)).rejects.toMatchObject({
        hint: expect.stringMatching(
          / set "task": "text-generation" in a recipe\. In the terminal, luthier data inspect takes --task text-generation\.$/,
        ),
      });
    const prose = 'There was a king, and he had a daughter.\nShe lived, as they do, in a tower, alone.\nThe end.\n';
    await expect(ofText(prose, 'notes.csv')).rejects.toMatchObject({
      hint: 'Write one row for each text, as in a CSV file whose first line is “text,label”.',
    });
  });

  it('says what is wrong with the file itself', async () => {
    await expect(readTable({ file: join(folder, 'nothing.csv') })).rejects.toMatchObject({
      code: 'data-unreadable',
      message: expect.stringContaining('There is no file'),
    });
    await expect(readTable({ file: folder })).rejects.toThrow('is a folder, not a file');
    expect(MAX_BYTES).toBeGreaterThan(200e6);
  });

  it('can be cancelled', async () => {
    await expect(
      readTable({ file: 'x.csv', text: 'text,label\na,b\n' }, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'cancelled' });
  });
});
