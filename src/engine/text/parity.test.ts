import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import vectors from '../../../test/parity/figures/tokenizer-vectors.json' with { type: 'json' };
import { createNormalizer } from './normalizers.ts';
import { Part } from './part.ts';
import { createPreTokenizer } from './pre-tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';

const shared = join(import.meta.dirname, '../../../../shared/tokenizers');
const hasShared = existsSync(shared);
const FILES = {
  'bert-base-uncased': 'bert-base-uncased/tokenizer.json',
  'bge-small-zh': 'bge-small-zh/tokenizer.json',
  't5-base': 't5-base/t5-base-tokenizer.json',
} as const;
type Name = keyof typeof FILES;

/** `sweep` of tokenizer_vectors.py. */
function sweep(tokenizer: Tokenizer): Record<string, string> {
  const texts = new Map<number, string[]>();
  for (const range of vectors.assigned.split(' ')) {
    const [first, last = first] = range.split('-').map((hex) => Number.parseInt(hex, 16));
    for (let cp = first!; cp <= last!; cp++) {
      const block = Math.floor(cp / 4096);
      if (!texts.has(block)) texts.set(block, []);
      texts.get(block)!.push(`a${String.fromCodePoint(cp)}b`);
    }
  }
  const digests: Record<string, string> = {};
  for (const [block, all] of texts) {
    const digest = createHash('sha256');
    for (let i = 0; i < all.length; i += 64)
      digest.update(tokenizer.encode(all.slice(i, i + 64).join(' '), 100_000).ids);
    digests[(block * 4096).toString(16)] = digest.digest('hex').slice(0, 8);
  }
  return digests;
}

describe(`text steps equal to Python's tokenizers ${vectors.tokenizers}`, () => {
  const normalizer = (json: object) => createNormalizer(new Part('normalizer', json));
  const normalizers = {
    uncased: normalizer({ type: 'BertNormalizer' }),
    cased: normalizer({ type: 'BertNormalizer', lowercase: false }),
    lowercase: normalizer({ type: 'Lowercase' }),
  };

  it.each(Object.entries(normalizers))('BertPreTokenizer after %s', (name, normalizer) => {
    const words = createPreTokenizer(new Part('pre_tokenizer', { type: 'BertPreTokenizer' }));
    const ours = vectors.texts.map((text) => words.words(normalizer.normalize(text)));
    expect(ours).toEqual(vectors.words[name as keyof typeof normalizers]);
  });

  it('WhitespaceSplit', () => {
    const split = createPreTokenizer(new Part('pre_tokenizer', { type: 'WhitespaceSplit' }));
    expect(vectors.texts.map((text) => split.words(text))).toEqual(vectors.words.whitespace);
  });
});

describe.skipIf(!hasShared)(
  `equal to Python's tokenizers ${vectors.tokenizers} (skipped: ../shared is not there)`,
  () => {
    let folder: string;
    const loaded = new Map<Name, Tokenizer>();
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'luthier-tokenizers-'));
      for (const [name, file] of Object.entries(FILES) as [Name, string][]) {
        await cp(join(shared, file), join(folder, name, 'tokenizer.json'));
        loaded.set(name, await Tokenizer.load(join(folder, name)));
      }
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    describe.each(Object.keys(FILES) as Name[])('%s', (name) => {
      const expected = vectors.expected[name];

      it.each(vectors.texts.map((text, i) => [JSON.stringify(text).slice(0, 60), text, expected.texts[i]!] as const))(
        '%s',
        (_, text, ids) => {
          expect([...loaded.get(name)!.encode(text, 100_000).ids]).toEqual(ids);
        },
      );

      it('pairs, cut longest first', () => {
        const ours = vectors.pairs.map(([a, b]) =>
          vectors.pair_lengths.map((length) => {
            const { ids, typeIds } = loaded.get(name)!.encode(a!, length, b);
            return { ids: [...ids], type_ids: typeIds ? [...typeIds] : [...ids].map(() => 0) };
          }),
        );
        expect(ours).toEqual(expected.pairs);
      });

      it('every code point that Unicode 14 assigns', () => {
        expect(sweep(loaded.get(name)!)).toEqual(expected.sweep);
      });
    });

    it("T5's own vectors", () => {
      const cases = JSON.parse(readFileSync(join(shared, 't5-base/t5-base-tests.json'), 'utf8')) as [
        string,
        number[],
      ][];
      const wrong = cases.filter(([text, ids]) => `${loaded.get('t5-base')!.encode(text, 100_000).ids}` !== `${ids}`);
      expect(cases.length).toBe(1995);
      expect(wrong.map(([text]) => text)).toEqual([]);
    });
  },
);
