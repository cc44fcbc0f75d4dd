import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rows } from './packed-rows.ts';
import { RowStore } from './row-store.ts';
import { packedRows } from './testing/packed-rows.ts';

const plain = (rows: Rows) => rows.map(({ line, end, values }) => ({ line, end, values }));

describe('packed rows', () => {
  const cell = fc.option(
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('x'.repeat(300)), fc.constant('日本'.repeat(60))),
    { nil: undefined, freq: 5 },
  );
  const tables = fc.array(fc.tuple(fc.array(cell, { minLength: 3, maxLength: 3 }), fc.nat(3), fc.nat(400)), {
    maxLength: 150,
  });

  it('give back what was put in, from any place on', () => {
    fc.assert(
      fc.property(tables, fc.nat(160), (table, place) => {
        let last = 0;
        const given = table.map(([values, height, gap]) => {
          const line = last + 1 + gap;
          last = line + height;
          return { line, end: last, values };
        });
        const rows = packedRows(given, 3);
        expect(plain(rows)).toEqual(given);
        expect(rows.length).toBe(given.length);
        expect(rows.at(place)?.values).toEqual(given[place]?.values);
        expect(rows.at(-1)?.line).toBe(given.at(-1)?.line);
        expect(plain(rows.slice(place))).toEqual(given.slice(place));
        const isOdd = ({ line }: { line: number }) => line % 2 === 1;
        const odd = rows.filter(isOdd);
        expect(plain(odd)).toEqual(given.filter(isOdd));
        expect(plain(odd.slice(1, -1))).toEqual(given.filter(isOdd).slice(1, -1));
        expect(odd.map((row) => row.value(1))).toEqual(given.filter(isOdd).map(({ values }) => values[1]));
      }),
    );
  });

  it('hold rows longer than a block, and many of them', () => {
    const store = new RowStore();
    const long = 'é'.repeat(700_000);
    for (let i = 0; i < 100; i++) {
      store.cell(i % 40 === 7 ? long : `text ${i}`);
      store.cell(`${i}`);
      store.commit(i + 1, i + 1);
    }
    const rows = new Rows(store, { width: 2 });
    expect(rows.map((row) => row.value(0)!.length)).toEqual(
      Array.from({ length: 100 }, (_, i) => (i % 40 === 7 ? 700_000 : `text ${i}`.length)),
    );
    expect(rows.at(99)!.values).toEqual(['text 99', '99']);
  });

  it('cost little more than their text', () => {
    const store = new RowStore();
    const before = process.memoryUsage().arrayBuffers;
    let bytes = 0;
    for (let i = 0; i < 200_000; i++) {
      const text = `a row of some words, the number of which is ${i}`;
      bytes += text.length + 1;
      store.cell(text);
      store.cell(String(i % 3));
      store.commit(i + 2, i + 2);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1.15 * bytes + (2 << 20));
  });

  it('know JSON from text that reads the same, whatever stands around it', () => {
    const cells = fc.array(fc.tuple(fc.nat(5), fc.jsonValue(), fc.boolean()), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(cells, { maxLength: 80 }), (table) => {
        const store = new RowStore();
        const given = table.map((row) => new Map(row.map(([column, value, isJson]) => [column, { value, isJson }])));
        for (const [i, row] of given.entries()) {
          store.sparse();
          for (const [column, { value, isJson }] of [...row].sort((a, b) => a[0] - b[0])) {
            store.cellOf(column, JSON.stringify(value), isJson);
          }
          store.commit(i + 1, i + 1);
        }
        for (const [i, row] of [...new Rows(store, { width: 6 })].entries()) {
          for (let column = 0; column < 6; column++) {
            const cell = given[i]!.get(column);
            expect(row.value(column)).toBe(cell && JSON.stringify(cell.value));
            // As JSON has it: -0 is 0.
            expect(row.json(column)).toEqual(cell?.isJson ? JSON.parse(JSON.stringify(cell.value)) : undefined);
          }
        }
      }),
    );
  });

  it('know the cells that a row has, without going through all columns', () => {
    const store = new RowStore();
    store.cellOf(4, 'a');
    store.cellOf(9_999, 'b');
    store.commit(1, 1);
    store.sparse();
    store.commit(2, 2);
    const rows = new Rows(store, { width: 10_000 });
    expect(rows.map((row) => row.cells())).toEqual([
      [
        [4, 'a'],
        [9_999, 'b'],
      ],
      [],
    ]);
    expect(rows.at(0)!.values).toHaveLength(10_000);
    expect(rows.at(1)!.value(4)).toBeUndefined();
  });
});
