import { html, svg, type TemplateResult } from 'lit';
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
const TIMES = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 36000, 86400, 172800, 604800];

/** Those within a range, as many as there is room for. */
function timeTicks(low: number, high: number, most: number): number[] {
  const within = TIMES.filter((seconds) => seconds >= low && seconds <= high);
  const every = Math.max(1, Math.ceil(within.length / most));
  return within.filter((_, i) => i % every === 0);
}

/**
 * Quality against time, each candidate with its 95 % interval. Time is logarithmic: ways differ by factors.
 * @param width in pixels, so that letters keep their size
 */
export function qualityPlot(key: MetricKey, points: readonly Point[], width: number): TemplateResult {
  const values = points.flatMap(({ result }) => [
    result.value,
    result.low ?? result.value,
    result.high ?? result.value,
  ]);
  let low = values.reduce((a, b) => Math.min(a, b), Infinity);
  let high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const room = 0.06 * (high - low) || 0.05 * (Math.abs(high) || 1);
  [low, high] = [low - room, high + room];
  if (isPercentage(key)) [low, high] = [Math.max(0, low), Math.min(1, high)];
  const times = points.map(({ result }) => Math.max(0.5, result.wall_s));
  const first = times.reduce((a, b) => Math.min(a, b), Infinity) / 1.6;
  const last = times.reduce((a, b) => Math.max(a, b), -Infinity) * 1.6;
  const x = (seconds: number) =>
    EDGE.left + (Math.log(Math.max(0.5, seconds) / first) / Math.log(last / first)) * (width - EDGE.left - EDGE.right);
  const y = (value: number) =>
    HEIGHT - EDGE.bottom - ((value - low) / (high - low)) * (HEIGHT - EDGE.bottom - EDGE.top);
  const label = isPercentage(key) ? percentTick : tick;
  const names = placeNames(points, x, y, width);
  const title = `${capital(metricInText(key))} against time of ${plural(points.length, 'candidate')}`;
  return html`<svg class="quality" width=${width} height=${HEIGHT} viewBox="0 0 ${width} ${HEIGHT}" role="img"
    aria-label=${`${title}. ${points.map(({ name, result }) => `${name}: ${metric(key, result.value)} in ${duration(result.wall_s)}`).join('. ')}.`}>
    ${linearTicks(low, high).map(
      (at) => svg`
        <line class="grid" x1=${EDGE.left} x2=${width - EDGE.right} y1=${y(at)} y2=${y(at)}></line>
        <text x=${EDGE.left - 8} y=${y(at) + 4} text-anchor="end">${label(at)}</text>`,
    )}
    ${timeTicks(first, last, Math.max(2, Math.floor((width - EDGE.left) / 72))).map(
      (at) => svg`
        <line class="grid" x1=${x(at)} x2=${x(at)} y1=${EDGE.top} y2=${HEIGHT - EDGE.bottom}></line>
        <text x=${x(at)} y=${HEIGHT - EDGE.bottom + 16} text-anchor="middle">${duration(at)}</text>`,
    )}
    ${points.map(({ isChosen, result }) => {
      const at = x(result.wall_s);
      const interval =
        result.low === null || result.high === null
          ? ''
          : svg`<path d="M${at} ${y(result.low)}V${y(result.high)}M${at - 4} ${y(result.low)}h8M${at - 4} ${y(result.high)}h8"></path>`;
      return svg`<g class=${isChosen ? 'chosen' : ''}>${interval}<circle class=${result.stopped ? 'stopped' : ''} cx=${at} cy=${y(result.value)} r=${isChosen ? 5.5 : 4}></circle></g>`;
    })}
    ${names.map(
      ({ text, isChosen, at }) =>
        svg`<text class=${isChosen ? 'name chosen-name' : 'name'} x=${at.x} y=${at.y} text-anchor=${at.anchor}>${text}</text>`,
    )}
    <text x=${(EDGE.left + width - EDGE.right) / 2} y=${HEIGHT - 6} text-anchor="middle">Time (logarithmic)</text>
    <text transform="translate(12 ${(HEIGHT - EDGE.bottom + EDGE.top) / 2}) rotate(-90)" text-anchor="middle">${capital(metricInText(key))}</text>
  </svg>`;
}

interface Name {
  text: string;
  isChosen: boolean;
  at: { x: number; y: number; anchor: 'start' | 'end' };
}

/** Beside its point, on the side where there is room, and below a name that stands there already. */
function placeNames(
  points: readonly Point[],
  x: (seconds: number) => number,
  y: (value: number) => number,
  width: number,
): Name[] {
  const placed: { left: number; right: number; y: number }[] = [];
  return [...points]
    .sort((a, b) => y(a.result.value) - y(b.result.value))
    .map(({ name, isChosen, result }) => {
      const text = name.length > 28 ? `…${name.slice(-27)}` : name;
      const point = x(result.wall_s);
      const wide = LETTER * text.length;
      const anchor = point + 10 + wide > width - EDGE.right + 16 ? 'end' : 'start';
      const left = anchor === 'start' ? point + 10 : point - 10 - wide;
      let at = y(result.value) + 4;
      const clashes = () =>
        placed.some((other) => left < other.right && other.left < left + wide && Math.abs(other.y - at) < LINE);
      while (clashes()) at += LINE / 3;
      placed.push({ left, right: left + wide, y: at });
      return { text, isChosen, at: { x: anchor === 'start' ? point + 10 : point - 10, y: at, anchor } };
    });
}
