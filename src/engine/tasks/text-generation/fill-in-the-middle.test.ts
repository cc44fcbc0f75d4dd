import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../text/tokenizer.ts';
import { IGNORED } from '../task.ts';
import { encodePassages } from './encode.ts';
import { FillInTheMiddle } from './fill-in-the-middle.ts';
import type { Passage } from './rows.ts';

const STARTER = join(import.meta.dirname, '../../../../starters/decoder');
const NAMES = ['<fim_prefix>', '<fim_suffix>', '<fim_middle>'];
const [PREFIX, SUFFIX, MIDDLE] = [8192, 8193, 8194];

let place: string;
let plain: Tokenizer;
let tokenizer: Tokenizer;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-fim-'));
  await cp(STARTER, place, { recursive: true, filter: (path) => !path.endsWith('safetensors') });
  const file = join(place, 'tokenizer.json');
  const json = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: object[] };
  const token = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
  json.added_tokens.push(...NAMES.map((content, i) => ({ id: 8192 + i, content, ...token })));
  await writeFile(file, JSON.stringify(json));
  [plain, tokenizer] = await Promise.all([Tokenizer.load(STARTER), Tokenizer.load(place)]);
});
afterAll(() => rm(place, { recursive: true }));

const passages = (n: number, text = (i: number) => `Text number ${i}: the fox 🦊 sleeps under the old tree.`) =>
  Array.from(
    { length: n },
    (_, i): Passage => ({ file: '/a.jsonl', line: i + 1, text: text(i), isStart: true, isEnd: true }),
  );
/** The text that a rearranged item was made of. */
function restored(ids: ArrayLike<number>): string {
  const all = [...Array.from(ids)];
  const [pre, suf, mid] = [PREFIX, SUFFIX, MIDDLE].map((id) => all.indexOf(id!)) as [number, number, number];
  const decode = (from: number, to?: number) => tokenizer.decode(all.slice(from, to));
  // Suffix first: what stands behind <fim_middle> is the prefix and the middle.
  if (suf === pre + 1) return decode(mid + 1, -1) + decode(suf + 1, mid);
  return decode(pre + 1, suf) + decode(mid + 1, -1) + decode(suf + 1, mid);
}

describe('fill-in-the-middle', () => {
  it('rearranges a share of the texts, some with the suffix first, and learns all of their tokens', () => {
    const rows = passages(400);
    const settings = { seed: 42, fim_rate: 0.6, fim_spm_rate: 0.25 };
    const { items, notes } = encodePassages(rows, tokenizer, 128, settings);
    const filled = items.filter(({ ids }) => ids.includes(MIDDLE));
    const first = filled.filter(({ ids }) => ids[1] === SUFFIX);
    // Binomial: 240 ± 3 · 9.8 of 400, and a quarter of those.
    expect(Math.abs(filled.length - 240)).toBeLessThan(30);
    expect(Math.abs(first.length - filled.length / 4)).toBeLessThan(21);
    for (const { ids, labels, row, ends } of filled) {
      expect(restored(ids)).toBe(rows[row]!.text);
      expect(ids.at(-1)).toBe(tokenizer.specialId('eos_token'));
      expect([...labels]).toEqual([...ids.slice(1), IGNORED]);
      expect(ends).toBe(true);
    }
    const said = `Fill-in-the-middle (fim_rate 0.6): ${filled.length} of 400 training texts are rearranged, with <fim_prefix>, <fim_suffix> and <fim_middle> around the parts.`;
    expect(notes?.map(({ message }) => message)).toEqual([said]);
    // The others are as they are without it.
    const others = encodePassages(rows, tokenizer, 128).items;
    for (const item of items) if (!filled.includes(item)) expect(item.ids).toEqual(others[item.row]!.ids);
  });

  it('keeps the order of a model that has learned the suffix first alone, and says so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'luthier-fim-first-'));
    await cp(STARTER, folder, { recursive: true, filter: (path) => !path.endsWith('safetensors') });
    const file = join(folder, 'tokenizer.json');
    const json = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: object[] };
    const token = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
    const names = ['<[fim-prefix]>', '<[fim-suffix]>', '<[fim-middle]>'];
    json.added_tokens.push(...names.map((content, i) => ({ id: 8192 + i, content, ...token })));
    await writeFile(file, JSON.stringify(json));
    const suffixFirst = await Tokenizer.load(folder);
    await rm(folder, { recursive: true });
    const { items, notes } = encodePassages(passages(40), suffixFirst, 128, { seed: 1, fim_rate: 1, fim_spm_rate: 0 });
    for (const { ids } of items) {
      const places = [SUFFIX, PREFIX, MIDDLE].map((id) => ids.indexOf(id!));
      expect(places[0]).toBe(0);
      expect(places[1]).toBeGreaterThan(0);
      expect(places[2]).toBeGreaterThan(places[1]!);
    }
    expect(notes?.[0]?.message).toMatch(/The suffix comes first in all of them, .* whatever fim_spm_rate is\.$/);
  });

  it('is the same for the same text and seed, wherever it stands, and another for another seed', () => {
    const ids = (rows: Passage[], seed: number) =>
      new Map(
        encodePassages(rows, tokenizer, 128, { seed, fim_rate: 0.5 }).items.map(
          (item) => [rows[item.row]!.text, [...item.ids]] as const,
        ),
      );
    const rows = passages(50);
    const [once, again, other] = [ids(rows, 1), ids([...rows].reverse().slice(10), 1), ids(rows, 2)];
    for (const [text, tokens] of again) expect(tokens).toEqual(once.get(text));
    expect(other).not.toEqual(once);
  });

  it('cuts a text at other places in each epoch, the same ones in each run', () => {
    const text = 'Über den Dächern 🦊 wohnt the quick brown fox, and it jumps over dogs. '.repeat(3);
    const rows = [text.slice(0, 70), text].map((text): Passage => ({ ...passages(1)[0]!, text }));
    const encoded = () => encodePassages(rows, tokenizer, 48, { seed: 3, fim_rate: 1 }).items;
    const [items, again] = [encoded(), encoded()];
    const cuts = (epoch: number, of = items) => of.map((item) => [...item.inEpoch!(epoch).ids]);
    expect(cuts(0)).toEqual(items.map(({ ids }) => [...ids]));
    expect(cuts(5)).toEqual(cuts(5, again));
    expect(items.length).toBeGreaterThan(3);
    for (let epoch = 1; epoch < 20; epoch++) {
      const drawn = cuts(epoch);
      expect(drawn).not.toEqual(cuts(epoch - 1));
      // Each is the same part of its text, and all of it.
      expect(drawn.map(restored)).toEqual(items.map(({ ids }) => restored(ids)));
      for (const [i, ids] of drawn.entries()) {
        expect(ids.length).toBeLessThanOrEqual(48);
        expect([...items[i]!.inEpoch!(epoch).labels]).toEqual([...ids.slice(1), IGNORED]);
      }
    }
    // What is not rearranged is the same in each.
    expect(encodePassages(rows, tokenizer, 48).items.every(({ inEpoch }) => inEpoch === undefined)).toBe(true);
  });

  it('cuts at any character with the same chance, and never within one', () => {
    const middles = new FillInTheMiddle(tokenizer, { seed: 1, fim_rate: 1, fim_spm_rate: 0 });
    const places = new Map<number, number>();
    for (let epoch = 0; epoch < 4000; epoch++) {
      const { prefix, middle, suffix, suffixFirst } = middles.divide('a🦊bc', middles.draws('a🦊bc', epoch));
      expect(prefix + middle + suffix).toBe('a🦊bc');
      expect([prefix, middle, suffix].join('|')).not.toMatch(/[\ud800-\udbff]\||\|[\udc00-\udfff]/);
      expect(suffixFirst).toBe(false);
      const place = Array.from(prefix).length;
      places.set(place, (places.get(place) ?? 0) + 1);
    }
    // The smaller of two places of five: 9, 7, 5, 3 and 1 of 25.
    for (const [place, share] of [9, 7, 5, 3, 1].entries())
      expect(Math.abs(places.get(place)! / 4000 - share / 25)).toBeLessThan(0.03);
  });

  it('takes a long text in pieces that fit, each rearranged by itself, and loses nothing', () => {
    const text = 'Über den Dächern 🦊 wohnt the quick brown fox, and it jumps over dogs. '.repeat(12);
    const { items, truncatedRows } = encodePassages(
      passages(1, () => text),
      tokenizer,
      48,
      { seed: 3, fim_rate: 1 },
    );
    expect(truncatedRows).toBe(1);
    expect(items.length).toBeGreaterThan(8);
    expect(items.every(({ ids, cut }) => ids.length <= 48 && cut === 0)).toBe(true);
    expect(items.map(({ ids }) => restored(ids)).join('')).toBe(text);
  });

  it('is refused where the tokenizer lacks the tokens, for prompts, and without room', () => {
    const rows = passages(3);
    const settings = { seed: 1, fim_rate: 0.5 };
    expect(() => encodePassages(rows, plain, 64, settings)).toThrow(
      'fim_rate is 0.5, but the model’s tokenizer has no tokens for fill-in-the-middle',
    );
    expect(() => encodePassages([{ ...rows[0]!, prompt: 'Q' }], tokenizer, 64, settings)).toThrow(
      'prompts with completions',
    );
    // Among whole texts those with prompts keep their order, and what stands before them is not learnt.
    const mixed = [
      { ...rows[0]!, isMixed: true },
      { ...rows[1]!, prompt: 'A beginning. ', isMixed: true },
    ];
    const [filled, prompted] = encodePassages(mixed, tokenizer, 64, { seed: 1, fim_rate: 1 }).items;
    expect(Array.from(filled!.ids)).toContain(PREFIX);
    expect(Array.from(prompted!.ids)).not.toContain(PREFIX);
    expect(prompted!.bytes).toBe(Buffer.byteLength(rows[1]!.text));
    expect(prompted!.labels[0]).toBe(IGNORED);
    expect(() => encodePassages(rows, tokenizer, 12, settings)).toThrow('max_length is 12');
    // None at all needs no tokens.
    expect(encodePassages(rows, plain, 64, { seed: 1, fim_rate: 0 })).toEqual({
      ...encodePassages(rows, plain, 64),
      items: expect.anything(),
    });
  });
});
