import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halves } from './pretraining.ts';

describe('halves of a text', () => {
  it.each([
    ['a fine day', ['a fine', 'day']],
    ['  the parcel,  late again ', ['  the parcel,', 'late again ']],
    ['one two', ['one', 'two']],
    ['weather', undefined],
    ['  weather…  ', undefined],
    ['', undefined],
    // Words without blanks between them.
    ['我喜歡這個產品', ['我喜歡', '這個產品']],
  ])('%j', (text, expected) => {
    expect(halves(text)).toEqual(expected);
  });

  it('leave nothing out but blanks, and both have something', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 60 }), (text) => {
        const parts = halves(text);
        if (!/\S\s+\S/.test(text)) return parts === undefined;
        const [first, second] = parts!;
        const middle = text.length / 2;
        return first !== '' && second !== '' && `${first} ${second}` === text && Math.abs(first.length - middle) < 24;
      }),
    );
  });

  it('finds nothing in a word that is longer than what is looked at', () => {
    expect(halves(`${'a'.repeat(300)} b`)).toBeUndefined();
  });
});
