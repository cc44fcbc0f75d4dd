import { expect, test } from 'vitest';
import { differences } from './differences.ts';

const marked = (pieces: { text: string; differs: boolean }[]) =>
  pieces.map(({ text, differs }) => (differs ? `[${text}]` : text)).join('');

test('words that only one text has are marked in it', () => {
  const [first, second] = differences('The parcel is late, sorry.', 'The order is late, very sorry.');
  expect(marked(first)).toBe('The [parcel] is late, sorry.');
  expect(marked(second)).toBe('The [order] is late, [very ]sorry.');
});

test('a phrase that differs is marked as one', () => {
  const [first, second] = differences('Wait for the parcel, please.', 'Wait until tomorrow morning, please.');
  expect(marked(first)).toBe('Wait [for the parcel], please.');
  expect(marked(second)).toBe('Wait [until tomorrow morning], please.');
});

test('scripts without blanks are compared by words, too', () => {
  const [first, second] = differences('我喜欢苹果', '我喜欢香蕉');
  expect(marked(first)).toBe('我喜欢[苹果]');
  expect(marked(second)).toBe('我喜欢[香蕉]');
});

test('the pieces are the texts, whatever they are', () => {
  for (const [a, b] of [
    ['', 'x'],
    ['a\n\nb  c', 'a\nb c'],
    ['same', 'same'],
    ['x '.repeat(9000), 'y '.repeat(9000)],
  ] as const) {
    const [first, second] = differences(a, b);
    expect([first.map(({ text }) => text).join(''), second.map(({ text }) => text).join('')]).toEqual([a, b]);
  }
});
