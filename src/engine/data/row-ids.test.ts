import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RowIds } from './row-ids.ts';
import { packedRows } from './testing/packed-rows.ts';

type Cells = [id: string | undefined, text: string];

const idsOf = (table: readonly Cells[]): string[] => {
  const rows = packedRows(
    table.map((values, i) => ({ line: i + 1, end: i + 1, values })),
    2,
  );
  const ids = new RowIds(rows, { own: 0, texts: [1] });
  return rows.map((row) => ids.of(row));
};

const cells: fc.Arbitrary<Cells> = fc.tuple(
  fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  fc.string({ maxLength: 2 }),
);

it('a row keeps its id wherever others are added, save for later ones that are called the same', () => {
  fc.assert(
    fc.property(fc.array(cells, { maxLength: 60 }), cells, fc.nat(60), (table, added, at) => {
      const before = idsOf(table);
      expect(new Set(before).size).toBe(before.length);
      const place = Math.min(at, table.length);
      const after = idsOf([...table.slice(0, place), added, ...table.slice(place)]);
      const name = (id: string) => id.replace(/-\d+$/, '');
      for (const [i, id] of before.entries()) {
        const now = after[i < place ? i : i + 1]!;
        if (i < place || name(id) !== name(after[place]!)) expect(now).toBe(id);
      }
    }),
  );
});

it('ids are these for ever: splits name rows by them', () => {
  expect(
    idsOf([
      [undefined, 'one film'],
      ['', 'one film'],
      ['own', 'two'],
      [undefined, ''],
    ]),
  ).toEqual(['8ef7831985e7', '8ef7831985e7-2', 'own', 'e3b0c44298fc']);
});
