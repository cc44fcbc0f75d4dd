import { describe, expect, it } from 'vitest';
import type { Place } from './place.ts';
import { shownText, wholeAt } from './trim.ts';

const at = (text: string, language = 'typescript'): Place => {
  const [before = '', after = ''] = text.split('|');
  return { language, before, after };
};

describe('what is shown', () => {
  it.each([
    // Nothing but white space.
    ['a|', '   ', ''],
    ['a|', '\n\n', ''],
    ['a|', ' b  \n', ' b'],
    // Behind the cursor.
    ['foo(|)', 'bar)', 'bar'],
    ['foo(|);', 'bar(1), 2);', 'bar(1), 2'],
    ['say("|")', 'hello")', 'hello'],
    ['const |= 3;', 'x = 3;', 'x '],
    ['i|so', 's', 's'],
    ['a |b', 'x\ny', 'x'],
    // Below.
    ['f() {\n  |\n}', 'a();\n}', 'a();'],
    ['f() {\n  |\n  return 1;\n}', 'return 1;', ''],
    ['f() {\n  |\n  return 1;\n}', 'x();\n  return 1;\n}', 'x();'],
    ['a\n|\nThe parcel came late.\n', 'The parcel came', ''],
    ['a\n|\nThe parcel came late.\n', 'The letter came', 'The letter came'],
    ['  }\n|\n}', '}', ''],
    ['  }\n|\n}', '  }', '  }'],
  ])('%j and %j gives %j', (place, written, shown) => {
    expect(shownText(written, at(place))).toBe(shown);
  });

  it('never ends in the middle of a character', () => {
    const family = '👨‍👩';
    expect(shownText(`a${'😀'.slice(0, 1)}`, at('|'))).toBe('a');
    expect(shownText('a\uFFFD', at('|'))).toBe('a');
    expect(shownText('\uFFFD', at('|'))).toBe('');
    expect(shownText(`${family.slice(0, 3)}`, at('|'))).toBe('👨');
    expect(wholeAt('a😀b', 2)).toBe(1);
    expect(wholeAt('a😀b', 3)).toBe(3);
  });

  it('opens no direction without closing it, and closes none that it did not open', () => {
    expect(shownText('a \u202Eb', at('|'))).toBe('a');
    expect(shownText('a \u2067ב\u2069 c', at('|'))).toBe('a \u2067ב\u2069 c');
    expect(shownText('a\u2069 b', at('|'))).toBe('a');
    expect(shownText('שלום עולם', at('|'))).toBe('שלום עולם');
  });

  it('leaves out half a word where it was cut, if there is another one', () => {
    expect(shownText('the parcel ca', at('|'), { isCut: true })).toBe('the parcel');
    expect(shownText('parc', at('|'), { isCut: true })).toBe('parc');
    expect(shownText('天气很', at('|'), { isCut: true })).toBe('天气很');
  });
});
