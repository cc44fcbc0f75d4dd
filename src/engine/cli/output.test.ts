import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bold, forTerminal, note, print, printJson, red, table, wrapped } from './output.ts';

const ESC = '\u001b';
const said = (stream: 'stdout' | 'stderr', say: () => void): string => {
  let text = '';
  const write = vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  say();
  write.mockRestore();
  return text;
};
afterEach(() => vi.unstubAllEnvs());

describe('what reaches a terminal', () => {
  const evil = `a${ESC}]0;title\u0007${ESC}[2J\u009b31m\u007f\r\u202egnp.exe`;

  it('holds no character that acts on it; they are written out, line ends and tabs stay', () => {
    const shown = 'a\\u001b]0;title\\u0007\\u001b[2J\\u009b31m\\u007f\\u000d\\u202egnp.exe';
    expect(said('stdout', () => print(evil))).toBe(`${shown}\n`);
    expect(said('stderr', () => note(evil))).toBe(`${shown}\n`);
    expect(forTerminal('a\n\tb Größe 数据 😀 שלום')).toBe('a\n\tb Größe 数据 😀 שלום');
  });

  it('has our own colours, and none that a file holds', () => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('FORCE_COLOR', '1');
    expect(said('stdout', () => print(`${red('x')} ${ESC}[31my`))).toBe(`${ESC}[31mx${ESC}[39m \\u001b[31my\n`);
    expect(forTerminal(bold(`a${ESC}[0mb`))).toBe(`${ESC}[1ma\\u001b[0mb${ESC}[22m`);
    vi.stubEnv('NO_COLOR', '1');
    expect(forTerminal(bold('a'))).toBe('a');
  });

  it('is the same value as JSON', () => {
    const line = said('stdout', () => printJson({ name: evil, nested: [`${ESC}\u2028`] }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
    expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    expect(JSON.parse(line)).toEqual({ name: evil, nested: [`${ESC}\u2028`] });
  });

  it('a table has a line for each row, whatever stands in its cells', () => {
    expect(table(['a', 'b'], [['x\ny', '1']]).split('\n')).toHaveLength(2);
    expect(
      table(
        ['n'],
        Array.from({ length: 200_000 }, () => ['x']),
      ).length,
    ).toBeGreaterThan(400_000);
  });
});

describe('a narrow terminal', () => {
  const narrow = { isTTY: true, columns: 20 };

  it('breaks lines between words, never within one, and not where nobody looks', () => {
    const text = 'No problems were found in it.\n  luthier runs resume nineteen-letters-it-has';
    expect(wrapped(text, narrow)).toBe(
      'No problems were\nfound in it.\n  luthier runs\n  resume\n  nineteen-letters-it-has',
    );
    expect(wrapped(text, { columns: 20 })).toBe(text);
    expect(wrapped('数据数据 数据数据 数据数据', narrow)).toBe('数据数据 数据数据\n数据数据');
  });

  it('breaks the widest cells of a table between words', () => {
    const rows = [['a', 'accuracy 0.912, macro F1 0.899', '3']];
    expect(table(['run', 'best', 'n'], rows, [2], narrow)).toBe(
      'run  best          n\na    accuracy      3\n     0.912, macro\n     F1 0.899',
    );
    expect(table(['run', 'best', 'n'], rows, [2], { columns: 20 })).toBe(
      'run  best                            n\na    accuracy 0.912, macro F1 0.899  3',
    );
  });
});

it('no command writes to the terminal by another way', () => {
  const here = import.meta.dirname;
  const others = readdirSync(here).filter((name) => name.endsWith('.ts') && !/^output\.|\.test\.ts$/.test(name));
  for (const name of others) {
    const source = readFileSync(join(here, name), 'utf8');
    expect([name, source.match(/process\.(stdout|stderr)\.write|console\.\w+\(/)?.[0]]).toEqual([name, undefined]);
    if (name !== 'prompts.ts') expect([name, source.includes('@clack/prompts')]).toEqual([name, false]);
  }
});
