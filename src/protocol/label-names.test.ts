import { expect, it } from 'vitest';
import { areNamed, labelWords, saysSomething } from './label-names.ts';

it('a label says something if it is a word, in any script', () => {
  const words = [
    'billing',
    'card_arrival',
    'NO',
    'é',
    'food & drink',
    '退款',
    '好',
    'возврат',
    'เงินคืน',
    'class action',
    'cat',
    'type 2 diabetes',
  ];
  expect(words.filter((label) => !saysSomething(label))).toEqual(['é']);
  const empty = [
    '',
    ' ',
    '0',
    '-1',
    '3.5',
    'LABEL_2',
    'label',
    'Class 7',
    'cat-3',
    'id#12',
    'B',
    '1a',
    '★★★',
    '👍',
    '?',
  ];
  expect(empty.filter(saysSomething)).toEqual([]);
});

it('stands in a sentence with spaces for underscores', () => {
  expect(['card_arrival', ' spam ', 'a-b'].map(labelWords)).toEqual(['card arrival', 'spam', 'a-b']);
});

it('rows are made of names where all labels have them, and a row is one text', () => {
  const of = (labels: string[], guess = {}) =>
    areNamed({ classes: labels.map((label) => ({ label, count: 1 })), guess });
  expect(of(['spam', 'ham'], { text: 'a', label: 'b' })).toBe(true);
  expect(of(['spam', '0'])).toBe(false);
  expect(of([])).toBe(false);
  expect(of(['same', 'other'], { text: 'a', text_pair: 'b', label: 'c' })).toBe(false);
});
