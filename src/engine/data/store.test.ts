import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendRows } from './append.ts';
import { loadDataset } from './dataset.ts';
import { LABELLED } from './labelled.ts';
import { readTable } from './read.ts';
import { listRows } from './rows.ts';
import { createDataset } from './store.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier store ü-'));
});
afterAll(() => rm(base, { recursive: true }));

const text = 'kind,body\na,one film\nb,two films\n,no label\na,"three, films"\nb,four films\n';
const columns = { text: 'body', label: 'kind' };

describe('createDataset', () => {
  it('writes what loadDataset reads, under the task’s own names', async () => {
    const folder = join(base, 'one', '.luthier');
    const made = await createDataset({ file: 'Untitled-1', text, folder, name: 'my set', columns });
    expect(made.path).toBe(join(folder, 'datasets', 'my set'));
    expect(made.record).toMatchObject({
      format: 1,
      name: 'my set',
      source: { file: 'Untitled-1', first_line: 2, last_line: 6 },
      columns,
      rows: 4,
      labels: ['a', 'b'],
    });
    expect(made.problems.map(({ code }) => code)).toEqual(['empty-label']);
    expect(JSON.parse(await readFile(join(made.path, 'dataset.json'), 'utf8'))).toEqual(made.record);
    expect(await readdir(join(folder, 'datasets'))).toEqual(['my set']);
    const data = await loadDataset(LABELLED, 'my set', { base: join(base, 'one'), validation_split: 0, seed: 1 });
    expect(data.train.map((example) => [example.text, example.label])).toEqual([
      ['one film', 0],
      ['two films', 1],
      ['three, films', 0],
      ['four films', 1],
    ]);
  });

  it('takes a selection', async () => {
    const selection = { text: 'two films\n,no label\na,"three', full_text: text, start_line: 3 };
    const made = await createDataset({ file: '/x/y.csv', selection, folder: join(base, 'two'), name: 's', columns });
    expect(made.record).toMatchObject({ rows: 2, source: { first_line: 3, last_line: 5 } });
  });

  it('refuses a taken or impossible name and faulty rows, and then leaves nothing behind', async () => {
    const folder = join(base, 'three');
    await createDataset({ file: 'x.csv', text, folder, name: 'taken', columns });
    await expect(createDataset({ file: 'x.csv', text, folder, name: 'taken', columns })).rejects.toThrow(
      'A dataset called “taken” already exists.',
    );
    for (const name of ['', '../up', 'a/b', 'con', 'dot.', '.hidden', 'x'.repeat(81)]) {
      await expect(createDataset({ file: 'x.csv', text, folder, name, columns })).rejects.toMatchObject({
        code: 'usage',
      });
    }
    await expect(
      createDataset({ file: 'x.csv', text: `${text}a,b,c\n`, folder, name: 'bad', columns }),
    ).rejects.toThrow('Line 7 has 3 cells');
    expect(await readdir(join(folder, 'datasets'))).toEqual(['taken']);
  });

  it('says so when the folder cannot be written', async () => {
    const folder = join(base, 'file');
    await writeFile(folder, 'a file where a folder should be');
    await expect(createDataset({ file: 'x.csv', text, folder, name: 's', columns })).rejects.toMatchObject({
      code: 'not-writable',
    });
  });
});

describe('listRows', () => {
  it('gives lines and texts, limited and searched', async () => {
    const file = join(base, 'list.csv');
    await writeFile(file, text);
    expect(await listRows({ data: file, columns: {}, limit: 2 })).toMatchObject({
      total: 4,
      rows: [
        { line: 2, file, text: 'one film', label: 'a' },
        { line: 3, file, text: 'two films', label: 'b' },
      ],
    });
    const found = await listRows({ data: file, columns, limit: 10, search: 'THREE' });
    expect(found.rows.map(({ line }) => line)).toEqual([5]);
  });
});

describe('appendRows', () => {
  const rows = [{ text: 'new, "film"', label: 'b' }];

  it.each([
    [
      'x.csv',
      'kind;body\r\na;one film\r\nb;two films',
      'kind;body\r\na;one film\r\nb;two films\r\nb;"new, ""film"""\r\n',
      4,
    ],
    [
      'id.csv',
      'id,kind,body\n1,a,one film\n2,b,two films\n3,a,films\n',
      'id,kind,body\n1,a,one film\n2,b,two films\n3,a,films\n,b,"new, ""film"""\n',
      5,
    ],
    [
      'x.tsv',
      'a\tone "film\nb\ttwo films\na\tthree films\n',
      'a\tone "film\nb\ttwo films\na\tthree films\nb\tnew, "film"\n',
      4,
    ],
    [
      'x.jsonl',
      '{"body":"one film","kind":"a"}\n{"body":"two","kind":"b"}',
      '{"body":"one film","kind":"a"}\n{"body":"two","kind":"b"}\n{"body":"new, \\"film\\"","kind":"b"}\n',
      3,
    ],
    [
      'x.json',
      '[\n  {"kind":"a","body":"one film"},\n  {"kind":"b","body":"two films"}\n]\n',
      '[\n  {"kind":"a","body":"one film"},\n  {"kind":"b","body":"two films"},\n  {"body":"new, \\"film\\"","kind":"b"}\n]\n',
      4,
    ],
    [
      'y.json',
      '[{"kind":"a","body":"one film"},{"kind":"b","body":"two"}]',
      '[{"kind":"a","body":"one film"},{"kind":"b","body":"two"}, {"body":"new, \\"film\\"","kind":"b"}]',
      1,
    ],
    [
      'x.md',
      '# T\n\n|kind|body|\n|-|-|\n|a|one film|\n|b|two films|\n\nEnd.\n',
      '# T\n\n|kind|body|\n|-|-|\n|a|one film|\n|b|two films|\n| b | new, "film" |\n\nEnd.\n',
      7,
    ],
    [
      'x.train',
      '__label__a one\n__label__b two\n__label__a three\n',
      '__label__a one\n__label__b two\n__label__a three\nb new, "film"\n',
      4,
    ],
  ])('keeps the format of %s', async (name, before, after, line) => {
    const file = join(base, name);
    await writeFile(file, before);
    const own = before.includes('kind') ? columns : name === 'x.tsv' ? {} : { text: 'text', label: 'label' };
    const result = await appendRows({ data: file, columns: own, rows });
    expect(await readFile(file, 'utf8')).toBe(after);
    expect(result).toMatchObject({ file, line });
    if (name !== 'x.train') {
      const table = await readTable({ file });
      expect(table.rows).toHaveLength(result.rows);
      expect(table.rows.at(-1)!.line).toBe(line);
    }
  });

  it('keeps numbers numbers in JSON', async () => {
    const file = join(base, 'numbers.jsonl');
    await writeFile(file, '{"text":"one film","label":1}\n{"text":"two films","label":0}\n');
    await appendRows({ data: file, columns: {}, rows: [{ text: 'three films', label: '1' }] });
    expect((await readFile(file, 'utf8')).trim().split('\n').at(-1)).toBe('{"text":"three films","label":1}');
  });

  it.each([
    ['utf16le', (s: string) => Buffer.from(`\ufeff${s}`, 'utf16le')],
    ['latin1', (s: string) => Buffer.from(s, 'latin1')],
    ['utf8', (s: string) => Buffer.from(`\ufeff${s}`)],
  ])('keeps the encoding (%s)', async (name, write) => {
    const file = join(base, `${name}.csv`);
    await writeFile(file, write('text,label\ndéjà vu,a\nautre,b\n'));
    await appendRows({ data: file, columns: {}, rows: [{ text: 'naïve', label: 'a' }] });
    expect(await readFile(file)).toEqual(write('text,label\ndéjà vu,a\nautre,b\nnaïve,a\n'));
  });

  it('refuses what the file cannot hold, and leaves it as it was', async () => {
    const file = join(base, 'latin.csv');
    const old = Buffer.from('text,label\ndéjà vu,a\nautre,b\n', 'latin1');
    await writeFile(file, old);
    await expect(appendRows({ data: file, columns: {}, rows: [{ text: '日本', label: 'a' }] })).rejects.toThrow(
      'which cannot represent “日”',
    );
    await expect(appendRows({ data: file, columns: {}, rows: [{ text: ' ', label: 'a' }] })).rejects.toThrow(
      'The new row has no text.',
    );
    expect(await readFile(file)).toEqual(old);
    const markdown = join(base, 'lines.md');
    await writeFile(markdown, '|text|label|\n|-|-|\n|a b|x|\n|c d|y|\n');
    await expect(appendRows({ data: markdown, columns: {}, rows: [{ text: 'a\nb', label: 'x' }] })).rejects.toThrow(
      'cannot contain a line break',
    );
    const ragged = join(base, 'ragged.csv');
    await writeFile(ragged, 'text,label\na,b\nc,d,e\nf,g\n');
    await expect(appendRows({ data: ragged, columns: {}, rows: [{ text: 'x', label: 'b' }] })).rejects.toMatchObject({
      hint: 'Correct the file first; nothing was added.',
    });
  });

  it("keeps a data set's record true", async () => {
    const folder = join(base, 'four');
    const { path } = await createDataset({ file: 'x.csv', text, folder, name: 's', columns });
    const result = await appendRows({ data: path, columns: {}, rows: [{ text: 'more\nlines', label: 'c' }] });
    expect(result).toMatchObject({ rows: 5, file: join(path, 'rows.jsonl'), line: 5 });
    expect(JSON.parse(await readFile(join(path, 'dataset.json'), 'utf8'))).toMatchObject({
      rows: 5,
      labels: ['a', 'b', 'c'],
    });
  });

  it('any text that is added to CSV or JSON Lines is read back', async () => {
    await mkdir(join(base, 'any'), { recursive: true });
    const any = fc
      .string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', '\t', ' ', 'é', '{', '|', '😀') })
      .map((s) => `x${s}y`);
    await fc.assert(
      fc.asyncProperty(any, fc.constantFrom('csv', 'jsonl', 'json'), async (added, kind) => {
        const file = join(base, 'any', `x.${kind}`);
        const objects = ['a b c', 'd e f', 'g h i'].map((t, i) => ({ text: t, label: `l${i % 2}` }));
        const start = {
          csv: `text,label\n${objects.map((object) => Object.values(object).join(',')).join('\n')}\n`,
          jsonl: objects.map((object) => JSON.stringify(object)).join('\n'),
          json: JSON.stringify(objects),
        }[kind]!;
        await writeFile(file, start);
        await appendRows({
          data: file,
          columns: { text: 'text', label: 'label' },
          rows: [{ text: added, label: 'l0' }],
        });
        const table = await readTable({ file });
        expect(table.rows.map(({ values }) => values)).toEqual([
          ...objects.map((object) => Object.values(object)),
          [added, 'l0'],
        ]);
      }),
      { numRuns: 60 },
    );
  });
});
