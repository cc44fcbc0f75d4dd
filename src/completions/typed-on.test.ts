import { describe, expect, it } from 'vitest';
import type { CompletionAnswer } from '../protocol/index.ts';
import { typedOn } from './typed-on.ts';

const answer = (...texts: string[]): CompletionAnswer => ({
  items: texts.map((text) => ({ text, tokens: 3, score: -1, stopped: 'line' })),
  ...{ ms: 1, prompt: 3, reused: 0, stopped: 'line', middle: false, eightBit: false },
});
const at = (before: string, after = '') => ({ language: 'typescript', before, after });
const rest = (texts: string[], then: ReturnType<typeof at>, now: ReturnType<typeof at>) =>
  typedOn({ place: then, answer: answer(...texts) }, now)?.map(({ text }) => text) ?? null;

describe('what is typed along a suggestion', () => {
  it('leaves its rest', () => {
    expect(rest(['foo(bar);'], at('x = '), at('x = fo'))).toEqual(['o(bar);']);
    expect(rest(['foo(bar);'], at('x = '), at('x = '))).toEqual(['foo(bar);']);
    expect(rest(['foo', 'fast', 'bar'], at('x = '), at('x = fa'))).toEqual(['st']);
  });

  it('leaves nothing where something else was typed, or all of it', () => {
    expect(rest(['foo'], at('x = '), at('x = b'))).toBeNull();
    expect(rest(['foo'], at('x = '), at('x = foo'))).toBeNull();
    expect(rest(['foo'], at('x = '), at('y = f'))).toBeNull();
    expect(rest(['foo'], at('x = '), at('x ='))).toBeNull();
    expect(rest(['foo'], at('x = ', ';'), at('x = f', '+'))).toBeNull();
  });

  it('minds the bracket that the editor adds', () => {
    expect(rest(['(bar);'], at('foo', '\nrest'), at('foo(', ')\nrest'))).toEqual(['bar']);
  });

  it('knows a window that has moved on', () => {
    const long = 'a line of text\n'.repeat(20);
    expect(rest(['foo();'], at(long), at(`${long.slice(15)}foo`))).toEqual(['();']);
    expect(rest(['foo();'], at(long), at(`${long.slice(0, 45)}foo`))).toBeNull();
  });
});
