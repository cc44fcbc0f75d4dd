import { expect, test } from 'vitest';
import { tagsOf, wordsOf } from './words.ts';

const entity = (entity_group: string, start: number, end: number) => ({ entity_group, score: 1, word: '', start, end });

test('a typed text has the words of a sentence: signs around a word are words of their own', () => {
  const words = (text: string) => wordsOf(text).map(({ word }) => word);
  expect(words('Ada, born in London, met “Mr. O’Neil”.')).toEqual([
    ...['Ada', ',', 'born', 'in', 'London', ',', 'met', '“', 'Mr', '.', 'O’Neil', '”', '.'],
  ]);
  expect(words('well-known e-mail: a.b@c.de 3.5 %')).toEqual(['well-known', 'e-mail', ':', 'a.b@c.de', '3.5', '%']);
  expect(words('東京 नमस्ते 👍🏽!')).toEqual(['東京', 'नमस्ते', '👍', '🏽', '!']);
  expect(words('  ')).toEqual([]);
});

test('a row that was picked keeps its own words, as long as its text is not changed', () => {
  const own = ['U.S.', '(', 'AP)'];
  expect(wordsOf('U.S. ( AP)', own).map(({ word }) => word)).toEqual(own);
  expect(wordsOf('U.S. ( AP) said', own).map(({ word }) => word)).toEqual(['U.S', '.', '(', 'AP', ')', 'said']);
});

test('places are counted in code points, and an answer’s entities become tags of the words', () => {
  const words = wordsOf('👍 Ada Byron saw Rome');
  expect(words.map(({ start, end }) => [start, end])).toEqual([
    [0, 1],
    [2, 5],
    [6, 11],
    [12, 15],
    [16, 20],
  ]);
  const entities = [entity('PER', 2, 11), entity('LOC', 16, 20)];
  const bio = ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER'];
  expect(tagsOf(words, entities, bio)).toEqual(['O', 'B-PER', 'I-PER', 'O', 'B-LOC']);
  expect(tagsOf(words, entities, ['O', 'I-PER', 'LOC'])).toEqual(['O', 'I-PER', 'I-PER', 'O', 'LOC']);
  // Two that touch are two.
  const two = wordsOf('Ada Bob');
  expect(tagsOf(two, [entity('PER', 0, 3), entity('PER', 4, 7)], bio)).toEqual(['B-PER', 'B-PER']);
});
