import { describe, expect, it } from 'vitest';
import type { CompletionExtent } from '../protocol/index.ts';
import { extentOf, type Place } from './place.ts';
import { stopPlace } from './stop.ts';

/** A place in a text, whose cursor is `|`. */
const at = (text: string, language = 'typescript'): Place => {
  const [before = '', after = ''] = text.split('|');
  return { language, before, after };
};

/** What is left of a text that is written character by character, and how many of them had to be written. */
function written(text: string, extent: CompletionExtent, place: Place) {
  for (let n = 1; n <= text.length; n++) {
    const stop = stopPlace(text.slice(0, n), extent, place);
    if (stop) return [text.slice(0, stop.at), stop.stopped, n];
  }
  const stop = stopPlace(text, extent, place, { isWhole: true });
  return [text.slice(0, stop?.at ?? text.length), stop?.stopped ?? null, text.length];
}

describe('extentOf', () => {
  it.each([
    ['const a = |', 'line'],
    ['function f() {|', 'block'],
    ['function f() {\n  |\n}\n', 'block'],
    ['function f() {|\n  return 1;\n}', 'line'],
    ['const a = [|];', 'line'],
    ['for (const x of y) |{}', 'line'],
  ])('%j is completed to the end of its %s', (text, extent) => {
    expect(extentOf(at(text))).toBe(extent);
  });

  it('takes sentences in prose', () => {
    expect(extentOf(at('The parcel |', 'markdown'))).toBe('sentence');
    expect(extentOf(at('def f():\n    |', 'python'))).toBe('block');
  });
});

describe('the end of a line', () => {
  it('is the end of the text’s own line', () => {
    expect(written('foo(1);\nbar();', 'line', at('a = |'))).toEqual(['foo(1);', 'line', 8]);
    expect(written('foo(1);', 'line', at('a = |'))).toEqual(['foo(1);', null, 7]);
  });

  it('may be that of the next line where the cursor’s own is done, but not with text behind it', () => {
    expect(written('\n  foo();\n  bar();', 'line', at('a();|'))).toEqual(['\n  foo();', 'line', 10]);
    expect(written('\n\n\n\nfoo();', 'line', at('a();|'))).toEqual(['', 'line', 3]);
    expect(written('\n  foo();\n', 'line', at('a(|);'))).toEqual(['', 'line', 1]);
  });
});

describe('the end of a block', () => {
  it('is in front of a line that is less deep', () => {
    const place = at('def f(x):\n    |', 'python');
    expect(written('y = x\n    return y\n\ndef g', 'block', place)).toEqual(['y = x\n    return y', 'block', 20]);
    expect(written('y = x\n    return y\nprint(1)', 'block', place)).toEqual(['y = x\n    return y', 'block', 20]);
    expect(written('if x:\n        y()\n    z()\nq', 'block', place)).toEqual([
      'if x:\n        y()\n    z()',
      'block',
      27,
    ]);
  });

  it('is behind the bracket that closes it, unless that stands below', () => {
    expect(written('\n  a();\n  b();\n}\nc', 'block', at('f() {|'))).toEqual(['\n  a();\n  b();\n}', 'block', 17]);
    expect(written('\n  a();\n}\nc', 'block', at('f() {|\n}\n'))).toEqual(['\n  a();', 'repeats', 10]);
    expect(written('a();\n}\nc', 'block', at('f() {\n  |\n}\n'))).toEqual(['a();', 'block', 6]);
    expect(written('    return x\nprint()', 'block', at('def f():\n|', 'python'))).toEqual([
      '    return x',
      'block',
      14,
    ]);
  });

  it('is the end of the line where text follows on it', () => {
    expect(written('a, b\n  c', 'block', at('f(|)'))).toEqual(['a, b', 'line', 5]);
  });
});

describe('the end of a sentence', () => {
  const prose = at('The parcel |', 'plaintext');
  it.each([
    ['is in town. It', 'is in town.', 13],
    ['is in town.” It', 'is in town.”', 14],
    ['is e.g. here. It', 'is e.g. here.', 15],
    ['cost 3.50 euros. It', 'cost 3.50 euros.', 18],
    ['of Dr. Who! So', 'of Dr. Who!', 13],
    ['of J. Doe is late. It', 'of J. Doe is late.', 20],
    ['is late?! Yes', 'is late?!', 11],
    ['is here\nand', 'is here', 8],
  ])('%j ends after %j', (text, shown, read) => {
    expect(written(text, 'sentence', prose)).toEqual([shown, shown.endsWith('here') ? 'line' : 'sentence', read]);
  });

  it('is that of Chinese and Japanese, too, where no space follows', () => {
    const place = at('今天|', 'plaintext');
    expect(written('天气很好。我们', 'sentence', place)).toEqual(['天气很好。', 'sentence', 6]);
    expect(written('は「晴れ。」と', 'sentence', place)).toEqual(['は「晴れ。」', 'sentence', 7]);
  });

  it('is the text’s end where nothing more comes', () => {
    expect(written('is late.', 'sentence', prose)).toEqual(['is late.', 'sentence', 8]);
  });
});
