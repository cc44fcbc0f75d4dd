import { expect, it } from 'vitest';
import { formatInterval, formatMetric, METRICS } from './metrics.ts';

it('shares are percentages, all others have three digits', () => {
  expect(Object.fromEntries(METRICS.map(({ key }) => [key, formatMetric(key, 0.7704)]))).toEqual({
    ...{ accuracy: '77.0 %', f1_macro: '77.0 %', f1_micro: '77.0 %', f1_weighted: '77.0 %', mcc: '0.770' },
    ...{ f1: '77.0 %', precision: '77.0 %', recall: '77.0 %', pearson: '0.770', spearmanr: '0.770' },
    ...{ mse: '0.770', perplexity: '0.770', bits_per_byte: '0.770', loss: '0.770', ece: '77.0 %' },
  });
  expect([0, 1, -0.1694, 4.2, 17_719, 2.5e7, 0.00042].map((value) => formatMetric('mse', value))).toEqual([
    ...['0', '1.00', '-0.169', '4.20', '17,719', '2.5e7', '4.2e-4'],
  ]);
  expect([0, 1, 0.0004].map((value) => formatMetric('accuracy', value))).toEqual(['0.0 %', '100.0 %', '0.0 %']);
  expect(formatMetric('of another version', 0.7704)).toBe('0.770');
});

it('a number that is none, or beyond all numbers, is written as such', () => {
  expect([Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_VALUE].map((value) => formatMetric('loss', value))).toEqual([
    ...['NaN', '∞', '1.8e308'],
  ]);
});

it('an interval says its unit once', () => {
  expect(formatInterval('f1_macro', { low: 0.683, high: 0.7512 })).toBe('68.3 – 75.1 %');
  expect(formatInterval('mcc', { low: -0.25, high: 0.5 })).toBe('-0.250 – 0.500');
});

it('another language writes the numbers itself', () => {
  const german = (value: number, options: Intl.NumberFormatOptions) => value.toLocaleString('de', options);
  expect(formatMetric('loss', 0.2134, german)).toBe('0,213');
  expect(formatInterval('accuracy', { low: 0.683, high: 0.7512 }, german).replaceAll('\u00a0', ' ')).toBe(
    '68,3 – 75,1 %',
  );
});
