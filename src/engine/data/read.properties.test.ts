import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTable } from './read.ts';
import type { Table } from './table.ts';

const ofText = (text: string, file: string): Promise<Table> => readTable({ file, text });
const cells = (table: Table) => table.rows.map((row) => row.values);

describe('readTable, whatever the content', () => {
  const cell = fc.string({
    unit: fc.constantFrom('a', 'é', '"', ',', ';', '\t', '|', '\n', '\r\n', ' ', '0', '{', '日', '😀'),
  });
  const rows = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 20 });
  const countEnds = (text: string) => text.split(/\r\n|\n|\r/).length - 1;

  it.each([',', '\t'])(
    'what is written as RFC 4180 says is read back, with its lines (delimiter %j)',
    async (delimiter) => {
      await fc.assert(
        fc.asyncProperty(rows, fc.constantFrom('\n', '\r\n'), async (values, lineEnd) => {
          const quote = (value: string) => `"${value.replaceAll('"', '""')}"`;
          const lines = [`"text"${delimiter}"label"`, ...values.map((row) => row.map(quote).join(delimiter))];
          const kept = values.filter((row) => row.some((value) => value.trim() !== ''));
          if (kept.length === 0) return;
          const table = await ofText(lines.join(lineEnd), delimiter === ',' ? 'x.csv' : 'x.tsv');
          expect(cells(table)).toEqual(kept);
          let line = 2;
          const starts = values.map((row) => {
            const at = line;
            line += 1 + countEnds(row.join(delimiter));
            return at;
          });
          expect(table.rows.map((row) => row.line)).toEqual(starts.filter((_, i) => kept.includes(values[i]!)));
        }),
        { numRuns: 300 },
      );
    },
  );

  it('well-formed CSV is read as csv-parse reads it', async () => {
    interface Written {
      value: string;
      isQuoted: boolean;
    }
    const written: fc.Arbitrary<Written> = fc.record({ value: cell, isQuoted: fc.boolean() });
    const tables = fc
      .integer({ min: 2, max: 4 })
      .chain((width) =>
        fc.array(fc.array(written, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 20 }),
      );
    const how = fc.record({
      delimiter: fc.constantFrom(',', ';', '|', '\t'),
      lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
      hasMark: fc.boolean(),
      isEnded: fc.boolean(),
      isHeaderQuoted: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(tables, how, async (rows, { delimiter, lineEnd, hasMark, isEnded, isHeaderQuoted }) => {
        // Without quotes in its header a tab-separated file may be one in which quotes are characters.
        const isTab = delimiter === '\t';
        const write = ({ value, isQuoted }: Written) =>
          isQuoted || value.includes(delimiter) || /["\r\n]|^\s/.test(value)
            ? `"${value.replaceAll('"', '""')}"`
            : value;
        const header = ['text', 'label', 'more', 'most']
          .slice(0, rows[0]!.length)
          .map((value) => write({ value, isQuoted: isTab || isHeaderQuoted }));
        const lines = [header, ...rows.map((row) => row.map(write))].map((row) => row.join(delimiter));
        const text = `${hasMark ? '\ufeff' : ''}${lines.join(lineEnd)}${isEnded ? lineEnd : ''}`;
        const records: string[][] = parse(text, { delimiter, record_delimiter: lineEnd, bom: true });
        const kept = records.slice(1).filter((row) => row.some((value) => value.trim() !== ''));
        if (kept.length === 0) return;
        const table = await ofText(text, isTab ? 'x.tsv' : 'x.csv');
        expect(table.columns).toEqual(records[0]);
        expect(cells(table)).toEqual(kept);
      }),
      { numRuns: 500 },
    );
  });

  it('JSON Lines and JSON arrays, compact or spread, are read back alike', async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(undefined, 1, '\t'), async (values, indent) => {
        const objects = values.map(([text, label]) => ({ text, label }));
        const fromArray = await ofText(JSON.stringify(objects, null, indent), 'x.json');
        const fromLines = await ofText(objects.map((object) => JSON.stringify(object)).join('\n'), 'x.jsonl');
        expect(cells(fromArray)).toEqual(values);
        expect(cells(fromLines)).toEqual(values);
      }),
    );
  });

  it('whatever the bytes are: a table, or one error of ours', async () => {
    const bit = fc.constantFrom(
      '"',
      ',',
      '\n',
      '\r',
      '[',
      '{',
      '}',
      ']',
      '|',
      '-',
      ':',
      '\t',
      'a',
      ' ',
      '1',
      '\\',
      '\u0000',
      '\ufeff',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: bit, maxLength: 60 }),
        fc.constantFrom('x.csv', 'x.tsv', 'x.jsonl', 'x.json', 'x.md', 'x'),
        async (text, file) => {
          const table = await ofText(text, file).catch((error: { code: string }) => error.code);
          if (typeof table === 'string') expect(['data-invalid', 'data-unreadable']).toContain(table);
          else for (const row of table.rows) expect(row.end).toBeGreaterThanOrEqual(row.line);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
