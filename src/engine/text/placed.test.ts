import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import answers from '../../../test/parity/figures/tokenizers/answers.json' with { type: 'json' };
import { codePointsBefore } from './code-points.ts';
import { type PlacedEncoding, type PlacedInput, Tokenizer } from './tokenizer.ts';
import type { Truncation } from './windows.ts';

const figures = join(import.meta.dirname, '../../../test/parity/figures/tokenizers');
const names = Object.keys(answers.answers) as (keyof typeof answers.answers)[];

let folder: string;
const loaded = new Map<string, Tokenizer>();
const fromLeft = new Map<string, Tokenizer>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-placed-'));
  for (const name of names) {
    await cp(join(figures, `${name}.json`), join(folder, name, 'tokenizer.json'));
    loaded.set(name, await Tokenizer.load(join(folder, name)));
    await writeFile(join(folder, name, 'tokenizer_config.json'), '{"truncation_side": "left"}');
    fromLeft.set(name, await Tokenizer.load(join(folder, name)));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/**
 * An encoding's offsets in code points, as Python counts them.
 * @param textOf The text that the offsets are of: a sequence's, or its word's where words were encoded.
 */
function codePointOffsets(
  { offsets, sequenceIds, wordIds }: PlacedEncoding,
  textOf: (sequence: number, word: number) => string,
): Int32Array {
  const counts = new Map<string, Int32Array>();
  const result = new Int32Array(offsets.length);
  sequenceIds.forEach((sequence, token) => {
    if (sequence < 0) return;
    const text = textOf(sequence, wordIds[token]!);
    const before = counts.get(text) ?? codePointsBefore(text);
    counts.set(text, before);
    result[2 * token] = before[offsets[2 * token]!]!;
    result[2 * token + 1] = before[offsets[2 * token + 1]!]!;
  });
  return result;
}

/** ids, offsets in code points, word ids: as tokenizer_placed.py writes them. */
function flat(encoding: PlacedEncoding, texts: PlacedInput[]): number[][] {
  const offsets = codePointOffsets(encoding, (sequence, word) => {
    const input = texts[sequence]!;
    return typeof input === 'string' ? input : input[word]!;
  });
  return [[...encoding.ids], [...offsets], [...encoding.wordIds]];
}

const whole = (encoding: PlacedEncoding, texts: PlacedInput[]): number[][] => [
  ...flat(encoding, texts),
  [...encoding.specialTokensMask],
  encoding.typeIds ? [...encoding.typeIds] : [...encoding.ids].map(() => 0),
  [...encoding.sequenceIds],
];
/** Type and sequence ids: Python loses some of them in all windows but the first. */
const COMPARED_IN_ALL = 4;

/** Only what is of the text. */
const inner = (encoding: number[][], mask: Uint8Array): number[][] => {
  const kept = (_: number, i: number): boolean => mask[i] === 0;
  return [encoding[0]!.filter(kept), encoding[1]!.filter((_, i) => mask[i >> 1] === 0), encoding[2]!.filter(kept)];
};

describe.each(names)(`%s, as Python's tokenizers ${answers.tokenizers}`, (name) => {
  const expected = answers.answers[name];

  it.each(answers.texts.map((text, i) => [JSON.stringify(text), text, i] as const))('places %s', (_, text, i) => {
    const tokenizer = loaded.get(name)!;
    const [encoding] = tokenizer.encodePlaced(text, { maxLength: 10_000 });
    expect(inner(flat(encoding!, [text]), encoding!.specialTokensMask)).toEqual(expected.texts[i]);
    expect([...tokenizer.encode(text, 10_000).ids]).toEqual([...encoding!.ids]);
  });

  it('decodes', () => {
    const tokenizer = loaded.get(name)!;
    expect(expected.texts.map(([ids]) => tokenizer.decode(ids!))).toEqual(expected.decoded);
  });

  it('decodes ids as they come to what it decodes them to at once', () => {
    const tokenizer = loaded.get(name)!;
    const streamed = (ids: readonly number[]): string => {
      const stream = tokenizer.decodeStream();
      let text = '';
      for (const id of ids) {
        const part = stream.push(id);
        expect(part.endsWith('\uFFFD')).toBe(false);
        text += part;
      }
      return text + stream.end();
    };
    for (const [ids] of expected.texts) expect(streamed(ids!)).toBe(tokenizer.decode(ids!));
    fc.assert(
      fc.property(fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 30 }), (ids) => {
        expect(streamed(ids)).toBe(tokenizer.decode(ids));
      }),
    );
  });

  it('splits words', () => {
    const tokenizer = loaded.get(name)!;
    const ours = answers.words.map((words) => flat(tokenizer.encodePlaced(words, { maxLength: 10_000 })[0]!, [words]));
    expect(ours).toEqual(expected.words);
  });

  it.each(answers.windows.map((window, i) => [JSON.stringify(window), window, i] as const))(
    'lays windows %s',
    (_, { a, b, length, stride, strategy, direction }, i) => {
      const tokenizer = (direction === 'left' ? fromLeft : loaded).get(name)!;
      const options = { maxLength: length, stride, truncation: strategy as Truncation };
      const texts = b === null ? [a] : [a, b];
      if (expected.windows[i] === null) {
        expect(() => tokenizer.encodePlaced(a, options, b ?? undefined)).toThrow(/tokens/);
        return;
      }
      const windows = tokenizer.encodePlaced(a, options, b ?? undefined);
      const ours = windows.map((window) => whole(window, texts));
      const theirs = expected.windows[i]!;
      expect(ours.map((window) => window.slice(0, COMPARED_IN_ALL))).toEqual(
        theirs.map((window) => window.slice(0, COMPARED_IN_ALL)),
      );
      expect(ours[0]).toEqual(theirs[0]);
    },
  );
});

describe('any text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
    fc
      .array(fc.constantFrom('the ', 'É', 'e\u0301', '今', ' ', '\n', '👍🏽', '<m>', ' <one>', 'İ', '\0', '각'), {
        maxLength: 20,
      })
      .map((parts) => parts.join('')),
  );

  it.each(names)('has the same ids with places as without, and each place within the text (%s)', (name) => {
    const tokenizer = loaded.get(name)!;
    fc.assert(
      fc.property(text, (t) => {
        const [encoding] = tokenizer.encodePlaced(t, { maxLength: 10_000 });
        expect([...encoding!.ids]).toEqual([...tokenizer.encode(t, 10_000).ids]);
        let last = 0;
        encoding!.ids.forEach((_, i) => {
          if (encoding!.specialTokensMask[i]) return;
          const [start, end] = [encoding!.offsets[2 * i]!, encoding!.offsets[2 * i + 1]!];
          expect(start).toBeLessThanOrEqual(end);
          expect(end).toBeLessThanOrEqual(t.length);
          expect(encoding!.wordIds[i]).toBeGreaterThanOrEqual(last);
          last = encoding!.wordIds[i]!;
        });
      }),
    );
  });

  it('sliced by its places is what made each piece', () => {
    const tokenizer = loaded.get('bert-uncased')!;
    const alone = (part: string): number[] => [...tokenizer.encode(part, 10_000).ids.slice(1, -1)];
    const word = fc.constantFrom(
      'the',
      'naïve',
      'CAFÉ',
      'e\u0301',
      '今天',
      '👍',
      "it's",
      'brown',
      'İ',
      'x\u00ady',
      'Zürich',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        const t = words.join('  ');
        const { ids, offsets, wordIds } = tokenizer.encodePlaced(t, { maxLength: 10_000 })[0]!;
        // All pieces of a word together are what the word's part of the text gives.
        for (let from = 1; from < ids.length - 1; ) {
          let to = from;
          while (wordIds[to] === wordIds[from]) to++;
          expect(alone(t.slice(offsets[2 * from], offsets[2 * to - 1]))).toEqual([...ids.slice(from, to)]);
          from = to;
        }
      }),
    );
  });

  it('is covered by its windows, each sharing `stride` tokens with the one before it', () => {
    const tokenizer = loaded.get('bert-cased')!;
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 20 }), fc.integer({ min: 0, max: 30 }), (t, maxLength, n) => {
        const room = maxLength - 2;
        const stride = n % room;
        const whole = [...tokenizer.encode(t, 10_000).ids.slice(1, -1)];
        const windows = tokenizer.encodePlaced(t, { maxLength, stride }).map(({ ids }) => [...ids.slice(1, -1)]);
        windows.forEach((window, i) => {
          expect(window.length).toBeLessThanOrEqual(room);
          if (i + 1 < windows.length) expect(window.slice(room - stride)).toEqual(windows[i + 1]!.slice(0, stride));
        });
        expect(windows.flatMap((window, i) => (i === 0 ? window : window.slice(stride)))).toEqual(whole);
      }),
    );
  });

  it('is refused as windows that would not advance, or that leave no room', () => {
    const tokenizer = loaded.get('bert-cased')!;
    const long = 'one two three four five six seven';
    expect(() => tokenizer.encodePlaced(long, { maxLength: 6, stride: 4 })).toThrow(/would not advance/);
    expect(() => tokenizer.encodePlaced(long, { maxLength: 9, truncation: 'only_second' }, long)).toThrow(
      /leaves no room for the other in 6 tokens/,
    );
  });
});
