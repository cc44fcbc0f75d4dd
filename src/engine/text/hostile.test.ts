import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OutOfTime, withTimeLimit } from './time-limit.ts';
import { Tokenizer } from './tokenizer.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-hostile-tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true }));

const VOCAB = { '[UNK]': 0, '[CLS]': 1, '[SEP]': 2, a: 3, '##a': 4 };
const load = async (parts: object) => {
  const json = {
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: VOCAB,
    },
    added_tokens: [],
    pre_tokenizer: { type: 'WhitespaceSplit' },
    ...parts,
  };
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
  return Tokenizer.load(folder);
};

describe('a tokenizer from outside', () => {
  it.each<[string, object]>([
    ['null for a sequence', { type: 'TemplateProcessing', single: null, pair: null, special_tokens: {} }],
    ['no single', { type: 'TemplateProcessing' }],
    ['an empty piece', { type: 'TemplateProcessing', single: [null], pair: [{}], special_tokens: {} }],
    [
      'a special token without an id',
      { type: 'TemplateProcessing', single: [{ SpecialToken: {} }], pair: [], special_tokens: {} },
    ],
    ['numbers', { type: 'TemplateProcessing', single: 7, pair: 'x', special_tokens: 3 }],
    ['another kind', { type: 'constructor' }],
    ['BERT’s without its tokens', { type: 'BertProcessing' }],
    ['RoBERTa’s with numbers', { type: 'RobertaProcessing', sep: 1, cls: 2 }],
  ])('with a malformed post_processor (%s) is refused by a sentence', async (_, post_processor) => {
    await expect(load({ post_processor })).rejects.toMatchObject({
      code: 'tokenizer-invalid',
      message: expect.stringMatching(/tokenizer\.json: .*\.$/),
      hint: expect.any(String),
    });
  });

  it.each<[string, object]>([
    ['a normalizer without its pattern', { normalizer: { type: 'Replace', content: '' } }],
    ['a pattern that is none', { pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' } }],
    [
      'a text too long to look for',
      { normalizer: { type: 'Replace', pattern: { String: 'x'.repeat(3e6) }, content: '' } },
    ],
    ['a pattern too long', { normalizer: { type: 'Replace', pattern: { Regex: 'x'.repeat(3e6) }, content: '' } }],
    ['an added token too long to look for', { added_tokens: [{ id: 5, content: 'x'.repeat(3e6) }] }],
    ['a sequence of nothing', { normalizer: { type: 'Sequence', normalizers: null } }],
    ['a post_processor of nothing', { post_processor: { type: 'Sequence', processors: null } }],
    ['a prototype’s name', { pre_tokenizer: { type: '__proto__' } }],
  ])('with %s is refused by a sentence, or splits', async (_, parts) => {
    const said = await load(parts).then(
      (tokenizer) => tokenizer.encode('a', 8).ids.length,
      (error: unknown) => error,
    );
    if (typeof said !== 'number') expect(said).toMatchObject({ code: 'tokenizer-invalid', hint: expect.any(String) });
  });

  it.each<[string, object]>([
    [
      'pre_tokenizer',
      { pre_tokenizer: { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false } },
    ],
    [
      'normalizer',
      {
        normalizer: {
          type: 'Sequence',
          normalizers: [{ type: 'Replace', pattern: { Regex: '(a|a)+$' }, content: 'b' }],
        },
      },
    ],
  ])('whose %s would backtrack for years is ended and named', async (_, parts) => {
    const tokenizer = await load(parts);
    expect(tokenizer.encode('aaa', 8).ids.length).toBeGreaterThan(0);
    const began = performance.now();
    expect(() => tokenizer.encode(`${'a'.repeat(60)}!`, 8)).toThrow(
      expect.objectContaining({
        code: 'tokenizer-invalid',
        message: expect.stringMatching(/tokenizer\.json takes more than 3 s to split a text of 61 characters \("aaaa/),
        hint: expect.stringMatching(/regular expression/),
      }),
    );
    expect(performance.now() - began).toBeLessThan(30_000);
    // The next text is none the worse.
    expect(tokenizer.encode('aa', 8).ids.length).toBeGreaterThan(0);
  });

  it('with a file nested 100,000 deep is refused by a sentence', async () => {
    await writeFile(join(folder, 'tokenizer.json'), `{"model":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    await expect(Tokenizer.load(folder)).rejects.toMatchObject({
      code: 'tokenizer-invalid',
      message: expect.stringMatching(/nested more than 200 levels deep/),
    });
  });
});

describe('withTimeLimit', () => {
  it('gives results and errors as they are', () => {
    expect(withTimeLimit(1000, () => [1, 2])).toEqual([1, 2]);
    expect(() =>
      withTimeLimit(1000, () => {
        throw new RangeError('no');
      }),
    ).toThrow(new RangeError('no'));
  });

  it('ends what takes longer, also within another', () => {
    const forever = () => {
      for (;;);
    };
    expect(() => withTimeLimit(20, forever)).toThrow(OutOfTime);
    expect(withTimeLimit(20_000, () => [tryIt(() => withTimeLimit(20, forever)), 'whole'])).toEqual([
      OutOfTime,
      'whole',
    ]);
  });
});

function tryIt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return (error as Error).constructor;
  }
}
