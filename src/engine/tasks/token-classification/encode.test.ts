import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../text/tokenizer.ts';
import { IGNORED } from '../task.ts';
import { encodeSentences, encodeTexts, type TaggedItem, tellLong } from './encode.ts';
import type { Sentence } from './rows.ts';

const figures = join(import.meta.dirname, '../../../../test/parity/figures/tokenizers');
const NAMES = ['bert-cased', 'bert-uncased', 'roberta', 'roberta-prefix'] as const;

let place: string;
const loaded = new Map<string, Tokenizer>();
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-encode-'));
  for (const name of NAMES) {
    for (const side of ['right', 'left']) {
      const folder = join(place, `${name} ${side}`);
      await cp(join(figures, `${name}.json`), join(folder, 'tokenizer.json'));
      await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ truncation_side: side }));
      loaded.set(`${name} ${side}`, await Tokenizer.load(folder));
    }
  }
});
afterAll(() => rm(place, { recursive: true, force: true }));
const tokenizerOf = (name: string, side = 'right'): Tokenizer => loaded.get(`${name} ${side}`)!;

/** The tag of a word is its number. */
const sentence = (words: string[]): Sentence => ({
  ...{ file: '/a.conll', line: 1, words },
  tags: Int32Array.from(words.keys()),
});
const labelled = (items: readonly TaggedItem[]): number[] =>
  items.flatMap(({ labels }) => [...labels].filter((label) => label !== IGNORED));

it('a word with punctuation inside is one word in training, whose first part has its tag, and several in a text', () => {
  const tokenizer = tokenizerOf('bert-cased');
  const row = sentence(["O'Brien", 'left']);
  const { items } = encodeSentences([row], tokenizer, 64);
  expect(labelled(items)).toEqual([0, 1]);
  const text = "O'Brien left";
  const [item] = encodeTexts([text], tokenizer, 64);
  expect([...item!.ids]).toEqual([...items[0]!.ids]);
  expect(item!.places.map(({ start, end }) => text.slice(start, end))).toEqual(['O', "'", 'Brien', 'left']);
  // Written apart in the data, each part has the tag that it is asked for.
  const apart = encodeSentences([sentence(['O', "'", 'Brien', 'left'])], tokenizer, 64);
  expect(labelled(apart.items)).toEqual([0, 1, 2, 3]);
});

const word = fc.oneof(
  fc.constantFrom(
    'Ana',
    'left',
    'unbelievable',
    'O’Brien',
    '😀',
    '👩‍👩‍👧',
    'naïve',
    '.',
    '東京',
    'x'.repeat(60),
    'ab1c2d3e4',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((text) => text.replaceAll(/\s/gu, '') || '-'),
);

describe.each(NAMES)('%s', (name) => {
  it.each(['right', 'left'])(
    'cut from the %s: each word that has pieces is labelled once, on its first one',
    (side) => {
      const tokenizer = tokenizerOf(name, side);
      fc.assert(
        fc.property(
          fc.array(word, { minLength: 1, maxLength: 30 }),
          fc.integer({ min: 5, max: 40 }),
          (words, maxLength) => {
            const { items } = encodeSentences([sentence(words)], tokenizer, maxLength);
            const [whole] = encodeSentences([sentence(words)], tokenizer, 100_000).items;
            // In one window the first piece is the first that the word has; in many each of these is labelled once more.
            const all = labelled([whole!]);
            expect([...new Set(all)]).toEqual(all);
            expect(labelled(items).sort((a, b) => a - b)).toEqual(all);
            for (const { ids, labels, words: own } of items) {
              expect(ids.length).toBeLessThanOrEqual(maxLength);
              expect([labels[0], labels.at(-1)]).toEqual([IGNORED, IGNORED]);
              for (const [token, label] of labels.entries()) {
                expect(own[token]).toBe(label === IGNORED ? -1 : label);
                if (label !== IGNORED) expect(ids[token]).toBe(whole!.ids[whole!.labels.indexOf(label)]);
              }
            }
          },
        ),
        { numRuns: 150 },
      );
    },
  );

  it('makes the same of words as of the text that they make with blanks between them', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), (words) => {
        const [trained] = encodeSentences([sentence(words)], tokenizerOf(name), 1000).items;
        const [asked] = encodeTexts([words.join(' ')], tokenizerOf(name), 1000);
        expect([...trained!.ids]).toEqual([...asked!.ids]);
        // A word may be several to the tokenizer; its first piece is the first piece of one of them.
        for (const [token, own] of trained!.words.entries()) if (own >= 0) expect(asked!.words[token]).not.toBe(-1);
      }),
      { numRuns: 150 },
    );
  });

  it('places words where they are written, in whatever window', () => {
    const text = 'Ana  left\n😀 Oslo, unbelievable ';
    for (const maxLength of [6, 9, 100]) {
      const places = encodeTexts([text], tokenizerOf(name), maxLength).flatMap(({ places }) => places);
      const found = places.sort((a, b) => a.word - b.word).map(({ start, end }) => text.slice(start, end));
      expect(found).toEqual(['Ana', 'left', '😀', 'Oslo', ',', 'unbelievable']);
    }
  });

  it('a text of blanks has no words, and is an item all the same', () => {
    const items = encodeTexts(['', ' \n\t '], tokenizerOf(name), 16);
    expect(items.map(({ row, places }) => [row, places])).toEqual([
      [0, []],
      [1, []],
    ]);
  });
});

it('labels the first pieces; special tokens and the other pieces have none', () => {
  const { items, truncatedRows } = encodeSentences(
    [sentence(['Ana', 'x'.repeat(9), 'left'])],
    tokenizerOf('bert-uncased'),
    64,
  );
  const [{ labels, words }] = items as [TaggedItem];
  expect(truncatedRows).toBe(0);
  expect(labels[0]).toBe(IGNORED);
  expect(labelled(items)).toEqual([0, 1, 2]);
  expect([...words].filter((own) => own >= 0)).toEqual([0, 1, 2]);
  expect(labels.at(-1)).toBe(IGNORED);
  expect(labels.length).toBeGreaterThan(5);
});

it('the window with most around a word answers for it', () => {
  const words = Array.from({ length: 30 }, () => '.');
  const { items, truncatedRows } = encodeSentences([sentence(words)], tokenizerOf('bert-uncased'), 14);
  // 12 words a window, of which 3 are shared: of these the first belongs to the window before, the last to the next.
  expect(truncatedRows).toBe(1);
  expect(items.map((item) => labelled([item]))).toEqual([
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    [11, 12, 13, 14, 15, 16, 17, 18, 19],
    [20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
  ]);
});

it('a word without pieces is labelled nowhere, and the others keep their tags', () => {
  const { items } = encodeSentences(
    [sentence(['\u200b\u0007', 'Ana', '\u0000', 'left'])],
    tokenizerOf('bert-uncased'),
    64,
  );
  expect(labelled(items)).toEqual([1, 3]);
  const [only] = encodeSentences([sentence(['\u0000'])], tokenizerOf('bert-uncased'), 64).items;
  expect(labelled([only!])).toEqual([]);
});

it('of a word longer than a window the first piece is labelled, and windows within it are left out', () => {
  const tokenizer = tokenizerOf('roberta');
  const { items, truncatedRows } = encodeSentences([sentence(['Ana', '0123456789'.repeat(20), 'left'])], tokenizer, 16);
  expect(truncatedRows).toBe(1);
  expect(labelled(items)).toEqual([0, 1, 2]);
  expect(items.length).toBe(2);
  const text = `Ana ${'0123456789'.repeat(20)} left`;
  const places = encodeTexts([text], tokenizer, 16).flatMap(({ places }) => places);
  expect(places.map(({ start, end }) => [start, end])).toEqual([
    [0, 3],
    [4, 204],
    [205, 209],
  ]);
});

it('says what becomes of long sentences', () => {
  expect(tellLong(1, 8, 128)).toBe(
    '1 of 8 sentences (12.5 %) is longer than 128 tokens (max_length) and will be read in overlapping windows.',
  );
});
