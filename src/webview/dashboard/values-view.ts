import { html, svg, type TemplateResult } from 'lit';
import { csv } from '../../protocol/csv.ts';
import type { ValueReport, ValueRow } from '../../protocol/evaluation.ts';
import { count, plural, significant } from '../shared/format.ts';
import { copyButton, lineCell } from './cells.ts';
import type { Page } from './page.ts';
import type { NamedReport } from './reports.ts';
import type { RunView } from './store.ts';
import { textsOf } from './texts.ts';

type Shown = NamedReport & { report: ValueReport };

/** A number a text: each row's value beside the one that was predicted, and the rows that are furthest off. */
export const valuesView = (
  run: RunView,
  { report }: Shown,
  page: Page,
): { beside: TemplateResult; below: TemplateResult } => ({
  beside: html`
    <section class="area-matrix" aria-labelledby="values-title">
      <div class="section-head">
        <h2 id="values-title">Predicted by actual value</h2>
        ${copyButton('values', () => pointsCsv(report), page)}
      </div>
      ${scatter(report)}
      <p class="empty">Each point is a row; on the line a prediction is exact.${
        report.points.length < report.n
          ? ` ${count(report.points.length)} of ${plural(report.n, 'row')} are shown.`
          : ''
      } Always answering the mean (${significant(report.mean.value)}) has a mean squared error of ${significant(report.mean.mse)}.</p>
    </section>`,
  below: html`
    <section aria-labelledby="worst-title">
      <h2 id="worst-title">Rows that are furthest off</h2>
      ${rowsTable(run, report.worst, page)}
    </section>`,
});

const pointsCsv = ({ points }: ValueReport): string => csv(['value', 'predicted'], points);

const SIZE = 480;
const EDGE = { left: 44, bottom: 34, top: 8, right: 20 };

/** Steps of 1, 2 or 5 times a power of ten, about five over a range. */
function ticksOf(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** A square with the same scale on both sides. */
const scatter = ({ points }: ValueReport): TemplateResult => {
  const all = points.flat();
  let low = all.reduce((a, b) => Math.min(a, b), Infinity);
  let high = all.reduce((a, b) => Math.max(a, b), -Infinity);
  if (low === high) [low, high] = [low - 1, high + 1];
  const room = 0.04 * (high - low);
  [low, high] = [low - room, high + room];
  const x = (value: number) => EDGE.left + ((value - low) / (high - low)) * (SIZE - EDGE.left - EDGE.right);
  const y = (value: number) => SIZE - EDGE.bottom - ((value - low) / (high - low)) * (SIZE - EDGE.bottom - EDGE.top);
  const label = (value: number) => significant(Math.abs(value) < 1e-9 * (high - low) ? 0 : value);
  return html`<svg class="scatter" viewBox="0 0 ${SIZE} ${SIZE}" role="img" aria-label="Predicted by actual value of ${plural(points.length, 'row')}">
    ${ticksOf(low, high).map(
      (tick) => svg`
        <line class="grid" x1=${x(tick)} x2=${x(tick)} y1=${EDGE.top} y2=${SIZE - EDGE.bottom}></line>
        <line class="grid" x1=${EDGE.left} x2=${SIZE - EDGE.right} y1=${y(tick)} y2=${y(tick)}></line>
        <text x=${x(tick)} y=${SIZE - EDGE.bottom + 14} text-anchor="middle">${label(tick)}</text>
        <text x=${EDGE.left - 6} y=${y(tick) + 4} text-anchor="end">${label(tick)}</text>`,
    )}
    <line class="exact" x1=${x(low)} y1=${y(low)} x2=${x(high)} y2=${y(high)}></line>
    ${points.map(([value, predicted]) => svg`<circle cx=${x(value)} cy=${y(predicted)} r="3"></circle>`)}
    <text x=${(EDGE.left + SIZE - EDGE.right) / 2} y=${SIZE - 4} text-anchor="middle">Actual</text>
    <text transform="translate(10 ${(SIZE - EDGE.bottom + EDGE.top) / 2}) rotate(-90)" text-anchor="middle">Predicted</text>
  </svg>`;
};

const rowsTable = (run: RunView, rows: readonly ValueRow[], page: Page): TemplateResult => html`
  <div class="scroll-x"><table class="data rows">
    <thead><tr><th scope="col" class="number">Line</th><th scope="col">Text</th><th scope="col" class="number">Actual</th><th scope="col" class="number">Predicted</th><th scope="col" class="number">Difference</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr>
        ${lineCell(run, row, page)}
        <td class="text">${textsOf(row)}</td>
        <td class="number">${significant(row.value)}</td>
        <td class="number">${significant(row.predicted)}</td>
        <td class="number">${significant(row.predicted - row.value)}</td>
      </tr>`,
    )}</tbody>
  </table></div>`;
