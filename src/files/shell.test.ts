import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellQuoted } from './shell.ts';

/** What shells read as something else, and what people call their files. */
const words = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...' \'"$&`\\!*?#~{}[]()<>|;=%^,@\n\tab/.:-é大') }),
);
const withoutNul = words.map((word) => word.replaceAll('\0', ''));

describe.skipIf(process.platform === 'win32')('in a POSIX shell', () => {
  it('gives any argument back', () => {
    fc.assert(
      // Many words a call, since a process takes longer than all of them.
      fc.property(fc.array(withoutNul, { minLength: 1, maxLength: 40 }), (some) => {
        const typed = some.map((word) => shellQuoted(word, 'linux')).join(' ');
        const given = execFileSync('sh', ['-c', `printf '%s\\0' ${typed}`], { encoding: 'utf8' });
        expect(given.split('\0').slice(0, -1)).toEqual(some);
      }),
      { numRuns: 50 },
    );
  });
});

it.each([
  ['rows.csv', 'rows.csv'],
  ['./a-b_c/größe.csv', './a-b_c/größe.csv'],
  ['strategy.type=few-shot', 'strategy.type=few-shot'],
  ['my rows.csv', "'my rows.csv'"],
  ["Ada's rows.csv", "'Ada'\\''s rows.csv'"],
  ['a&b', "'a&b'"],
  ['$HOME', "'$HOME'"],
  ['~ada', "'~ada'"],
  ['=ls', "'=ls'"],
  ['', "''"],
])('%s is typed as %s on POSIX', (word, typed) => {
  expect(shellQuoted(word, 'darwin')).toBe(typed);
});

it.each([
  ['C:\\data\\rows.csv', 'C:\\data\\rows.csv'],
  ['max_length=32', 'max_length=32'],
  ['my rows.csv', '"my rows.csv"'],
  ["Ada's.csv", '"Ada\'s.csv"'],
  ['C:\\my data\\', '"C:\\my data\\\\"'],
  ['columns={"text":"a"}', '"columns={\\"text\\":\\"a\\"}"'],
  ['a&b', '"a&b"'],
  ['head,lora', '"head,lora"'],
  ['', '""'],
])('%s is typed as %s on Windows', (word, typed) => {
  expect(shellQuoted(word, 'win32')).toBe(typed);
});

it('on Windows a word without double quotes has none within its own, which cmd.exe and PowerShell would end it at', () => {
  fc.assert(
    fc.property(withoutNul, (word) => {
      fc.pre(!word.includes('"'));
      expect(shellQuoted(word, 'win32')).toMatch(/^(?:[^"\s&]+|"[^"]*")$/);
    }),
  );
});

/** One argument as CommandLineToArgvW reads it: 2n backslashes before a quote are n and the quote, 2n + 1 are n and a plain one. */
function argumentOf(typed: string): string {
  let [found, isQuoted] = ['', false];
  for (let i = 0; i < typed.length; ) {
    const slashes = /^\\*/.exec(typed.slice(i))![0].length;
    i += slashes;
    if (typed[i] !== '"') {
      found += '\\'.repeat(slashes) + (typed[i] ?? '');
      if (!isQuoted && /\s/.test(typed[i] ?? '')) throw new Error(`Two arguments: ${typed}`);
    } else {
      found += '\\'.repeat(Math.floor(slashes / 2)) + (slashes % 2 === 1 ? '"' : '');
      if (slashes % 2 === 0) isQuoted = !isQuoted;
    }
    i++;
  }
  return found;
}

it('on Windows a program is given the argument back', () => {
  fc.assert(
    fc.property(withoutNul, (word) => {
      expect(argumentOf(shellQuoted(word, 'win32'))).toBe(word);
    }),
  );
});
