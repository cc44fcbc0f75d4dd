import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csv, field } from './csv.ts';

test('quotes, commas and line ends survive a reader', () => {
  const cell = fc.string().filter((text) => !/^[=+\-@\t\r]/.test(text));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
      const read = parse(csv(['a', 'b'], rows), { record_delimiter: '\r\n' });
      expect(read).toEqual([['a', 'b'], ...rows]);
    }),
  );
});

test('what is not there is empty, and numbers keep all their digits', () => {
  expect(
    csv(
      ['step', 'value'],
      [
        [1, null],
        [2, Number.NaN],
        [3, 0.1 + 0.2],
      ],
    ),
  ).toBe('step,value\r\n1,\r\n2,\r\n3,0.30000000000000004\r\n');
});

test('a label that a spreadsheet would run is defused', () => {
  expect(field('=HYPERLINK("x")')).toBe(`"'=HYPERLINK(""x"")"`);
  expect(field(-3)).toBe('-3');
});
