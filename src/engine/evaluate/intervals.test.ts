import { describe, expect, it } from 'vitest';
import type { ClassificationReport } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import { clopperPearson, intervalOfMean, intervalOfShare, ofAllOrNone, posterior } from './intervals.ts';
import { pooledReport } from './pool.ts';
import { classificationReport } from './report.ts';

/** How often an event of this probability comes k times in n. */
function binomial(n: number, k: number, p: number): number {
  let ways = 1;
  for (let i = 1; i <= k; i++) ways *= (n - k + i) / i;
  return ways * p ** k * (1 - p) ** (n - k);
}

describe('the interval of accuracy', () => {
  it.each([4, 10, 50].flatMap((n) => [0.5, 0.8, 0.95].map((p) => [n, p] as const)))(
    'over %i rows holds a true value of %f in at least 95 of 100 cases',
    (n, p) => {
      let held = 0;
      for (let hits = 0; hits <= n; hits++) {
        const { low, high } = clopperPearson(hits, n);
        if (low <= p && p <= high) held += binomial(n, hits, p);
      }
      expect(held).toBeGreaterThanOrEqual(0.95 - 1e-9);
    },
  );

  it.each([
    // scipy.stats.binomtest(hits, n).proportion_ci(method='exact')
    [4, 4, 0.39763536, 1],
    [0, 4, 0, 0.60236464],
    [9, 10, 0.55498388, 0.99747142],
    [500_000, 1_000_000, 0.49901951, 0.50098049],
    [999_999, 1_000_000, 0.99999443, 0.99999997],
  ])('of %i in %i is %f to %f', (hits, n, low, high) => {
    const interval = clopperPearson(hits, n);
    expect(interval.low).toBeCloseTo(low, 7);
    expect(interval.high).toBeCloseTo(high, 7);
  });
});

describe('the intervals of macro F1 and MCC', () => {
  const CASES = 150;
  const settings = [10, 50].flatMap((n) =>
    [2, 4].flatMap((classes) => [0.5, 0.8, 0.95].map((p) => [classes, n, p] as const)),
  );

  it.each(settings)(
    '%i balanced classes over %i rows, a share of %f right, errors spread evenly: the truth is held in 90 of 100 cases',
    (classes, n, p) => {
      const random = new Random(2026, 100 * classes + n);
      const known = new Map<string, ReturnType<typeof posterior>>();
      const held = { f1_macro: 0, mcc: 0 };
      for (let i = 0; i < CASES; i++) {
        const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
        for (let row = 0; row < n; row++) {
          const actual = row % classes;
          const other = (actual + 1 + random.below(classes - 1)) % classes;
          confusion[actual]![random.float() < p ? actual : other]!++;
        }
        const key = JSON.stringify(confusion);
        const intervals = known.get(key) ?? posterior(confusion);
        known.set(key, intervals);
        const truth = { f1_macro: p, mcc: (classes * p - 1) / (classes - 1) };
        for (const metric of ['f1_macro', 'mcc'] as const) {
          const { low, high } = intervals[metric];
          if (low <= truth[metric] && truth[metric] <= high) held[metric]++;
        }
      }
      expect(held.f1_macro / CASES).toBeGreaterThanOrEqual(0.9);
      expect(held.mcc / CASES).toBeGreaterThanOrEqual(0.9);
    },
    60_000,
  );

  it('narrow with the rows, as 1.96 standard errors do', () => {
    const width = (n: number) => {
      const { f1_macro } = posterior([
        [0.4 * n, 0.1 * n],
        [0.1 * n, 0.4 * n],
      ]);
      return f1_macro.high - f1_macro.low;
    };
    for (const n of [1000, 10_000]) {
      const expected = 2 * 1.96 * Math.sqrt((0.8 * 0.2) / n);
      expect(width(n) / expected).toBeGreaterThan(0.9);
      expect(width(n) / expected).toBeLessThan(1.15);
    }
  });

  it('take no longer for a thousand classes than one can wait', () => {
    const confusion = Array.from({ length: 1000 }, (_, i) => Array.from({ length: 1000 }, (_, j) => (i === j ? 9 : 0)));
    const { f1_macro, mcc } = posterior(confusion);
    expect(f1_macro.low).toBeGreaterThan(0.95);
    expect(mcc.high).toBeGreaterThan(0.999);
  });
});

describe('a report over few rows', () => {
  const of = (n: number, classes = 2): ClassificationReport => {
    const targets = Int32Array.from({ length: n }, (_, i) => i % classes);
    const logits = Float32Array.from({ length: n * classes }, (_, i) =>
      i % classes === Math.floor(i / classes) % classes ? 3 : 0,
    );
    return classificationReport({
      split: 'validation',
      labels: Array.from({ length: classes }, (_, k) => `class ${k}`),
      examples: Array.from(targets, (label, i) => ({ text: 'x', label, file: 'f.csv', line: i + 2 })),
      targets,
      logits,
    });
  };

  it('is not sure of a perfect score', () => {
    for (const n of [1, 4, 9, 10, 50, 1000]) {
      const { metrics, intervals } = of(n);
      expect(metrics.accuracy).toBe(1);
      expect(intervals.accuracy!.low).toBeLessThan(1);
      expect(intervals.accuracy!.high).toBe(1);
      for (const key of ['f1_macro', 'f1_weighted', 'mcc'] as const) {
        if (n < 10) expect(intervals[key]).toBeNull();
        else expect(intervals[key]!.low).toBeLessThan(1);
      }
      for (const key of ['loss', 'ece'] as const) expect(intervals[key] === null).toBe(n < 10);
    }
  });

  it('holds no NaN, whatever classes occur', () => {
    const labels = ['billing', 'login', 'shipping'];
    const report = (targets: number[], predicted: number[]) =>
      classificationReport({
        split: 'test',
        labels,
        examples: targets.map((label, i) => ({ text: 'x', label, file: 'f.csv', line: i + 2 })),
        targets: Int32Array.from(targets),
        logits: Float32Array.from(predicted.flatMap((k) => labels.map((_, j) => (j === k ? 4 : 0)))),
      });
    const oneClass = report(new Array(12).fill(0), new Array(12).fill(0));
    expect(oneClass.metrics).toMatchObject({ accuracy: 1, f1_macro: 1, mcc: 0 });
    expect(oneClass.per_class.map(({ support, f1 }) => [support, f1])).toEqual([
      [12, 1],
      [0, null],
      [0, null],
    ]);
    // "login" is predicted and does not occur: it counts among the classes with an F1 of 0.
    const predicted = report([0, 0, 2, 2], [0, 1, 2, 2]);
    expect(predicted.per_class[1]).toMatchObject({ precision: 0, recall: null, f1: null, support: 0 });
    expect(predicted.metrics.f1_macro).toBeCloseTo((2 / 3 + 0 + 1) / 3, 12);
    expect(report([1], [1]).metrics.mcc).toBe(0);
    for (const r of [oneClass, predicted, report([1], [1]), report([1], [2])]) {
      expect(JSON.stringify(r, (_, value) => (Number.isNaN(value) ? 'NaN' : value))).not.toContain('NaN');
    }
  });
});

describe('the intervals of a cross-validation’s folds together', () => {
  it('are as narrow as those of all rows at once', () => {
    const random = new Random(7, 1);
    const rows = Array.from({ length: 400 }, () => ({ target: random.below(2), logit: 4 * random.float() - 1 }));
    const of = (part: typeof rows): ClassificationReport =>
      classificationReport({
        split: 'validation',
        labels: ['no', 'yes'],
        examples: part.map(({ target }, i) => ({ text: 'x', label: target, file: 'f.csv', line: i + 2 })),
        targets: Int32Array.from(part, ({ target }) => target),
        logits: Float32Array.from(part.flatMap(({ target, logit }) => (target ? [0, logit] : [logit, 0]))),
      });
    const folds = [0, 1, 2, 3, 4].map((fold) => of(rows.slice(80 * fold, 80 * (fold + 1))));
    const [pooled, atOnce] = [pooledReport(folds), of(rows)];
    const width = ({ intervals }: ClassificationReport) => intervals.loss!.high - intervals.loss!.low;
    expect(width(pooled) / width(atOnce)).toBeGreaterThan(0.9);
    expect(width(pooled) / width(atOnce)).toBeLessThan(1.1);
    expect(pooled.metrics.loss).toBeCloseTo(atOnce.metrics.loss, 10);
    expect(pooled.intervals.accuracy).toEqual(atOnce.intervals.accuracy);
    expect(pooledReport([...folds, of(rows.slice(0, 5))]).intervals.loss).toBeNull();
  });
});

describe('the interval of a share that all rows have right, or none', () => {
  const drawn = { low: 1, high: 1 };

  it('is as exact as that of accuracy, and any other is left as it was drawn', () => {
    // 0.025 ** (1 / 14)
    expect(ofAllOrNone(1, 14, drawn)).toEqual({ low: expect.closeTo(0.7683642, 6), high: 1 });
    expect(ofAllOrNone(0, 14, { low: 0, high: 0 })).toEqual({ low: 0, high: expect.closeTo(0.2316358, 6) });
    expect(ofAllOrNone(0.5, 14, { low: 0.3, high: 0.7 })).toEqual({ low: 0.3, high: 0.7 });
    expect(ofAllOrNone(1, 14, null)).toBeNull();
    expect(ofAllOrNone(0, 0, { low: 0, high: 0 })).toEqual({ low: 0, high: 0 });
  });

  it('of parts that are all so is that of their rows together', () => {
    const part = (value: number, rows: number) => ({ value, weight: rows, interval: ofAllOrNone(value, rows, drawn) });
    expect(intervalOfShare([part(1, 14), part(1, 20), part(1, 36)])).toEqual({
      low: expect.closeTo(clopperPearson(70, 70).low, 9),
      high: 1,
    });
    expect(intervalOfShare([part(0, 14), part(0, 56)])).toEqual({
      low: 0,
      high: expect.closeTo(clopperPearson(0, 70).high, 9),
    });
    // A part without anything that counts takes nothing away.
    expect(intervalOfShare([part(1, 70), { value: 0, weight: 0, interval: { low: 0, high: 0 } }])!.low).toBeCloseTo(
      clopperPearson(70, 70).low,
      9,
    );
  });

  it('is not made sure by a part in which nothing counts', () => {
    const empty = { value: 0, weight: 14, interval: ofAllOrNone(0, 0, { low: 0, high: 0 }) };
    const wrong = { value: 0, weight: 14, interval: ofAllOrNone(0, 14, { low: 0, high: 0 }) };
    expect(intervalOfShare([empty, wrong])).toEqual({ low: 0, high: expect.closeTo(clopperPearson(0, 14).high, 9) });
    expect(intervalOfShare([empty, empty])).toEqual({ low: 0, high: 0 });
  });

  it('adds nothing to the width of others, which is that of all rows', () => {
    const some = { value: 0.8, weight: 14, interval: { low: 0.6, high: 0.9 } };
    const all = { value: 1, weight: 14, interval: ofAllOrNone(1, 14, drawn) };
    expect(intervalOfShare([some, all])).toEqual(intervalOfMean([some, { ...all, interval: drawn }]));
    expect(intervalOfShare([some, { ...all, interval: null }])).toBeNull();
  });
});
