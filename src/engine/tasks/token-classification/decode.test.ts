import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TagPrediction } from '../../../protocol/index.ts';
import { Tokenizer } from '../../text/tokenizer.ts';
import { entitiesOf, showEntities } from './decode.ts';
import { encodeTexts } from './encode.ts';

const figures = join(import.meta.dirname, '../../../../test/parity/figures/tokenizers');
let place: string;
const loaded = new Map<string, Tokenizer>();
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-decode-'));
  for (const name of ['bert-cased', 'roberta']) {
    await cp(join(figures, `${name}.json`), join(place, name, 'tokenizer.json'));
    loaded.set(name, await Tokenizer.load(join(place, name)));
  }
});
afterAll(() => rm(place, { recursive: true, force: true }));

/**
 * Entities where the model gives the text's words these tags with this probability, and every other token that of the last
 * label, which nothing may come of.
 */
function decoded(
  text: string,
  tags: string[],
  {
    tokenizer = 'bert-cased',
    maxLength = 64,
    score = () => 0.9,
  }: { tokenizer?: string; maxLength?: number; score?: (word: number) => number } = {},
): TagPrediction['entities'] {
  const labels = [...new Set(['O', ...tags, 'B-NOISE'])];
  const items = encodeTexts([text], loaded.get(tokenizer)!, maxLength);
  const order = items.flatMap(({ places }) => places.map(({ word }) => word)).sort((a, b) => a - b);
  expect(order.length).toBe(tags.length);
  const logits = items.flatMap(({ words, places }) =>
    [...words].flatMap((word) => {
      const at = places.some((of) => of.word === word) ? order.indexOf(word) : -1;
      const tag = at < 0 ? 'B-NOISE' : tags[at]!;
      const share = at < 0 ? 0.99 : score(at);
      return labels.map((label) => Math.log(label === tag ? share : (1 - share) / (labels.length - 1)));
    }),
  );
  const [answer] = entitiesOf({ texts: [text], items, logits: Float32Array.from(logits), labels, model: 'model' });
  expect(answer!.text).toBe(text);
  return answer!.entities;
}
const said = (entities: TagPrediction['entities']): string[] => entities.map((of) => `${of.entity_group} ${of.word}`);

describe.each<[scheme: string, tags: string[], expected: string[]]>([
  ['BIO', ['B-PER', 'I-PER', 'O', 'B-LOC', 'B-LOC'], ['PER Ana Bo', 'LOC Oslo', 'LOC Rom']],
  ['IOB1', ['I-PER', 'I-PER', 'O', 'I-LOC', 'B-LOC'], ['PER Ana Bo', 'LOC Oslo', 'LOC Rom']],
  ['IOBES', ['B-PER', 'E-PER', 'O', 'S-LOC', 'S-LOC'], ['PER Ana Bo', 'LOC Oslo', 'LOC Rom']],
  ['no prefix', ['name', 'name', 'O', 'place', 'name'], ['name Ana Bo', 'place Oslo', 'name Rom']],
  ['broken', ['I-PER', 'I-LOC', 'E-LOC', 'I-LOC', 'O'], ['PER Ana', 'LOC Bo in', 'LOC Oslo']],
])('entities of %s', (_, tags, expected) => {
  it('are spans of words', () => {
    expect(said(decoded('Ana Bo in Oslo Rom', tags))).toEqual(expected);
  });
});

it('an entity has the mean of its words’ scores, each that of its first piece', () => {
  const [ana, oslo] = decoded('Ana Unbelievable in Oslo', ['B-PER', 'I-PER', 'O', 'B-LOC'], {
    score: (word) => [0.9, 0.6, 0.8, 0.7][word]!,
  });
  expect(ana!.score).toBeCloseTo(0.75, 6);
  expect(oslo!.score).toBeCloseTo(0.7, 6);
});

it.each(['bert-cased', 'roberta'])(
  '%s: punctuation is words of its own, and what stands between words is kept',
  (tokenizer) => {
    const text = 'Is  Ana-Bo\nin Oslo?';
    const entities = decoded(text, ['O', 'B-PER', 'I-PER', 'I-PER', 'O', 'B-LOC', 'O'], { tokenizer });
    expect(entities.map(({ word, start, end }) => [word, start, end])).toEqual([
      ['Ana-Bo', 4, 10],
      ['Oslo', 14, 18],
    ]);
  },
);

it.each(['bert-cased', 'roberta'])('%s: start and end count code points, as Python does', (tokenizer) => {
  const text = '😀 Ana 👩‍👩‍👧 Bo in 𝔒slo';
  const items = encodeTexts([text], loaded.get(tokenizer)!, 64);
  const words = items[0]!.places.map(({ start, end }) => text.slice(start, end));
  const tags = words.map((word) => (['Ana', 'Bo'].includes(word) ? 'B-PER' : word.endsWith('slo') ? 'B-LOC' : 'O'));
  const entities = decoded(text, tags, { tokenizer });
  expect(said(entities)).toEqual(['PER Ana', 'PER Bo', 'LOC 𝔒slo']);
  const points = [...text];
  for (const { word, start, end } of entities) expect(points.slice(start, end).join('')).toBe(word);
});

it('is the same in windows as in one', () => {
  const text = 'Ana Bo in Oslo and Rom , unbelievable 😀 Ana';
  const tags = ['B-PER', 'I-PER', 'O', 'B-LOC', 'O', 'B-LOC', 'O', 'O', 'O', 'B-PER'];
  const whole = decoded(text, tags);
  expect(said(whole)).toEqual(['PER Ana Bo', 'LOC Oslo', 'LOC Rom', 'PER Ana']);
  for (const maxLength of [5, 8, 11]) {
    const entities = decoded(text, tags, { maxLength });
    expect(entities.map(({ start, end }) => [start, end])).toEqual(whole.map(({ start, end }) => [start, end]));
  }
});

it('several texts keep their own, those without words among them', () => {
  const texts = ['', 'Ana', { text: 'in Oslo' }, ' \n'];
  const items = encodeTexts(texts, loaded.get('bert-cased')!, 64);
  const labels = ['O', 'B-X'];
  const logits = Float32Array.from(items.flatMap(({ ids }) => [...ids].flatMap(() => [0, 3])));
  const answers = entitiesOf({ texts, items, logits, labels, model: 'model' });
  expect(answers.map(({ text, entities }) => [text, said(entities)])).toEqual([
    ['', []],
    ['Ana', ['X Ana']],
    ['in Oslo', ['X in', 'X Oslo']],
    [' \n', []],
  ]);
  expect(answers.map((answer) => showEntities(answer).said)).toEqual([
    'no entities',
    'X “Ana” 95.3 %',
    'X “in” 95.3 %, X “Oslo” 95.3 %',
    'no entities',
  ]);
});

it('an answer that is not a number is refused, naming the text', () => {
  const items = encodeTexts(['Ana', 'Bo'], loaded.get('bert-cased')!, 64);
  const logits = new Float32Array(items.reduce((n, { ids }) => n + 2 * ids.length, 0)).fill(1);
  logits.fill(Number.NaN, 2 * items[0]!.ids.length);
  expect(() => entitiesOf({ texts: ['Ana', 'Bo'], items, logits, labels: ['O', 'B-X'], model: 'm' })).toThrow(
    'for text 2 of 2 is not a finite number',
  );
});
