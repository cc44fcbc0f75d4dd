import { describe, expect, test } from 'vitest';
import { type Point, placeNames, timeAxis, valueAxis } from './quality-plot.ts';

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

test('times that hardly differ have more than one to be read by', () => {
  const axis = timeAxis([point({}, 216), point({}, 240)]);
  expect(axis.ticks(9).map(({ text }) => text)).toEqual(['3 min', '5 min']);
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

describe('names of points', () => {
  const named = (name: string, value: number, at: number): Point => {
    const { result, ...rest } = point({}, at);
    return { ...rest, name, result: { ...result, value, low: value - 0.1, high: value + 0.1 } };
  };
  /** Seconds are pixels, and a share is one of 300 pixels from below. */
  const place = (points: Point[]) =>
    placeNames(
      points,
      ({ result }) => result.wall_s,
      (value) => 300 * (1 - value),
      700,
    );
  const sides = (points: Point[]) => Object.fromEntries(place(points).map(({ text, at }) => [text, at.anchor]));

  test('stand where they do not run into the interval of another, and within the plot', () => {
    expect(sides([named('lora', 0.76, 400), named('freeze', 0.78, 430)])).toEqual({ lora: 'end', freeze: 'start' });
    // Its interval ends above.
    expect(sides([named('lora', 0.5, 400), named('freeze', 0.9, 430)])).toEqual({ lora: 'start', freeze: 'start' });
    expect(sides([named('full', 0.5, 690)])).toEqual({ full: 'end' });
    expect(sides([named('between', 0.5, 300), named('left', 0.5, 270), named('right', 0.5, 330)]).between).toBe(
      'start',
    );
  });

  test('are their last part where they are long and that tells them apart', () => {
    const long = 'sentence-transformers/all-MiniLM-L6-v2';
    const texts = (...names: string[]) =>
      place(names.map((name, i) => named(name, 0.1 + 0.2 * i, 300)))
        .map(({ text }) => text)
        .reverse();
    expect(texts('starters/bert', long)).toEqual(['starters/bert', 'all-MiniLM-L6-v2']);
    expect(texts('microsoft/all-MiniLM-L6-v2', long)).toEqual([
      'microsoft/all-MiniLM-L6-v2',
      '…ansformers/all-MiniLM-L6-v2',
    ]);
  });
});
