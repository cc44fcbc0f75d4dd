import { html, svg, type TemplateResult } from 'lit';
import { valuesText } from '../../protocol/comparison.ts';
import { recipeNumber } from '../../protocol/figures.ts';
import type { MetricKey } from '../../protocol/metrics.ts';
import { isPercentage } from '../../protocol/metrics.ts';
import { capital, duration, metric, metricInText, percentTick, plural, tick } from '../shared/format.ts';
import type { Measured } from './store.ts';

const HEIGHT = 300;
const EDGE = { left: 64, bottom: 42, top: 16, right: 24 };
/** Room of a letter and of a line of names. */
const LETTER = 6.5;
const LINE = 15;

export interface Point {
  name: string;
  isChosen: boolean;
  result: Measured['result'];
  /** Of successive halving: of a rung before the last, and so trained for a shorter time. */
  isEarlier: boolean;
  /** Of a search: what was tried. */
  values: Readonly<Record<string, unknown>>;
}

/** What quality is drawn against. */
export interface Axis {
  /** Below the axis, and as a title says it. */
  title: string;
  name: string;
  /** Where a point stands, from 0 to 1; of one that has no place null. */
  place: (point: Point) => number | null;
  /** What a point's place says. */
  say: (point: Point) => string;
  ticks: (most: number) => { at: number; text: string }[];
}

/** Steps of 1, 2 or 5 times a power of ten, about five over a range. */
function linearTicks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/** Seconds that people count by. */
const TIMES = [
  1, 2, 3, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 1800, 3600, 7200, 14400, 36000, 86400, 172800, 604800,
];

/** Those within a range, as many as there is room for. */
function timeTicks(low: number, high: number, most: number): number[] {
  const within = TIMES.filter((seconds) => seconds >= low && seconds <= high);
  const every = Math.max(1, Math.ceil(within.length / most));
  return within.filter((_, i) => i % every === 0);
}

/** Places between two values, evenly or by their logarithms. */
function scaleOf(first: number, last: number, isLog: boolean): (value: number) => number {
  const of = isLog ? Math.log : (value: number) => value;
  return (value) => (of(value) - of(first)) / (of(last) - of(first) || 1);
}

const lowest = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
const highest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);

/** Logarithmic: ways differ by factors. */
export function timeAxis(points: readonly Point[]): Axis {
  const times = points.map(({ result }) => Math.max(0.5, result.wall_s));
  const [first, last] = [lowest(times) / 1.6, highest(times) * 1.6];
  const scale = scaleOf(first, last, true);
  return {
    ...{ title: 'Time (logarithmic)', name: 'time' },
    place: ({ result }) => scale(Math.max(0.5, result.wall_s)),
    say: ({ result }) => `in ${duration(result.wall_s)}`,
    ticks: (most) => timeTicks(first, last, most).map((seconds) => ({ at: scale(seconds), text: duration(seconds) })),
  };
}

/** 1, 2 and 5 times powers of ten, or these alone. */
function logTicks(low: number, high: number, most: number): number[] {
  const powers = Array.from(
    { length: Math.floor(Math.log10(high) + 1e-9) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => 10 ** (Math.floor(Math.log10(low)) + i),
  );
  const within = (values: number[]) => values.filter((value) => value >= low && value <= high);
  const all = within(powers.flatMap((power) => [power, 2 * power, 5 * power]));
  return all.length <= most ? all : within(powers);
}

/** Numbers that are no range. */
const MOST_LISTED = 6;
/** Share of a value's room in which its points stand. */
const SPREAD = 0.6;
/** From this factor between the smallest and the largest on, numbers are drawn by their logarithms. */
const FACTOR = 20;

/** A key of a recipe that was searched: by its numbers, or each value in a place of its own. */
export function valueAxis(key: string, points: readonly Point[]): Axis {
  const tried = points.flatMap(({ values }) => (key in values ? [values[key]] : []));
  const say = ({ values }: Point) => `${key} ${textOf(values[key])}`;
  const numbers = tried.filter((value): value is number => typeof value === 'number');
  const different = new Set(numbers).size;
  // A few that were tried several times come of a list: between them there is nothing.
  const isList = different <= MOST_LISTED && different < numbers.length;
  if (numbers.length === tried.length && different > 1 && !isList) {
    const [low, high] = [lowest(numbers), highest(numbers)];
    const isLog = low > 0 && high / low >= FACTOR;
    const [first, last] = isLog ? [low / 1.3, high * 1.3] : [low - 0.06 * (high - low), high + 0.06 * (high - low)];
    const scale = scaleOf(first, last, isLog);
    return {
      ...{ title: isLog ? `${key} (logarithmic)` : key, name: key, say },
      place: ({ values }) => (typeof values[key] === 'number' ? scale(values[key]) : null),
      ticks: (most) =>
        (isLog ? logTicks(first, last, most) : linearTicks(first, last)).map((value) => ({
          at: scale(value),
          text: recipeNumber(Number(value.toPrecision(3))),
        })),
    };
  }
  const inOrder = numbers.length === tried.length ? [...numbers].sort((a, b) => a - b) : tried;
  const names = [...new Set(inOrder.map(textOf))];
  const at = (name: string) => (names.indexOf(name) + 0.5) / names.length;
  return {
    ...{ title: key, name: key, say },
    place: (point) => {
      if (!(key in point.values)) return null;
      const name = textOf(point.values[key]);
      // Those with the same value beside each other, in the order in which they were tried.
      const same = points.filter(({ values }) => key in values && textOf(values[key]) === name);
      return at(name) + (SPREAD / names.length) * ((same.indexOf(point) + 0.5) / same.length - 0.5);
    },
    ticks: () => names.map((text) => ({ at: at(text), text: text.length > 24 ? `${text.slice(0, 23)}…` : text })),
  };
}

/** A value that was tried, as it is written in a recipe. */
export const textOf = (value: unknown): string => valuesText({ '': value }).trim();

/**
 * Quality against time, or against a value that was searched, each candidate with its 95 % interval.
 * @param width in pixels, so that letters keep their size
 */
export function qualityPlot(key: MetricKey, given: readonly Point[], width: number, axis: Axis): TemplateResult {
  const points = given.filter((point) => axis.place(point) !== null);
  const values = points.flatMap(({ result }) => [
    result.value,
    result.low ?? result.value,
    result.high ?? result.value,
  ]);
  let low = lowest(values);
  let high = highest(values);
  const room = 0.06 * (high - low) || 0.05 * (Math.abs(high) || 1);
  [low, high] = [low - room, high + room];
  if (isPercentage(key)) [low, high] = [Math.max(0, low), Math.min(1, high)];
  const place = (share: number) => EDGE.left + share * (width - EDGE.left - EDGE.right);
  const x = (point: Point) => place(axis.place(point) ?? 0);
  const y = (value: number) =>
    HEIGHT - EDGE.bottom - ((value - low) / (high - low)) * (HEIGHT - EDGE.bottom - EDGE.top);
  const label = isPercentage(key) ? percentTick : tick;
  // Of a search there are too many for names, and their places say what they are.
  const names = axis.name === 'time' ? placeNames(points, x, y, width) : [];
  const title = `${capital(metricInText(key))} against ${axis.name} of ${plural(points.length, 'candidate')}`;
  return html`<svg class="quality" width=${width} height=${HEIGHT} viewBox="0 0 ${width} ${HEIGHT}" role="img"
    aria-label=${`${title}. ${points.map((point) => `${axis.name === 'time' ? `${point.name}: ` : ''}${metric(key, point.result.value)} ${axis.say(point)}`).join('. ')}.`}>
    ${linearTicks(low, high).map(
      (at) => svg`
        <line class="grid" x1=${EDGE.left} x2=${width - EDGE.right} y1=${y(at)} y2=${y(at)}></line>
        <text x=${EDGE.left - 8} y=${y(at) + 4} text-anchor="end">${label(at)}</text>`,
    )}
    ${axis.ticks(Math.max(2, Math.floor((width - EDGE.left) / 72))).map(
      ({ at, text }) => svg`
        <line class="grid" x1=${place(at)} x2=${place(at)} y1=${EDGE.top} y2=${HEIGHT - EDGE.bottom}></line>
        <text x=${place(at)} y=${HEIGHT - EDGE.bottom + 16} text-anchor="middle">${text}</text>`,
    )}
    ${points.map((point) => {
      const { isChosen, isEarlier, result } = point;
      const at = x(point);
      const interval =
        result.low === null || result.high === null
          ? ''
          : svg`<path d="M${at} ${y(result.low)}V${y(result.high)}M${at - 4} ${y(result.low)}h8M${at - 4} ${y(result.high)}h8"></path>`;
      return svg`<g class=${isChosen ? 'chosen' : isEarlier ? 'earlier' : ''}>${interval}<circle class=${result.stopped ? 'stopped' : ''} cx=${at} cy=${y(result.value)} r=${isChosen ? 5.5 : 4}></circle></g>`;
    })}
    ${names.map(
      ({ text, isChosen, at }) =>
        svg`<text class=${isChosen ? 'name chosen-name' : 'name'} x=${at.x} y=${at.y} text-anchor=${at.anchor}>${text}</text>`,
    )}
    <text x=${(EDGE.left + width - EDGE.right) / 2} y=${HEIGHT - 6} text-anchor="middle">${axis.title}</text>
    <text transform="translate(12 ${(HEIGHT - EDGE.bottom + EDGE.top) / 2}) rotate(-90)" text-anchor="middle">${capital(metricInText(key))}</text>
  </svg>`;
}

interface Name {
  text: string;
  isChosen: boolean;
  at: { x: number; y: number; anchor: 'start' | 'end' };
}

/** Letters of a name that there is room for. */
const LONGEST_NAME = 28;

/** A name as a plot has room for it: of a long one the last part, where that tells it from the others. */
function shortName({ name }: Point, points: readonly Point[]): string {
  if (name.length <= LONGEST_NAME) return name;
  const lastOf = (other: string) => other.split('/').at(-1)!;
  const isAlone = points.filter((other) => lastOf(other.name) === lastOf(name)).length === 1;
  const text = isAlone ? lastOf(name) : name;
  return text.length > LONGEST_NAME ? `…${text.slice(1 - LONGEST_NAME)}` : text;
}

/**
 * Beside its point, on the side where it does not run into another's interval, and below a name that stands there
 * already.
 * @param x of a point, in pixels
 * @param y of a value, in pixels
 */
export function placeNames(
  points: readonly Point[],
  x: (point: Point) => number,
  y: (value: number) => number,
  width: number,
): Name[] {
  const placed: { left: number; right: number; y: number }[] = [];
  return [...points]
    .sort((a, b) => y(a.result.value) - y(b.result.value))
    .map((one) => {
      const { isChosen, result } = one;
      const text = shortName(one, points);
      const point = x(one);
      const wide = LETTER * text.length;
      const middle = y(result.value);
      const leftOf = (anchor: Name['at']['anchor']) => (anchor === 'start' ? point + 10 : point - 10 - wide);
      const fits = (anchor: Name['at']['anchor']) =>
        anchor === 'start' ? leftOf(anchor) + wide <= width - EDGE.right + 16 : leftOf(anchor) >= EDGE.left;
      const isFree = (anchor: Name['at']['anchor']) =>
        points.every((other) => {
          const at = x(other);
          const { value, low, high } = other.result;
          const isBeside = at < leftOf(anchor) - 6 || at > leftOf(anchor) + wide + 6;
          return (
            other === one || isBeside || y(high ?? value) > middle + LINE / 2 || y(low ?? value) < middle - LINE / 2
          );
        });
      const sides = (['start', 'end'] as const).filter(fits);
      const anchor = sides.find(isFree) ?? sides[0] ?? 'end';
      const left = leftOf(anchor);
      let at = middle + 4;
      const clashes = () =>
        placed.some((other) => left < other.right && other.left < left + wide && Math.abs(other.y - at) < LINE);
      while (clashes()) at += LINE / 3;
      placed.push({ left, right: left + wide, y: at });
      return { text, isChosen, at: { x: anchor === 'start' ? point + 10 : point - 10, y: at, anchor } };
    });
}
