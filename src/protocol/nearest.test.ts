import { describe, expect, it } from 'vitest';
import { nearest, orMeant } from './nearest.ts';

describe('nearest', () => {
  it.each([
    ['lroa', 2, 'lora'],
    ['LORA', 0, 'lora'],
    ['bitift', 2, 'bitfit'],
    ['prefix tuning', 1, 'prefix-tuning'],
    ['adapter', 2, undefined],
    ['', 2, undefined],
    ['x', 4, undefined],
  ])('of “%s”, %d letters off at most, is %s', (name, most, found) => {
    expect(nearest(name, ['full', 'lora', 'bitfit', 'prefix-tuning'], most)).toBe(found);
  });

  it('gives a name as it is written, and of none none', () => {
    expect(nearest('TEXT', ['Label', 'Text'], 2)).toBe('Text');
    expect(nearest('text', [], 9)).toBeUndefined();
    expect([orMeant('Text'), orMeant(undefined)]).toEqual(['; did you mean “Text”?', '.']);
  });
});
