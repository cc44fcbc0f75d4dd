import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packTexts, rowLength, writeBatch } from './packing.ts';

const text = (ids: number[]) => ({ ids: Int32Array.from(ids), typeIds: null });

describe('packTexts', () => {
  it('puts every text in one row, none over another', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 40 }), (lengths) => {
        const { shape, places } = packTexts(lengths, 64, lengths.length);
        const taken = new Set<number>();
        lengths.forEach((length, i) => {
          const { row, start } = places[i]!;
          expect(start + length).toBeLessThanOrEqual(64);
          expect(row).toBeLessThan(shape.rows);
          for (let t = 0; t < length; t++) {
            const at = row * 64 + start + t;
            expect(taken.has(at)).toBe(false);
            taken.add(at);
          }
        });
      }),
    );
  });

  it('needs no more rows than texts, and shares rows where texts are short', () => {
    expect(packTexts([64, 64, 64], 64, 3).shape.rows).toBe(3);
    expect(packTexts([20, 30, 34, 44], 64, 4).shape.rows).toBe(2);
  });

  it('finds a compiled length for any text', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (n) => {
        expect(rowLength(n)).toBeGreaterThanOrEqual(n);
        expect(rowLength(rowLength(n))).toBe(rowLength(n));
      }),
    );
    expect([1, 32, 33, 100, 512, 513].map(rowLength)).toEqual([32, 32, 64, 128, 512, 640]);
  });
});

describe('writeBatch', () => {
  it('writes tokens, their places in their own text, and who they belong to', () => {
    const texts = [text([5, 6, 7]), { ids: Int32Array.of(8, 9), typeIds: Uint8Array.of(0, 1) }];
    const packing = packTexts([3, 2], 8, 3);
    const make = (n: number) => new Int32Array(n).fill(99);
    const size = packing.shape.rows * 8;
    const arrays = {
      input_ids: make(size),
      token_type_ids: make(size),
      position_ids: make(size),
      text_ids: make(size),
      read_token: make(3),
    };
    expect(writeBatch(arrays, texts, packing, 1)).toBe(5);
    expect(Object.fromEntries(Object.entries(arrays).map(([k, v]) => [k, [...v]]))).toEqual({
      input_ids: [5, 6, 7, 8, 9, 1, 1, 1],
      token_type_ids: [0, 0, 0, 0, 1, 0, 0, 0],
      position_ids: [0, 1, 2, 0, 1, 0, 0, 0],
      text_ids: [1, 1, 1, 2, 2, 0, 0, 0],
      read_token: [0, 3, -1],
    });
  });
});

it('puts virtual tokens in front of each text, of which an encoder reads the first and a decoder none', () => {
  const texts = [
    { ids: Int32Array.of(7, 8), typeIds: Uint8Array.of(0, 1) },
    { ids: Int32Array.of(9), typeIds: null },
  ];
  const packing = packTexts([4, 3], 8, 2);
  const make = (length: number) => new Int32Array(length);
  const arrays = {
    ...{ input_ids: make(8), token_type_ids: make(8), position_ids: make(8), text_ids: make(8), read_token: make(2) },
  };
  expect(writeBatch(arrays, texts, packing, 0, { reads: 'first', virtualIds: [50, 51] })).toBe(3);
  expect([...arrays.input_ids]).toEqual([50, 51, 7, 8, 50, 51, 9, 0]);
  expect([...arrays.token_type_ids]).toEqual([0, 0, 0, 1, 0, 0, 0, 0]);
  expect([...arrays.position_ids]).toEqual([0, 1, 2, 3, 0, 1, 2, 0]);
  expect([...arrays.text_ids]).toEqual([1, 1, 1, 1, 2, 2, 2, 0]);
  expect([...arrays.read_token]).toEqual([0, 4]);
  writeBatch(arrays, texts, packing, 0, { reads: 'last', virtualIds: [50, 51] });
  expect([...arrays.read_token]).toEqual([3, 6]);
});
