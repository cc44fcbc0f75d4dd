import { expect, it, test } from 'vitest';
import { LuthierError, type RatePoint, rateCurve, rateSentences } from '../../protocol/index.ts';
import { rangeTest, rateAt, suggestRates } from './range-test.ts';
import type { Trainer } from './types.ts';

/** A trainer whose losses are given, by step from 1 on. */
function trainerOf(lossAt: (step: number, rate: number) => number): Trainer {
  const trainer = {
    step: 0,
    schedule: undefined as Trainer['schedule'],
    async trainStep() {
      const rate = trainer.schedule!({} as never, trainer.step, 100);
      const loss = lossAt(++trainer.step, rate);
      if (!Number.isFinite(loss)) throw new LuthierError('loss-not-finite', 'The loss is not finite.');
      return { step: trainer.step, epoch: 0, loss, learning_rate: rate, grad_norm: 1, tokens: 1 };
    },
  };
  return trainer as unknown as Trainer;
}
const { signal } = new AbortController();

test('rates grow by the same factor, from 1e-7 to 1 in 100 steps', () => {
  expect([rateAt(0), rateAt(99)]).toEqual([1e-7, 1]);
  // 99 steps of factor 10^(7/99): halfway, at 49.5, is 10^-3.5.
  expect(Math.log10(rateAt(49)) + Math.log10(rateAt(50))).toBeCloseTo(-7, 12);
  expect(rateAt(1) / rateAt(0)).toBeCloseTo(10 ** (7 / 99), 12);
});

it('records each loss with its mean, whose start is corrected', async () => {
  const { points, end } = await rangeTest(
    trainerOf((step) => [1, 2, 4][step - 1] ?? 4),
    { signal },
  );
  expect(points).toHaveLength(100);
  expect(end).toBe('done');
  // (0.02 · 1) / 0.02 = 1; (0.98 · 0.02 · 1 + 0.02 · 2) / (1 - 0.98²) = 0.0596 / 0.0396; the next by hand as well.
  expect(points[0]!.smoothed).toBeCloseTo(1, 12);
  expect(points[1]!.smoothed).toBeCloseTo(0.0596 / 0.0396, 12);
  expect(points[2]!.smoothed).toBeCloseTo((0.98 * 0.0596 + 0.08) / (1 - 0.98 ** 3), 12);
});

it('ends where the mean is four times its lowest, where a loss is not finite, and where it is told to', async () => {
  // From step 11 on a loss of 100: mean of ten ones and k hundreds, above 4 with the first: (1·… + 100·0.02) / … = 10.9.
  const risen = await rangeTest(
    trainerOf((step) => (step <= 10 ? 1 : 100)),
    { signal },
  );
  expect([risen.end, risen.points.length]).toEqual(['diverged', 11]);
  const broken = await rangeTest(
    trainerOf((step) => (step <= 7 ? 1 : Number.NaN)),
    { signal },
  );
  expect([broken.end, broken.points.length]).toEqual(['diverged', 7]);
  await expect(
    rangeTest(
      trainerOf(() => Number.NaN),
      { signal },
    ),
  ).rejects.toMatchObject({ code: 'loss-not-finite' });
  const control = new AbortController();
  const stopped = await rangeTest(
    trainerOf(() => 1),
    {
      signal: control.signal,
      onPoint: ({ step }) => step === 5 && control.abort(),
    },
  );
  expect([stopped.end, stopped.points.length]).toEqual(['interrupted', 5]);
});

it('suggests the rate at which the loss falls fastest, and a tenth of that at which it is lowest', () => {
  const point = (at: number, smoothed: number): RatePoint => ({
    ...{ step: at + 1, learning_rate: 10 ** (at / 10 - 5), loss: smoothed, smoothed },
  });
  // Flat, then falling from 20 on, fastest from 25 to 26, lowest at 30, then rising.
  const lossAt = (at: number) =>
    at < 20 ? 2 : at <= 25 ? 2 - 0.05 * (at - 20) : at <= 30 ? 1.45 - 0.05 * (at - 26) : 1.25 + 0.2 * (at - 30);
  const points = Array.from({ length: 40 }, (_, at) => point(at, lossAt(at)));
  // 10^(25/10 - 5) = 10^-2.5 = 0.0032; 10^(30/10 - 5) / 10 = 0.001.
  expect(suggestRates(points)).toEqual({ steepest: 0.0032, tenth_of_lowest: 0.001 });
  const rising = points.map((_, at) => point(at, 1 + at / 10));
  expect(suggestRates(rising)).toEqual({ steepest: null, tenth_of_lowest: null });
  expect(suggestRates(points.slice(0, 5))).toEqual({ steepest: null, tenth_of_lowest: null });
});

it('is told as a curve and in sentences', () => {
  const points = Array.from({ length: 60 }, (_, at) => ({
    ...{ step: at + 1, learning_rate: rateAt(at), loss: 2, smoothed: at === 59 ? 1 : 2 },
  }));
  const [head, first, ...rest] = rateCurve(points).split('\n');
  expect([head, first]).toEqual(['    rate      loss', `  1.0e-7      2.00  ${'━'.repeat(40)}`]);
  expect(rest.at(-1)).toMatch(/ 1\.00 {2}━{20}$/);
  const found = { key: 'learning_rate', end: 'diverged', steepest: 0.003, tenth_of_lowest: 0.001 } as const;
  expect(rateSentences(found)).toEqual([
    'The loss falls fastest at 0.003: a good learning_rate to begin with.',
    'A tenth of the rate with the lowest loss: 0.001.',
  ]);
  const none = rateSentences({ ...found, steepest: null, tenth_of_lowest: null, end: 'done' });
  expect(none[0]).toContain('none is suggested');
  expect(none[1]).toBe('The loss did not diverge up to a rate of 1.');
});
