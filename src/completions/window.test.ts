import { describe, expect, it } from 'vitest';
import { type Lines, windowAt, windowOf } from './window.ts';

const linesOf = (text: string): Lines & { read: number[] } => {
  const lines = text.split('\n');
  const read: number[] = [];
  return {
    lineCount: lines.length,
    read,
    lineAt: (line) => {
      read.push(line);
      return lines[line]!;
    },
  };
};
const LIMITS = { before: 10, after: 8 };

describe('the window around a place', () => {
  it('has whole lines as far as they fit, from a document as from a text', () => {
    const text = 'one\ntwo\nthree\nfour\nfive\nsix';
    const expected = { before: 'three\nfo', after: 'ur\nfive' };
    expect(windowAt(linesOf(text), { line: 3, character: 2 }, LIMITS)).toEqual(expected);
    expect(windowOf(text, text.indexOf('ur'), LIMITS)).toEqual(expected);
  });

  it('of a small text is all of it', () => {
    expect(windowOf('a\nb', 1)).toEqual({ before: 'a', after: '\nb' });
    expect(windowAt(linesOf('a\nb'), { line: 0, character: 1 })).toEqual({ before: 'a', after: '\nb' });
    expect(windowOf('', 0)).toEqual({ before: '', after: '' });
  });

  it('of a line of 100,000 characters is what is nearest to the cursor, and divides no pair', () => {
    const long = '😀'.repeat(50_000);
    for (const { before, after } of [
      windowAt(linesOf(`x\n${long}\ny`), { line: 1, character: 50_001 }, { before: 9, after: 7 }),
      windowOf(`x\n${long}\ny`, 50_003, { before: 9, after: 7 }),
    ]) {
      expect(before).toMatch(/^(😀){4,5}$/u);
      expect(after).toMatch(/^(😀){3}$/u);
    }
  });

  it('reads no more of a file of 10 MB than it needs', () => {
    const lines = linesOf(`${'a line of some thirty characters\n'.repeat(300_000)}`);
    const { before, after } = windowAt(lines, { line: 150_000, character: 3 });
    expect(before.length).toBeLessThanOrEqual(8_000);
    expect(after.length).toBeLessThanOrEqual(4_000);
    expect(before.length).toBeGreaterThan(7_900);
    expect(lines.read.length).toBeLessThan(400);
  });
});
