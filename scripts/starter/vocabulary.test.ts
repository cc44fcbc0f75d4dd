import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { chooseVocabulary, countPieces, type WordPieceFile, withVocabulary } from './vocabulary.ts';
import { differingPairs, wordEncoder } from './words.ts';

const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../starters/bert/${file}`, import.meta.url), 'utf8'));
const whole: WordPieceFile = read('tokenizer.json');
const config: object = read('tokenizer_config.json');
const texts = ['The parcel arrived late, and the box was torn.', 'A delightful, moving film about a gardener.'];
const weighted = texts.map((text) => ({ text, weight: 1000 }));
const SIZE = 1200;
const pieces = chooseVocabulary(whole, countPieces(whole, config, weighted), SIZE);
const smaller = withVocabulary(whole, pieces);

describe('chooseVocabulary', () => {
  it('keeps as many as asked, in their old order, none twice', () => {
    expect(pieces).toHaveLength(SIZE);
    expect(new Set(pieces).size).toBe(SIZE);
    const old = pieces.map((piece) => whole.model.vocab[piece]!);
    expect(old).toEqual([...old].sort((a, b) => a - b));
  });

  it('keeps special tokens and every character of English, so that no English word is unknown', () => {
    for (const { content } of whole.added_tokens) expect(pieces).toContain(content);
    for (const letter of 'abcdefghijklmnopqrstuvwxyz0123456789') {
      expect(pieces).toContain(letter);
      expect(pieces).toContain(`##${letter}`);
    }
    const tokenizer = new Tokenizer(smaller, config);
    expect(tokenizer.encode('Zyzzyva, qoph & 99 fjords!').tokens).not.toContain('[UNK]');
  });

  it('has the texts say which words are worth keeping', () => {
    const without = chooseVocabulary(whole, new Map(), SIZE);
    for (const word of ['torn', 'delightful']) {
      expect(pieces).toContain(word);
      expect(without).not.toContain(word);
    }
  });
});

describe('withVocabulary', () => {
  it('gives ids in order, and to special tokens wherever they are named', () => {
    expect(pieces.map((piece) => smaller.model.vocab[piece])).toEqual(pieces.map((_, id) => id));
    const tokenizer = new Tokenizer(smaller, config);
    const { ids, tokens } = tokenizer.encode(texts[0]!);
    expect(tokens.at(0)).toBe('[CLS]');
    expect(tokens.at(-1)).toBe('[SEP]');
    expect(ids).toEqual(tokens.map((piece) => smaller.model.vocab[piece]));
  });
});

describe('differingPairs', () => {
  const encoders = [wordEncoder(whole, config), wordEncoder(smaller, config)] as const;

  it('counts the same words however they are split', () => {
    const text = 'An unforgettable landscape';
    const [before, after] = encoders.map((encode) => encode(text));
    expect(after!.ids.length).toBeGreaterThan(before!.ids.length);
    expect(after!.numWords).toBe(before!.numWords);
    // [CLS], three words, [SEP].
    expect(after!.numWords).toBe(5);
    expect(new Set(after!.words)).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  it('takes the texts that the two split differently, and none that is too long', () => {
    const same = 'the box was late';
    const other = 'An unforgettable landscape';
    expect(differingPairs([same, other], ...encoders, 64)).toHaveLength(1);
    expect(differingPairs([other], ...encoders, 5)).toHaveLength(0);
  });
});
