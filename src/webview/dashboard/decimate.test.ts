import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { align, decimate, windowOf } from './decimate.ts';

const series = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 3000 });

describe('decimate', () => {
  test('short data stays whole', () => {
    expect([...decimate(Float64Array.of(3, 1, 2), 0, 3, 10).indices]).toEqual([0, 1, 2]);
    expect([...decimate(Float64Array.of(), 0, 0, 10).indices]).toEqual([]);
  });

  test('one spike among 100,000 points is kept', () => {
    const y = new Float64Array(100_000).fill(1);
    y[77_777] = 50;
    const kept = decimate(y, 0, y.length, 400).indices;
    expect([...kept]).toContain(77_777);
    expect(kept.length).toBeLessThanOrEqual(804);
  });

  test('ascending, bounded, both ends, and the same extremes as all points', () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 200 }), fc.nat(), fc.nat(), (values, buckets, a, b) => {
        const y = Float64Array.from(values);
        const from = Math.min(a % y.length, b % y.length);
        const to = Math.max(a % y.length, b % y.length) + 1;
        const kept = [...decimate(y, from, to, buckets).indices];
        expect(kept.length).toBeLessThanOrEqual(2 * buckets + 6);
        expect(kept[0]).toBe(from);
        expect(kept.at(-1)).toBe(to - 1);
        expect(kept.every((index, i) => i === 0 || index > kept[i - 1]!)).toBe(true);
        const shown = y.subarray(from, to);
        expect(Math.max(...kept.map((i) => y[i]!))).toBe(Math.max(...shown));
        expect(Math.min(...kept.map((i) => y[i]!))).toBe(Math.min(...shown));
      }),
    );
  });

  test('what was drawn stays where it was when points are added', () => {
    const y = Float64Array.from({ length: 10_000 }, (_, i) => Math.sin(i * 12.9898) * 43758.5453);
    const before = decimate(y, 0, 9_000, 300).indices;
    const after = new Set(decimate(y, 0, 9_010, 300).indices);
    // All but the last bucket's and the old end.
    for (const index of before.slice(0, -4)) expect(after.has(index)).toBe(true);
  });

  test('continued from when it was shorter, it draws the same extremes', () => {
    fc.assert(
      fc.property(
        series,
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        (values, buckets, cuts) => {
          const y = Float64Array.from(values);
          let earlier = null;
          for (const cut of [...cuts.map((c) => 1 + (c % y.length)), y.length].sort((a, b) => a - b))
            earlier = decimate(y.subarray(0, cut), 0, cut, buckets, earlier);
          const kept = [...earlier!.indices];
          const fresh = decimate(y, 0, y.length, buckets);
          // Ends of shorter data may stay as further points; nothing that is drawn afresh is left out but old ends.
          for (const index of fresh.indices) expect(kept).toContain(index);
          expect(kept.every((index, i) => i === 0 || index > kept[i - 1]!)).toBe(true);
          expect(kept.at(-1)).toBe(y.length - 1);
        },
      ),
    );
  });

  test('not-a-number is passed over', () => {
    const y = new Float64Array(1000).fill(2);
    y.fill(Number.NaN, 100, 103);
    y[400] = 9;
    const kept = [...decimate(y, 0, 1000, 20).indices];
    expect(kept).toContain(400);
  });
});

test('windowOf keeps one point outside on each side, so that lines reach the edge', () => {
  const x = Float64Array.of(1, 2, 3, 4, 5, 6);
  expect(windowOf(x, 2.5, 4.5)).toEqual([1, 6]);
  expect(windowOf(x, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toEqual([0, 6]);
  expect(windowOf(Float64Array.of(), 0, 1)).toEqual([0, 0]);
});

describe('align', () => {
  test('lines with steps of their own share one x, with gaps', () => {
    expect(
      align([
        { x: [1, 2, 4], ys: [[10, 20, 40]] },
        {
          x: [2, 3],
          ys: [
            [0.2, 0.3],
            [5, Number.NaN],
          ],
        },
      ]),
    ).toEqual([
      [1, 2, 3, 4],
      [10, 20, null, 40],
      [null, 0.2, 0.3, null],
      [null, 5, null, null],
    ]);
  });

  test('every point of every line is there once', () => {
    const line = fc
      .uniqueArray(fc.integer({ min: 0, max: 500 }), { maxLength: 60 })
      .map((x) => ({ x: x.toSorted((a, b) => a - b), ys: [x.map((v) => v * 2)] }));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (sources) => {
        const [x, ...ys] = align(sources);
        expect(x).toEqual([...new Set(sources.flatMap((s) => s.x))].sort((a, b) => a - b));
        sources.forEach((source, i) => {
          expect(ys[i]!.filter((v) => v !== null).length).toBe(source.x.length);
        });
      }),
    );
  });
});
