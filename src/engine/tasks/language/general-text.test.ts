import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../text/tokenizer.ts';
import { IGNORED } from '../task.ts';
import { generalText } from './general-text.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await Tokenizer.load(join(import.meta.dirname, '../../../../starters/decoder'));
});

describe('the general text', () => {
  it('is read in windows of 256 tokens, each of its tokens but the first measured once', () => {
    const items = generalText(tokenizer, 512);
    expect(items.map(({ ids }) => ids.length).slice(0, -1)).toEqual(Array(items.length - 1).fill(256));
    const tokens = items.reduce((n, { ids }) => n + ids.length - 1, 1);
    const measured = items.reduce((n, { labels }) => n + labels.filter((label) => label !== IGNORED).length, 0);
    expect(measured).toBe(tokens - 1);
    const text = items.map(({ ids }, i) => tokenizer.decode(ids.subarray(i === 0 ? 0 : 1))).join('');
    expect(text).toMatch(/^A river is a body of fresh water.*after the public has been heard\.\n$/s);
  });

  it('is the same whatever max_length is, where that is not less', () => {
    const ids = (maxLength: number) => generalText(tokenizer, maxLength).map((item) => [...item.ids]);
    expect(ids(2048)).toEqual(ids(256));
    expect(Math.max(...ids(64).map(({ length }) => length))).toBe(64);
  });
});
