import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import figures from '../../../test/parity/figures/sklearn-metrics.json' with { type: 'json' };
import { type ClassificationMetric, type ClassificationReport, LuthierError } from '../../protocol/index.ts';
import { classificationReport, NUM_WORST, type ReportOptions } from './report.ts';

const KEYS: ClassificationMetric[] = ['loss', 'accuracy', 'f1_macro', 'f1_weighted', 'mcc', 'ece'];

function report(targets: number[], logits: number[][], over: Partial<ReportOptions> = {}): ClassificationReport {
  const classes = logits[0]?.length ?? 2;
  return classificationReport({
    split: 'test',
    labels: Array.from({ length: classes }, (_, k) => `class ${k}`),
    examples: targets.map((label, i) => ({ text: `text ${i}`, label, file: '/data/rows.csv', line: i + 2 })),
    targets: Int32Array.from(targets),
    logits: Float32Array.from(logits.flat()),
    ...over,
  });
}

describe(`equal to scikit-learn ${figures['scikit-learn']}`, () => {
  it.each(figures.cases.map((c) => [c.name, c] as const))('%s', (_, c) => {
    const ours = report(c.targets, c.logits);
    // Logits are float32 here and there; everything after is in double precision.
    for (const key of KEYS) expect(ours.metrics[key], key).toBeCloseTo(c.metrics[key], 9);
    if (c.log_loss !== null) expect(ours.metrics.loss).toBeCloseTo(c.log_loss, 9);
    expect(ours.confusion).toEqual(c.confusion);
    expect(ours.per_class.map(({ support }) => support)).toEqual(c.per_class.map(({ support }) => support));
    ours.per_class.forEach((scores, k) => {
      // Where a class has no rows scikit-learn's zero_division puts 0, and we say nothing.
      for (const key of ['precision', 'recall', 'f1'] as const)
        expect(scores[key] ?? 0).toBeCloseTo(c.per_class[k]![key], 12);
      if (scores.support === 0) expect(scores).toMatchObject({ recall: null, f1: null });
    });
    expect(ours.intervals.accuracy!.low).toBeCloseTo(c.clopper_pearson[0]!, 10);
    expect(ours.intervals.accuracy!.high).toBeCloseTo(c.clopper_pearson[1]!, 10);
    for (const key of ['accuracy', 'f1_macro', 'f1_weighted', 'mcc'] as const)
      expect(ours.majority[key]).toBeCloseTo(c.majority[key], 12);
  });
});

describe('the majority class', () => {
  it("is the training part's, not the evaluated part's", () => {
    const { majority } = report(
      [0, 0, 1],
      [
        [1, 0],
        [1, 0],
        [1, 0],
      ],
      { trainCounts: [3, 9] },
    );
    expect(majority).toMatchObject({ label: 'class 1', accuracy: 1 / 3, f1_macro: 0.25, mcc: 0 });
    expect(
      report(
        [0, 0, 1],
        [
          [1, 0],
          [1, 0],
          [1, 0],
        ],
        { trainCounts: [0, 0] },
      ).majority.label,
    ).toBe('class 0');
  });
});

describe('worst rows', () => {
  it('are those with the highest loss, worst first, named by file and line', () => {
    const targets = Array.from({ length: 50 }, () => 0);
    const logits = targets.map((_, i) => [0, (i * 7) % 50]);
    const { worst } = report(targets, logits, { base: '/data' });
    expect(worst).toHaveLength(NUM_WORST);
    expect(worst[0]).toMatchObject({
      file: 'rows.csv',
      label: 'class 0',
      predicted: 'class 1',
      text: 'text 7',
      line: 9,
    });
    expect(worst[0]!.loss).toBeCloseTo(49, 6);
    const losses = worst.map(({ loss }) => loss);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
  });

  it('keep the path of a file outside the base folder', () => {
    const file = join('/elsewhere', 'rows.csv');
    const examples = [{ text: 'a', text_pair: 'b', label: 0, file, line: 2 }];
    expect(report([0], [[0, 1]], { base: '/data', examples }).worst[0]).toMatchObject({ file, text_pair: 'b' });
  });
});

describe('refusals', () => {
  it('of a part without rows and of logits that are not finite', () => {
    expect(() => report([], [])).toThrow(/There are no test rows to evaluate/);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const run = (): unknown =>
        report(
          [0, 1],
          [
            [0, 1],
            [bad, 1],
          ],
        );
      expect(run).toThrow(LuthierError);
      expect(run).toThrow(/answer for row 2 of 2 is not a finite number/);
    }
    expect(() => report([2], [[0, 1]])).toThrow(RangeError);
  });
});

describe('any predictions', () => {
  // In quarters and, in the test that reverses them, all different: no confidence then lies on the edge of a bin.
  const logit = fc.integer({ min: -80, max: 80 }).map((quarters) => quarters / 4);
  const predictions = fc.integer({ min: 2, max: 6 }).chain((classes) =>
    fc.array(fc.tuple(fc.nat(classes - 1), fc.array(logit, { minLength: classes, maxLength: classes })), {
      minLength: 1,
      maxLength: 25,
    }),
  );
  const of = (rows: [number, number[]][], over: Partial<ReportOptions> = {}): ClassificationReport =>
    report(
      rows.map(([target]) => target),
      rows.map(([, logits]) => logits),
      over,
    );

  it('have metrics within their bounds and within their intervals', () => {
    fc.assert(
      fc.property(predictions, (rows) => {
        const { metrics, intervals, confusion, per_class, n } = of(rows);
        for (const key of KEYS) {
          const [low, high] = key === 'mcc' ? [-1, 1] : [0, key === 'loss' ? Number.POSITIVE_INFINITY : 1];
          expect(metrics[key]).toBeGreaterThanOrEqual(low! - 1e-12);
          expect(metrics[key]).toBeLessThanOrEqual(high! + 1e-12);
          if (key !== 'accuracy' && n < 10) expect(intervals[key]).toBeNull();
          else {
            expect(intervals[key]!.low).toBeLessThanOrEqual(metrics[key] + 1e-12);
            expect(intervals[key]!.high).toBeGreaterThanOrEqual(metrics[key] - 1e-12);
          }
        }
        expect(confusion.flat().reduce((a, b) => a + b)).toBe(n);
        expect(confusion.map((row) => row.reduce((a, b) => a + b))).toEqual(per_class.map(({ support }) => support));
      }),
      { numRuns: 60 },
    );
  });

  it('have the same metrics in any order of rows', () => {
    fc.assert(
      fc.property(predictions, fc.infiniteStream(fc.nat()), (rows, keys) => {
        const shuffled = rows.map((row) => ({ row, key: keys.next().value as number })).sort((a, b) => a.key - b.key);
        const one = of(rows);
        const other = of(shuffled.map(({ row }) => row));
        for (const key of KEYS) expect(other.metrics[key]).toBeCloseTo(one.metrics[key], 9);
        expect(other.confusion).toEqual(one.confusion);
        expect(other.per_class).toEqual(one.per_class);
        expect(other.worst.map(({ loss }) => loss)).toEqual(one.worst.map(({ loss }) => loss));
      }),
      { numRuns: 60 },
    );
  });

  it('have the same metrics when classes are renamed', () => {
    fc.assert(
      fc.property(predictions, (rows) => {
        // Ties go to the first class, so that reversing them would change the answer.
        fc.pre(rows.every(([, logits]) => new Set(logits).size === logits.length));
        const one = of(rows);
        const other = of(rows.map(([target, logits]) => [logits.length - 1 - target, [...logits].reverse()]));
        for (const key of KEYS) expect(other.metrics[key]).toBeCloseTo(one.metrics[key], 9);
        expect(other.confusion).toEqual(one.confusion.map((row) => [...row].reverse()).reverse());
      }),
      { numRuns: 60 },
    );
  });

  it('have the same intervals each time', () => {
    fc.assert(
      fc.property(predictions, (rows) => {
        expect(of(rows)).toEqual(of(rows));
      }),
      { numRuns: 10 },
    );
  });
});

describe('bootstrap intervals', () => {
  it('are as wide as theory says for a mean: about ±1.96 standard errors', () => {
    const n = 400;
    const logits = Array.from({ length: n }, (_, i) => [((i * 37) % 101) / 25, 0]);
    const { metrics, intervals, worst } = report(new Array<number>(n).fill(0), logits);
    expect(worst[0]!.loss).toBeCloseTo(Math.log(2), 12);
    const losses = logits.map(([a]) => Math.log(1 + Math.exp(-a!)));
    const mean = losses.reduce((a, b) => a + b) / n;
    const error = Math.sqrt(losses.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n / n);
    expect(metrics.loss).toBeCloseTo(mean, 6);
    const width = intervals.loss!.high - intervals.loss!.low;
    // The percentiles of 1,000 resamples are themselves off by a few per cent.
    expect(width / (2 * 1.96 * error)).toBeGreaterThan(0.9);
    expect(width / (2 * 1.96 * error)).toBeLessThan(1.1);
  });
});
