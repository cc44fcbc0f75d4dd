import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LuthierError } from '../../protocol/index.ts';
import { Tokenizer } from './tokenizer.ts';
import { fitPair } from './windows.ts';

/** Lower-case letters and what a few words need; é, 中 and the rest are unknown. */
const PIECES = [
  ...['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'],
  ...[...'abcdefghijklmnopqrstuvwxyz0123456789.,!?\'"-σ'],
  ...[...'abcdefghijklmnopqrstuvwxyz0123456789σ'].map((c) => `##${c}`),
  ...['the', 'cat', 'sat', '##s', '##ing', 'hello', 'world'],
];

let root: string;
let bert: Tokenizer;
const folders = { count: 0 };

async function folderOf(files: Record<string, string | object>): Promise<string> {
  const folder = join(root, `${folders.count++}`);
  await mkdir(folder);
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder;
}

const load = async (files: Record<string, string | object>): Promise<Tokenizer> =>
  Tokenizer.load(await folderOf(files));

async function refusal(files: Record<string, string | object>): Promise<LuthierError> {
  const error: unknown = await load(files).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LuthierError);
  expect((error as LuthierError).code).toBe('tokenizer-invalid');
  return error as LuthierError;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'luthier-tokenizer-'));
  bert = await load({ 'vocab.txt': `${PIECES.join('\n')}\n` });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const pieces = (ids: ArrayLike<number>): string[] => Array.from(ids, (id) => PIECES[id]!);
const wordPiece = (over: object = {}): object => ({
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    vocab: { '[UNK]': 0, a: 1, '##b': 2 },
  },
  ...over,
});

describe('a folder with only a vocab.txt', () => {
  it('is read as BERT, lower-cased because its pieces are', () => {
    const { ids, typeIds, truncated, unknown } = bert.encode('The CATS sat: 中?', 20);
    expect(pieces(ids)).toEqual(['[CLS]', 'the', 'cat', '##s', 'sat', '[UNK]', '[UNK]', '?', '[SEP]']);
    expect({ typeIds, truncated, unknown }).toEqual({ typeIds: null, truncated: false, unknown: 2 });
    expect([bert.vocabSize, bert.padId, bert.unkId]).toEqual([PIECES.length, 0, 1]);
  });

  it('keeps capitals when its pieces have some, or when tokenizer_config.json says so', async () => {
    const cased = await load({ 'vocab.txt': [...PIECES, 'The'].join('\r\n') });
    expect(cased.vocabSize).toBe(PIECES.length + 1);
    expect(cased.encode('The', 9).ids[1]).toBe(PIECES.length);
    const told = await load({ 'vocab.txt': PIECES.join('\n'), 'tokenizer_config.json': { do_lower_case: false } });
    expect(told.encode('The', 9).unknown).toBe(1);
  });

  it('lower-cases Σ to σ everywhere, as Python does', () => {
    expect(pieces(bert.encode('ΣΣ', 9).ids)).toEqual(['[CLS]', 'σ', '##σ', '[SEP]']);
  });

  it('takes added tokens from added_tokens.json and tokenizer_config.json', async () => {
    const n = PIECES.length;
    const added = await load({
      'vocab.txt': PIECES.join('\n'),
      'added_tokens.json': { '<one>': n },
      'tokenizer_config.json': { added_tokens_decoder: { [n + 1]: { content: '<two>' } } },
    });
    expect([...added.encode('a<one>b <two>', 9).ids.slice(1, -1)]).toEqual([5, n, 6, n + 1]);
    expect(added.vocabSize).toBe(n + 2);
  });

  it('is refused without the special tokens, naming the one that lacks', async () => {
    const { message } = await refusal({ 'vocab.txt': '[UNK]\n[CLS]\n[PAD]\na' });
    expect(message).toMatch(/vocab\.txt: lacks the sep_token "\[SEP\]"/);
  });
});

describe('save', () => {
  it('writes a folder that is read as the same tokenizer', async () => {
    const folder = join(root, 'saved');
    await bert.save(folder, 128);
    const config = JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8'));
    expect(config).toMatchObject({ tokenizer_class: 'BertTokenizer', do_lower_case: true, model_max_length: 128 });
    expect(config).toMatchObject({ pad_token: '[PAD]', cls_token: '[CLS]', strip_accents: null });
    await rm(join(folder, 'vocab.txt'));
    const again = await Tokenizer.load(folder);
    const text = 'The cats, élan 中 [MASK] σ';
    expect(again.encode(text, 50, 'pair')).toEqual(bert.encode(text, 50, 'pair'));
  });

  it('leaves a tokenizer.json byte for byte', async () => {
    const text = `${JSON.stringify(wordPiece(), null, 7)}\n`;
    const folder = join(root, 'bytes');
    await (await load({ 'tokenizer.json': text })).save(folder);
    expect(await readFile(join(folder, 'tokenizer.json'), 'utf8')).toBe(text);
  });

  it('writes the casing that tokenizer_config.json overruled into tokenizer.json', async () => {
    const normalizer = { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null };
    const json = wordPiece({ normalizer: { ...normalizer, lowercase: false } });
    const tokenizer = await load({ 'tokenizer.json': json, 'tokenizer_config.json': { do_lower_case: true } });
    expect([...tokenizer.encode('AB', 9).ids]).toEqual([1, 2]);
    const folder = join(root, 'casing');
    await tokenizer.save(folder);
    expect(JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')).normalizer.lowercase).toBe(true);
    const generic = { do_lower_case: true, tokenizer_class: 'PreTrainedTokenizerFast' };
    const kept = await load({ 'tokenizer.json': json, 'tokenizer_config.json': generic });
    expect([...kept.encode('AB', 9).ids]).toEqual([0]);
  });
});

describe('a folder that is no tokenizer', () => {
  it.each<[string, Record<string, string | object>, RegExp]>([
    ['nothing there', {}, /has neither tokenizer\.json nor vocab\.txt/],
    ['no JSON', { 'tokenizer.json': '{"model": ' }, /tokenizer\.json: is not JSON/],
    ['a list', { 'tokenizer.json': '[]' }, /tokenizer\.json: must contain a JSON object/],
    ['no model', { 'tokenizer.json': {} }, /key "model" is missing/],
    ['no vocab', { 'tokenizer.json': { model: {} } }, /key "model\.vocab" is missing/],
    [
      'an id that is none',
      { 'tokenizer.json': { model: { vocab: { a: 0, b: -1 } } } },
      /"model\.vocab" gives the piece "b"/,
    ],
    [
      'a lost unknown token',
      { 'tokenizer.json': { model: { type: 'WordPiece', unk_token: 'U', vocab: {} } } },
      /"model\.unk_token" is "U"/,
    ],
    ['a scoreless piece', { 'tokenizer.json': { model: { vocab: [['a', 0], ['b']] } } }, /"model\.vocab\[1\]"/],
    ['a lying unk_id', { 'tokenizer.json': { model: { unk_id: 7, vocab: [['a', 0]] } } }, /"model\.unk_id" is 7/],
    [
      'added tokens without ids',
      { 'tokenizer.json': wordPiece({ added_tokens: [{ content: 'x' }] }) },
      /"added_tokens\[0\]"/,
    ],
    ['a normalizer of no kind', { 'tokenizer.json': wordPiece({ normalizer: {} }) }, /key "normalizer"/],
    [
      'an unknown normalizer',
      { 'tokenizer.json': wordPiece({ normalizer: { type: 'Nmt' } }) },
      /key "normalizer" has the type "Nmt", which Luthier does not know/,
    ],
    [
      'a map cut short',
      { 'tokenizer.json': wordPiece({ normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAAA' } }) },
      /precompiled_charsmap is cut short/,
    ],
    [
      'a special token that is none',
      {
        'tokenizer.json': wordPiece({
          post_processor: { type: 'BertProcessing', sep: ['[SEP]', 9], cls: ['[CLS]', 8] },
        }),
      },
      /"post_processor" names the token "\[CLS\]"/,
    ],
    [
      'a broken config',
      { 'vocab.txt': PIECES.join('\n'), 'tokenizer_config.json': '{' },
      /tokenizer_config\.json: is not JSON/,
    ],
  ])('%s', async (_, files, message) => {
    const error = await refusal(files);
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
  });
});

describe('checkFits', () => {
  it('refuses a model with fewer embeddings than ids', () => {
    bert.checkFits(PIECES.length);
    bert.checkFits(PIECES.length + 100);
    expect(() => bert.checkFits(PIECES.length - 1)).toThrow(/vocab\.txt has ids up to \d+, but the model's vocab_size/);
  });
});

describe('truncation', () => {
  it('cuts to max_length, special tokens included, and says so', () => {
    const { ids, truncated } = bert.encode('a b c d', 5);
    expect(pieces(ids)).toEqual(['[CLS]', 'a', 'b', 'c', '[SEP]']);
    expect(truncated).toBe(true);
    expect(bert.encode('a b c', 5).truncated).toBe(false);
  });

  it('cuts the beginning when the tokenizer says truncation_side left', async () => {
    const left = await load({ 'vocab.txt': PIECES.join('\n'), 'tokenizer_config.json': { truncation_side: 'left' } });
    expect(pieces(left.encode('a b c d', 5).ids)).toEqual(['[CLS]', 'b', 'c', 'd', '[SEP]']);
  });

  it('refuses a max_length without room for text', () => {
    expect(() => bert.encode('a', 2)).toThrow(/max_length is 2, which leaves no room/);
    expect(() => bert.encode('a', Number.NaN)).toThrow(LuthierError);
  });

  it('fitPair keeps within the room and cuts the longer text first', () => {
    const length = fc.integer({ min: 0, max: 300 });
    fc.assert(
      fc.property(length, length, fc.integer({ min: 1, max: 300 }), (a, b, room) => {
        const [keptA, keptB] = fitPair(a, b, room);
        expect(keptA).toBeLessThanOrEqual(a);
        expect(keptB).toBeLessThanOrEqual(b);
        expect(keptA + keptB).toBe(Math.min(a + b, room));
        if (a + b > room && Math.min(a, b) <= Math.floor(room / 2)) expect(Math.min(keptA, keptB)).toBe(Math.min(a, b));
      }),
    );
  });
});

describe('encodeAll', () => {
  it('counts truncated rows, unknown pieces and lengths', () => {
    const all = bert.encodeAll(['the cat', 'a b c d e f', { text: '中', text_pair: 'a' }], 6);
    expect(all.encodings.map(({ ids }) => ids.length)).toEqual([4, 6, 5]);
    expect(all).toMatchObject({ truncatedRows: 1, unknownShare: 1 / 8, meanLength: 5, maxLength: 6 });
    expect([...all.encodings[2]!.typeIds!]).toEqual([0, 0, 0, 1, 1]);
    expect(bert.encodeAll([], 6)).toEqual({
      encodings: [],
      truncatedRows: 0,
      unknownShare: 0,
      meanLength: 0,
      maxLength: 0,
    });
  });
});

describe('any text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    // Lone surrogates, which no UTF-8 file holds but a program may pass.
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
    fc
      .array(fc.constantFrom(...PIECES, ' ', '[', 'SEP]', 'É', '\u0301', '\n'), { maxLength: 40 })
      .map((a) => a.join('')),
  );

  it('is encoded within bounds, without throwing', () => {
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), fc.integer({ min: 4, max: 40 }), (a, b, maxLength) => {
        const { ids, typeIds, truncated, unknown } = bert.encode(a, maxLength, b);
        const whole = bert.encode(a, 1_000_000, b);
        expect(ids.every((id) => id >= 0 && id < bert.vocabSize)).toBe(true);
        expect(ids.length).toBe(Math.min(maxLength, whole.ids.length));
        expect(truncated).toBe(whole.ids.length > maxLength);
        expect(whole.truncated).toBe(false);
        expect(ids[0]).toBe(2);
        expect(ids.at(-1)).toBe(3);
        expect(unknown).toBe(ids.filter((id) => id === 1).length);
        expect(typeIds?.length ?? ids.length).toBe(ids.length);
        expect(typeof bert.decode(ids)).toBe('string');
      }),
      { numRuns: 500 },
    );
  });

  it('of known words comes back from decode', () => {
    const word = fc.string({
      unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789'),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        expect(bert.decode(bert.encode(words.join(' '), 1000).ids)).toBe(words.join(' '));
      }),
    );
  });

  it('gives the same ids whatever was encoded before it', async () => {
    const fresh = await load({ 'vocab.txt': PIECES.join('\n') });
    fc.assert(
      fc.property(text, (t) => {
        expect(fresh.encode(t, 99)).toEqual(bert.encode(t, 99));
      }),
    );
  });
});
