import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type LabelledRow, LabelledRowsBuilder } from './labelled-rows.ts';
import { RowIds } from './row-ids.ts';
import { SeenRows } from './seen-rows.ts';
import { packedRows } from './testing/packed-rows.ts';

it('rows are given back as they were kept, with their classes', () => {
  const cells = fc.tuple(fc.string(), fc.constantFrom('a', 'b', 'c'), fc.boolean());
  fc.assert(
    fc.property(fc.array(cells, { maxLength: 120 }), (table) => {
      const rows = packedRows(
        table.map(([text, label], i) => ({ line: i + 2, end: i + 2, values: [text, label] })),
        2,
      );
      const builder = new LabelledRowsBuilder();
      for (const [i, [, label, isKept]] of table.entries()) if (isKept) builder.push(i, label, i + 2);
      const kept = table.flatMap(([text, label, isKept], i) =>
        isKept ? [{ text, label, file: '/f', line: i + 2 }] : [],
      );
      const labelled = builder.built(rows, {
        fields: { text: 0, text_pair: -1, group: -1 },
        file: '/f',
        names: new RowIds(rows, { own: -1, texts: [0] }),
      });
      const plain = ({ text, label, file, line }: Omit<LabelledRow, 'bytes' | 'id'>) => ({ text, label, file, line });
      expect(labelled.map(plain)).toEqual(kept);
      expect(labelled.slice(1, 3).map(plain)).toEqual(kept.slice(1, 3));
      expect(labelled.at(-1)?.text).toBe(kept.at(-1)?.text);
      labelled.rename(new Map([['c', 'a']]));
      const named = kept.map(({ label }) => (label === 'c' ? 'a' : label));
      expect(labelled.map(({ label }) => label)).toEqual(named);
      const counts = new Map<string, number>();
      for (const label of named) counts.set(label, (counts.get(label) ?? 0) + 1);
      expect(new Map([...labelled.classes()].map(([label, { count }]) => [label, count]))).toEqual(counts);
    }),
  );
});

it('the first row with the same key is found, whatever the hashes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 2 }), { maxLength: 300 }), (keys) => {
      const seen = new SeenRows(keys.length, (place) => keys[place]!);
      for (const [i, key] of keys.entries()) {
        const first = keys.indexOf(key);
        expect(seen.add(i, key)).toBe(first === i ? undefined : first);
      }
    }),
  );
});
