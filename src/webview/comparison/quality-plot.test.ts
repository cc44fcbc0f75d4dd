import { expect, test } from 'vitest';
import { type Point, timeAxis, valueAxis } from './quality-plot.ts';

const point = (values: Record<string, unknown>, wall_s = 10): Point => ({
  ...{ name: 'a', isChosen: false, isEarlier: false, values },
  result: {
    ...{ value: 0.8, low: null, high: null, n: 40, majority: null, wall_s, peak_rss_bytes: 1 },
    ...{ model_bytes: 1, adapter_bytes: null, stopped: false },
  },
});

test('times stand by their logarithms', () => {
  const points = [point({}, 1), point({}, 10), point({}, 100)];
  const { place, title } = timeAxis(points);
  const places = points.map((one) => place(one)!);
  expect(title).toBe('Time (logarithmic)');
  expect(places[1]! - places[0]!).toBeCloseTo(places[2]! - places[1]!, 12);
});

test('numbers far apart stand by their logarithms, others evenly, words each in a place of its own', () => {
  const key = 'learning_rate';
  const rates = [1e-5, 1e-4, 1e-3].map((rate) => point({ [key]: rate }));
  const log = valueAxis(key, rates);
  expect(log.title).toBe('learning_rate (logarithmic)');
  expect(log.place(rates[1]!)).toBeCloseTo(0.5, 12);
  expect(log.ticks(4).map(({ text }) => text)).toEqual(['1e-5', '1e-4', '0.001']);
  expect(log.say(rates[1]!)).toBe('learning_rate 1e-4');
  const sizes = [8, 12, 16].map((size) => point({ batch: size }));
  const even = valueAxis('batch', sizes);
  expect(even.title).toBe('batch');
  expect(even.place(sizes[1]!)).toBeCloseTo(0.5, 12);
  const ways = [{ type: 'full' }, { type: 'lora', r: 8 }].map((strategy) => point({ strategy }));
  const words = valueAxis('strategy', ways);
  expect(ways.map((way) => words.place(way))).toEqual([0.25, 0.75]);
  expect(words.ticks(4).map(({ text }) => text)).toEqual(['full', 'lora (r 8)']);
  expect(words.place(point({}))).toBeNull();
});

test('a few numbers that were tried several times have a place each, and their points stand beside each other', () => {
  const points = [8, 16, 8, 16, 8].map((batch) => point({ batch }));
  const { place, ticks } = valueAxis('batch', points);
  expect(ticks(9).map(({ text, at }) => [text, at])).toEqual([
    ['8', 0.25],
    ['16', 0.75],
  ]);
  const places = points.map((one) => place(one)!);
  expect(new Set(places).size).toBe(5);
  expect((places[0]! + places[2]! + places[4]!) / 3).toBeCloseTo(0.25, 12);
  for (const [i, at] of places.entries()) expect(at < 0.5).toBe(i % 2 === 0);
});
