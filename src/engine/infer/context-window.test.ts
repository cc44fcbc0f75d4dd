import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../text/tokenizer.ts';
import { ContextWindow } from './context-window.ts';
import { TokenTexts } from './half-word.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await Tokenizer.load(fileURLToPath(new URL('../../../starters/decoder', import.meta.url)));
});

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `const value${from + i} = compute(${from + i});\n`).join('');

describe('the window that a model sees', () => {
  it('is all of a short text', () => {
    expect(new ContextWindow(tokenizer).cut('const a = 1;', 64).text).toBe('const a = 1;');
  });

  it('has at most so many tokens of a long one, from a line’s start on', () => {
    const text = lines(0, 300);
    const { text: cut, ids } = new ContextWindow(tokenizer).cut(text, 128);
    expect(text.endsWith(cut)).toBe(true);
    expect(cut).toMatch(/^const value/);
    expect(ids.length).toBeLessThanOrEqual(128);
    expect(ids.length).toBeGreaterThan(64);
  });

  it('begins where it began while somebody types and deletes, then moves on in a step', () => {
    const window = new ContextWindow(tokenizer);
    let text = lines(0, 100);
    const starts: string[] = [];
    for (const key of lines(100, 130)) {
      text += key;
      const { text: cut, ids } = window.cut(text, 128);
      expect(ids.length).toBeLessThanOrEqual(128);
      starts.push(cut.slice(0, 20));
    }
    const moves = starts.filter((start, i) => i > 0 && start !== starts[i - 1]).length;
    expect(moves).toBeGreaterThan(5);
    expect(moves).toBeLessThan(25);
    const before = window.cut(text, 128).text;
    expect(before.startsWith(window.cut(text.slice(0, -3), 128).text)).toBe(true);
  });

  it('is found again where the editor’s own window has moved on, and cut anew elsewhere', () => {
    const window = new ContextWindow(tokenizer);
    const text = lines(0, 100);
    const first = window.cut(text, 128).text;
    expect(window.cut(`${text.slice(500)}const`, 128).text).toBe(`${first}const`);
    const other = window.cut(lines(200, 300), 128).text;
    expect(other.startsWith('const value2')).toBe(true);
    expect(window.cut(text.slice(0, -first.length + 40), 128).ids.length).toBeGreaterThan(64);
  });

  it('of one long line begins with a word', () => {
    const { text, ids } = new ContextWindow(tokenizer).cut('parcels and letters '.repeat(5_000), 64);
    expect(text).toMatch(/^ (parcels|and|letters)/);
    expect(ids.length).toBeLessThanOrEqual(64);
    expect(new ContextWindow(tokenizer).cut('x'.repeat(100_000), 64).ids.length).toBeLessThanOrEqual(64);
    expect(new ContextWindow(tokenizer).cut('好'.repeat(100_000), 64).ids.length).toBeLessThanOrEqual(64);
  });
});

describe('a half-typed word', () => {
  const unsure = (text: string) => {
    const context = new ContextWindow(tokenizer).cut(text, 512);
    const count = new TokenTexts(tokenizer).unsureAtEnd(context);
    return text.slice(context.offsets[2 * (context.ids.length - count)] ?? text.length);
  };
  it.each([
    ['the server is runn', ' runn'],
    ['the server is ', ' '],
    ['return comput', ' comput'],
    ['foo(', '('],
    ['a\n    ', '\n    '],
    ['x = getElem', ' getElem'],
  ])('%j is written anew from %j on', (text, written) => {
    expect(unsure(text)).toBe(written);
  });

  it('is not taken back where its tokens are no whole characters', () => {
    expect(unsure('🦜')).toBe('');
  });

  it('is continued by tokens that lead there alone', () => {
    const texts = new TokenTexts(tokenizer);
    const towards = texts.towards(' runn').map((id) => texts.textOf(id)!);
    expect(towards).toContain(' running');
    expect(towards).toContain(' run');
    expect(towards).toContain(' ');
    for (const text of towards) expect(text.startsWith(' runn') || ' runn'.startsWith(text)).toBe(true);
  });
});
