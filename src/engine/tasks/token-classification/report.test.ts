import { describe, expect, it } from 'vitest';
import { isReport, parseReport } from '../../../protocol/reports.ts';
import type { TaggedItem } from './encode.ts';
import { formatTags } from './format.ts';
import { pooledTags, tagReport } from './report.ts';
import type { Sentence } from './rows.ts';

const LABELS = ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER', 'B-ORG', 'I-ORG'];
/** What log(1 / 0.8) is: the loss of a right word. */
const RIGHT = -Math.log(0.8);

/**
 * A report on sentences of which the model predicts the second row of tags, with a probability of 0.8; words of a sentence
 * without an answer (null) have no piece.
 */
function reportOn(pairs: [gold: string, predicted: string][], split: 'validation' | 'test' = 'validation') {
  const rows = pairs.map(([gold], i): Sentence => {
    const tags = gold.split(' ');
    return {
      ...{ file: '/data/a.conll', line: 1 + 10 * i, words: tags.map((_, word) => `w${word}`) },
      tags: Int32Array.from(tags, (tag) => LABELS.indexOf(tag)),
    };
  });
  const logits: number[] = [];
  const items = pairs.map(([gold, predicted], row): TaggedItem => {
    const tags = predicted.split(' ');
    // A special token first, whose answer nobody asks for.
    logits.push(...LABELS.map((_, k) => (k === 3 ? 50 : -50)));
    const read = [...tags.keys()].filter((word) => tags[word] !== '-');
    for (const word of read) logits.push(...LABELS.map((tag) => Math.log(tag === tags[word] ? 0.8 : 0.2 / 6)));
    const words = Int32Array.from([-1, ...read]);
    const own = gold.split(' ').map((tag) => LABELS.indexOf(tag));
    return {
      ...{ ids: new Int32Array(words.length), typeIds: null, row, words },
      labels: Int32Array.from(words, (word) => (word < 0 ? -100 : own[word]!)),
    };
  });
  return tagReport({ split, labels: LABELS, rows, items, logits: Float32Array.from(logits), base: '/data' });
}

describe('a report on tags', () => {
  const report = reportOn([
    ['B-PER I-PER O B-LOC', 'B-PER I-PER O B-LOC'],
    ['B-PER I-PER O', 'B-PER O O'],
    ['B-LOC O O O', 'B-PER O B-ORG O'],
    ['O B-LOC', 'O O'],
  ]);
  it('counts spans that are right in words and type', () => {
    expect(report.counts).toMatchObject({ words: 13, correct: 9, right: 2, gold: 5, predicted: 5 });
    expect(report.metrics).toMatchObject({ precision: 0.4, recall: 0.4, f1: 0.4, accuracy: 9 / 13 });
    expect(report.metrics.loss).toBeCloseTo((9 * RIGHT - 4 * Math.log(0.2 / 6)) / 13, 6);
    expect(parseReport(JSON.parse(JSON.stringify(report))).ok).toBe(true);
  });
  it('has no recall and F1 of a type that is predicted and not there', () => {
    expect(report.per_class).toEqual([
      { label: 'LOC', precision: 1, recall: 1 / 3, f1: 0.5, support: 3, right: 1, predicted: 1 },
      { label: 'ORG', precision: 0, recall: null, f1: null, support: 0, right: 0, predicted: 1 },
      { label: 'PER', precision: 1 / 3, recall: 0.5, f1: 0.4, support: 2, right: 1, predicted: 3 },
    ]);
    expect(formatTags(report, 100)).toMatch(/ORG +0\.0 % +– +– +0/);
  });
  it('says what was taken for what', () => {
    expect(report.mistakes).toEqual(
      expect.arrayContaining([
        { actual: 'PER', predicted: 'PER', n: 1 },
        { actual: 'LOC', predicted: 'PER', n: 1 },
        { actual: 'LOC', predicted: null, n: 1 },
        { actual: null, predicted: 'ORG', n: 1 },
      ]),
    );
    expect(report.mistakes.length).toBe(4);
  });
  it('lists sentences with errors by loss, spans placed in their text', () => {
    expect(report.errors.map(({ line }) => line)).toEqual([21, 31, 11]);
    expect(report.errors[2]).toMatchObject({
      ...{ file: 'a.conll', text: 'w0 w1 w2' },
      gold: [{ type: 'PER', start: 0, end: 5 }],
      predicted: [{ type: 'PER', start: 0, end: 2 }],
    });
  });
});

it('nothing predicted at all: everything is 0, nothing is NaN', () => {
  const report = reportOn([['B-PER I-PER O', 'O O O']]);
  expect(report.metrics).toMatchObject({ precision: 0, recall: 0, f1: 0, accuracy: 1 / 3 });
  expect(report.per_class).toEqual([
    { label: 'PER', precision: 0, recall: 0, f1: 0, support: 1, right: 0, predicted: 0 },
  ]);
  const empty = reportOn([['O O', 'O O']]);
  expect(empty.metrics).toMatchObject({ precision: 0, recall: 0, f1: 0, accuracy: 1 });
  expect([empty.per_class, empty.mistakes, empty.errors]).toEqual([[], [], []]);
});

it('words that the model did not read count as O, and have no loss', () => {
  const report = reportOn([['B-PER I-PER O', 'B-PER - O']]);
  expect(report.counts).toMatchObject({ words: 3, read: 2, correct: 2, right: 0 });
  expect(report.metrics.loss).toBeCloseTo(RIGHT, 6);
  const unread = reportOn([['B-PER', '-']]);
  expect(unread.metrics).toMatchObject({ loss: 0, f1: 0, accuracy: 0 });
});

describe('intervals', () => {
  it('are null below ten sentences', () => {
    const { intervals } = reportOn(Array.from({ length: 9 }, () => ['B-PER O', 'B-PER O']));
    expect(Object.values(intervals)).toEqual([null, null, null, null, null]);
  });
  it('are percentiles over resampled sentences, the same each time, and hold the value', () => {
    // Half of the sentences have one span that is right, half one that is missed: recall is binomial.
    const pairs = Array.from({ length: 400 }, (_, i): [string, string] => ['B-PER O', i % 2 ? 'B-PER O' : 'O O']);
    const { metrics, intervals } = reportOn(pairs);
    expect(intervals).toEqual(reportOn(pairs).intervals);
    const half = 1.96 * Math.sqrt(0.25 / 400);
    expect(Math.abs(intervals.recall!.low - (0.5 - half))).toBeLessThan(0.01);
    expect(Math.abs(intervals.recall!.high - (0.5 + half))).toBeLessThan(0.01);
    for (const key of ['f1', 'precision', 'recall', 'accuracy', 'loss'] as const) {
      expect(intervals[key]!.low).toBeLessThanOrEqual(metrics[key]);
      expect(intervals[key]!.high).toBeGreaterThanOrEqual(metrics[key]);
    }
    // Sentences are drawn, not words: those of one stand or fall together.
    const blocks = pairs
      .slice(0, 40)
      .map(([gold, predicted]): [string, string] => [
        Array(10).fill(gold).join(' '),
        Array(10).fill(predicted).join(' '),
      ]);
    const wide = reportOn(blocks).intervals.recall!;
    const narrow = intervals.recall!;
    expect(wide.high - wide.low).toBeGreaterThan(2 * (narrow.high - narrow.low));
  });
});

it('intervals of folds together are as narrow as those of all their sentences at once', () => {
  const pairs = Array.from({ length: 400 }, (_, i): [string, string] => ['B-PER O', i % 4 ? 'B-PER O' : 'O O']);
  const folds = [0, 1, 2, 3, 4].map((fold) => reportOn(pairs.slice(80 * fold, 80 * (fold + 1))));
  const [pooled, atOnce] = [pooledTags(folds), reportOn(pairs)];
  for (const key of ['f1', 'recall', 'accuracy', 'loss'] as const) {
    const width = ({ intervals }: typeof pooled) => intervals[key]!.high - intervals[key]!.low;
    expect(width(pooled) / width(atOnce)).toBeGreaterThan(0.9);
    expect(width(pooled) / width(atOnce)).toBeLessThan(1.1);
    expect(pooled.intervals[key]!.low).toBeLessThan(pooled.metrics[key]);
    expect(pooled.intervals[key]!.high).toBeGreaterThan(pooled.metrics[key]);
  }
});

it('folds are pooled by their spans, not by their means', () => {
  const folds = [
    reportOn([
      ['B-PER O', 'B-PER O'],
      ['B-LOC O', 'B-LOC O'],
    ]),
    reportOn([['B-PER O B-PER', 'O O B-ORG']]),
  ];
  const pooled = pooledTags(folds);
  const at_once = reportOn([
    ['B-PER O', 'B-PER O'],
    ['B-LOC O', 'B-LOC O'],
    ['B-PER O B-PER', 'O O B-ORG'],
  ]);
  expect(pooled.folds).toBe(2);
  const { metrics, counts, per_class, mistakes, n } = pooled;
  expect({ metrics, counts, per_class, n }).toEqual({
    metrics: expect.objectContaining({ ...at_once.metrics, loss: expect.closeTo(at_once.metrics.loss, 10) }),
    counts: { ...at_once.counts, loss: expect.closeTo(at_once.counts.loss, 10) },
    per_class: at_once.per_class,
    n: 3,
  });
  expect(mistakes).toEqual(at_once.mistakes);
  expect(pooled.errors.length).toBe(1);
  expect(pooled.intervals.f1).toBeNull();
  expect(isReport(pooled, 'report')).toBeNull();
  expect(formatTags(pooled, 80)).toContain('n = 3 sentences, 7 words, 4 spans');
});

it('no sentences, and answers that are no numbers, are refused', () => {
  expect(() => reportOn([])).toThrow('There are no validation sentences to evaluate.');
  const row: Sentence = { file: '/a', line: 1, words: ['a'], tags: Int32Array.of(0) };
  const item = { ids: new Int32Array(1), typeIds: null, row: 0, words: Int32Array.of(0), labels: Int32Array.of(0) };
  const logits = new Float32Array(LABELS.length).fill(Number.NaN);
  expect(() => tagReport({ split: 'test', labels: LABELS, rows: [row], items: [item], logits })).toThrow(
    'sentence 1 of 1 is not a finite number',
  );
});

describe('the intervals of spans that are all right, or none', () => {
  const right: [string, string] = ['B-PER O', 'B-PER O'];
  const missed: [string, string] = ['B-PER O', 'O O'];
  const bare: [string, string] = ['O O', 'O O'];
  const some = (n: number, pair: [string, string]) => Array.from({ length: n }, () => pair);

  it('are those of so many sentences with spans, and of accuracy those of all sentences', () => {
    const { metrics, intervals } = reportOn([...some(14, right), ...some(6, bare)]);
    for (const key of ['f1', 'precision', 'recall'] as const) {
      expect(metrics[key]).toBe(1);
      expect(intervals[key]).toEqual({ low: expect.closeTo(0.025 ** (1 / 14), 6), high: 1 });
    }
    expect(intervals.accuracy!.low).toBeCloseTo(0.025 ** (1 / 20), 6);
    const none = reportOn(some(14, missed));
    expect(none.intervals.recall).toEqual({ low: 0, high: expect.closeTo(1 - 0.025 ** (1 / 14), 6) });
    const folds = [14, 16, 40].map((n) => reportOn(some(n, right)));
    expect(pooledTags(folds).intervals.f1!.low).toBeCloseTo(0.025 ** (1 / 70), 6);
  });

  it.each([10, 14, 30].flatMap((n) => [0.9, 0.95].map((p) => [n, p] as const)))(
    'over %i sentences hold a true share of %f in at least 90 of 100 cases',
    (n, p) => {
      let held = 0;
      let cases = p ** n;
      for (let errors = 0; errors <= n; errors++) {
        const { low, high } = reportOn([...some(n - errors, right), ...some(errors, missed)] as never).intervals
          .recall!;
        if (low <= p && p <= high) held += cases;
        cases *= (((n - errors) / (errors + 1)) * (1 - p)) / p;
      }
      expect(held).toBeGreaterThanOrEqual(0.9);
    },
  );
});
