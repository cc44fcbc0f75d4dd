import { expect, test } from 'vitest';
import { parseReport } from '../../../protocol/index.ts';
import { IGNORED } from '../task.ts';
import type { LanguageItem } from './items.ts';
import { languageReport, pooledLanguage } from './report.ts';

/** A row of three tokens of which two are learnt: one of eight bytes, and the one that ends the text. */
const item = (row: number): LanguageItem => ({
  ids: Int32Array.of(1, 2, 3),
  typeIds: null,
  labels: Int32Array.of(2, 3, IGNORED),
  row,
  bytes: 8,
  ends: true,
  pieces: (from, to) => ['a', 'b', 'c'].slice(from, to),
});

const report = (task: 'text-generation' | 'conversational', losses: readonly (readonly [number, number])[]) =>
  languageReport(task, {
    split: 'validation',
    labels: [],
    rows: losses.map((_, i) => ({ file: '/data/texts.jsonl', line: i + 1 })),
    items: losses.map((_, i) => item(i)),
    losses: Float32Array.from(losses.flatMap(([text, end]) => [text, end, 99])),
    logits: new Float32Array(),
  });

const [ONE, THREE] = [Math.log(2), 3 * Math.log(2)];

test('perplexity is of all learnt tokens, bits per byte of the text without the token that ends it', () => {
  const { n, metrics, intervals, counts, worst } = report('text-generation', [
    [ONE, THREE],
    [THREE, ONE],
  ]);
  expect(n).toBe(2);
  expect(counts).toMatchObject({ tokens: 4, bytes: 16 });
  expect(metrics).toEqual({
    perplexity: expect.closeTo(4, 5),
    bits_per_byte: expect.closeTo(4 / 16, 5),
    loss: expect.closeTo(2 * Math.log(2), 5),
  });
  expect(intervals).toEqual({ perplexity: null, bits_per_byte: null, loss: null });
  expect(worst[0]!.pieces).toEqual([
    { text: 'a', loss: null },
    { text: 'b', loss: expect.closeTo(ONE, 5) },
    { text: 'c', loss: expect.closeTo(THREE, 5) },
  ]);
  expect(Object.keys(report('conversational', [[ONE, ONE]]).metrics)).toEqual(['perplexity', 'loss']);
});

test('bits per byte are left out where no byte is learnt', () => {
  const one = report('text-generation', [[ONE, THREE]]);
  const ending = languageReport('text-generation', {
    ...{ split: 'validation', labels: [], logits: new Float32Array(), losses: Float32Array.of(ONE, 99) },
    rows: [{ file: '/data/texts.jsonl', line: 1 }],
    // A single token, and the one that ends it.
    items: [{ ...item(0), ids: Int32Array.of(1, 2), labels: Int32Array.of(2, IGNORED), bytes: 0 }],
  });
  expect(ending.metrics).toEqual({ perplexity: expect.closeTo(2, 5), loss: expect.closeTo(ONE, 5) });
  expect(parseReport(JSON.parse(JSON.stringify(ending)))).toMatchObject({ ok: true });
  expect(pooledLanguage([ending, ending]).metrics).not.toHaveProperty('bits_per_byte');
  // Beside one that has some, it takes nothing away.
  expect(pooledLanguage([one, ending]).metrics).toMatchObject({ bits_per_byte: expect.closeTo(1 / 8, 5) });
});

test('what is read before the measured tokens begins with a word, behind an ellipsis where more stands before it', () => {
  const tokens = Array.from({ length: 150 }, (_, i) => (i % 2 ? 'ly ' : 'slow'));
  const shown = (first: number) => {
    const labels = new Int32Array(150).fill(IGNORED);
    labels[first - 1] = 7;
    const { worst } = languageReport('conversational', {
      ...{ split: 'validation', labels: [], logits: new Float32Array(), losses: new Float32Array(150).fill(1) },
      rows: [{ file: '/data/texts.jsonl', line: 1 }],
      items: [
        { ...item(0), ids: new Int32Array(150), labels, pieces: (from, to) => tokens.slice(from, to), ends: false },
      ],
    });
    return worst[0]!.pieces.map(({ text }) => text);
  };
  // From token 20 on, and from token 21 on, which ends a word.
  expect(shown(120)[0]).toBe(`… ${'slowly '.repeat(49)}`);
  expect(shown(121)[0]).toMatch(/^… slowly slowly/);
  expect(shown(40)[0]).toMatch(/^slowly slowly/);
});

test('a loss that is not finite is refused with its row', () => {
  expect(() =>
    report('text-generation', [
      [ONE, ONE],
      [Number.NaN, ONE],
    ]),
  ).toThrow('row 2 of 2');
});

test('folds together are as sure as all their rows: twice the folds, an interval narrower by the root of two', () => {
  const rows = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? ([ONE, ONE] as const) : ([THREE, THREE] as const)));
  const fold = report('text-generation', rows);
  const pooled = pooledLanguage([fold, fold]);
  expect(pooled).toMatchObject({ n: 80, folds: 2 });
  expect(pooled.metrics).toEqual(fold.metrics);
  const width = ({ low, high }: { low: number; high: number }) => high - low;
  const of = ({ intervals }: typeof fold) => intervals as Record<string, { low: number; high: number }>;
  for (const key of ['loss', 'bits_per_byte'])
    expect(width(of(pooled)[key]!)).toBeCloseTo(width(of(fold)[key]!) / Math.SQRT2, 6);
  expect(of(pooled).perplexity!.low).toBeCloseTo(Math.exp(of(pooled).loss!.low), 9);
  expect(of(pooled).perplexity!.low).toBeLessThan(4);
  expect(of(pooled).perplexity!.high).toBeGreaterThan(4);
  expect(pooledLanguage([fold, report('text-generation', rows.slice(0, 4))]).intervals).toEqual({
    perplexity: null,
    bits_per_byte: null,
    loss: null,
  });
});
