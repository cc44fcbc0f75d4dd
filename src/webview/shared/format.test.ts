import { afterEach, describe, expect, test } from 'vitest';
import {
  bytes,
  bytesTick,
  clock,
  count,
  duration,
  fixed,
  inEnglish,
  interval,
  metric,
  milliseconds,
  percent,
  percentTick,
  setLanguage,
  short,
  shortDay,
  significant,
  tick,
} from './format.ts';
import { usableLanguage } from './language.ts';

afterEach(() => setLanguage('en'));

/** Arabic marks where text turns its direction; what is read is without them. */
const read = (text: string): string => text.replace(/[\u200e\u200f\u061c]/g, '').replaceAll('\u00a0', ' ');

const shown = () => ({
  count: count(1234567),
  small: significant(0.12345),
  padded: significant(0.5),
  middle: significant(4321.7),
  rate: significant(2.5e-5),
  huge: significant(-1.2e7),
  percent: percent(0.9534),
  bytes: [bytes(999), bytes(1000), bytes(1.355e9)],
  duration: [duration(40), duration(65), duration(3900), duration(2e6)],
  interval: interval('accuracy', { low: 0.912, high: 0.95 }),
  loss: metric('loss', 0.2134),
  mcc: metric('mcc', -0.25),
  fixed: fixed(0.9, 2),
  short: short(1.204),
  ticks: [tick(0.25), tick(12000), tick(2e-5), tick(1.5e6), tick(5e29), percentTick(0.125), bytesTick(1.5e9)],
});

describe('figures', () => {
  test('in English', () => {
    expect(shown()).toEqual({
      count: '1,234,567',
      small: '0.123',
      padded: '0.500',
      middle: '4,322',
      rate: '2.5e-5',
      huge: '-1.2e7',
      percent: '95.3 %',
      bytes: ['999 B', '1.00 kB', '1.36 GB'],
      duration: ['40 s', '1 min 5 s', '1 h 5 min', '23 d 3 h'],
      interval: '91.2 – 95.0 %',
      loss: '0.213',
      mcc: '-0.250',
      fixed: '0.90',
      short: '1.2',
      ticks: ['0.25', '12k', '2e-5', '1.5M', '5e29', '12.5 %', '1.5 GB'],
    });
  });

  test('in German', () => {
    setLanguage('de');
    expect(JSON.parse(read(JSON.stringify(shown())))).toEqual({
      count: '1.234.567',
      small: '0,123',
      padded: '0,500',
      middle: '4.322',
      rate: '2,5e-5',
      huge: '-1,2e7',
      percent: '95,3 %',
      bytes: ['999 B', '1,00 kB', '1,36 GB'],
      duration: ['40 s', '1 min 5 s', '1 h 5 min', '23 d 3 h'],
      interval: '91,2 – 95,0 %',
      loss: '0,213',
      mcc: '-0,250',
      fixed: '0,90',
      short: '1,2',
      ticks: ['0,25', '12k', '2e-5', '1,5M', '5e29', '12,5 %', '1,5 GB'],
    });
    expect(clock(0)).toMatch(/^\d\d:\d\d:\d\d$/);
  });

  test('in Arabic, with the digits of the country where it has its own', () => {
    setLanguage('ar-EG');
    expect(read(count(1234567))).toBe('١٬٢٣٤٬٥٦٧');
    expect(read(significant(0.12345))).toBe('٠٫١٢٣');
    expect(read(percent(0.9534))).toBe('٩٥٫٣٪');
    expect(read(duration(65))).toBe('١ min ٥ s');
    setLanguage('ar');
    expect(read(count(1234567))).toMatch(/^(1,234,567|١٬٢٣٤٬٥٦٧)$/);
  });

  test('what is not known is a dash', () => {
    for (const format of [count, significant, percent, bytes, duration])
      for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) expect(format(value)).toBe('–');
  });
});

test('what leaves the page is English, and the page stays as it was', () => {
  setLanguage('de');
  expect(inEnglish(() => [percent(0.5), significant(1.5)])).toEqual(['50.0 %', '1.50']);
  expect(() => inEnglish(() => JSON.parse('{'))).toThrow();
  expect(read(percent(0.5))).toBe('50,0 %');
});

test('a language that Intl refuses or does not know is English', () => {
  for (const tag of ['C', 'C.UTF-8', 'POSIX', 'en-US@posix', '', 'qps-ploc', 'not a language'])
    expect(usableLanguage(tag)).toBe('en');
  expect(['de', 'zh-cn', 'pt-br', 'ar'].map(usableLanguage)).toEqual(['de', 'zh-CN', 'pt-BR', 'ar']);
});

test('a day in a table has the time where it is of this year, else the year; what is none stays as it is', () => {
  const now = new Date(2026, 10, 28);
  const at = (year: number) => new Date(year, 10, 5, 8, 3).toISOString();
  expect([2026, 2025].map((year) => read(shortDay(at(year), now)).replaceAll('\u202f', ' '))).toEqual([
    'Nov 5, 8:03 AM',
    'Nov 5, 2025',
  ]);
  expect(shortDay('soon', now)).toBe('soon');
  setLanguage('de');
  expect(read(shortDay(at(2026), now))).toBe('5. Nov., 8:03');
});

test('the time of a step is in milliseconds, from ten seconds on in seconds', () => {
  expect([1715, 15_042, null].map(milliseconds)).toEqual(['1,715 ms', '15.0 s', '– ms']);
});
