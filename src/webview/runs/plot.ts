import { html, nothing, svg, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { recipeNumber } from '../../protocol/figures.ts';
import { isPercentage } from '../../protocol/metrics.ts';
import type { RunCell, RunColumn, RunRow } from '../../protocol/run-row.ts';
import { duration, METRIC_NAMES, percent, plural, significant } from '../shared/format.ts';
import { LightElement } from '../shared/light-element.ts';
import { cellText } from './cells.ts';
import { type Axis, axisOf } from './parallel.ts';

const HEIGHT = 260;
const TOP = 28;
const BOTTOM = 28;
const SIDE = 100;
/** Between two axes at least; where the page is narrower, the plot scrolls. */
const GAP = 112;
/** Width of a letter of an axis' name. */
const LETTER = 6.5;
/** Share of the runs, the best ones, that are drawn in colour. */
const BEST_SHARE = 0.2;

/**
 * Chosen recipe values against a metric, a line for each run. Arrows move from run to run, by the metric; what the
 * lines show is said below, and the table has every figure.
 */
@customElement('luthier-parallel-plot')
export class ParallelPlot extends LightElement {
  /** The worst first. */
  @property({ attribute: false }) rows: readonly RunRow[] = [];
  @property({ attribute: false }) axes: readonly RunColumn[] = [];
  @property({ attribute: false }) metric: RunColumn | undefined;
  @property({ attribute: false }) selected: ReadonlySet<string> = new Set();
  /** Grows with each change of the store. */
  @property({ attribute: false }) version = 0;
  @property({ attribute: false }) opened: (run: string) => void = () => undefined;
  @state() private cursor: string | null = null;
  @state() private width = 0;
  #resize: ResizeObserver | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resize = new ResizeObserver(([entry]) => {
      this.width = Math.floor(entry?.contentRect.width ?? 0);
    });
    this.#resize.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize?.disconnect();
  }

  protected override render(): TemplateResult {
    const { metric, rows } = this;
    if (!metric || rows.length === 0 || this.axes.length === 0) {
      return html`<p class="empty">${
        rows.length === 0
          ? 'Appears once runs that are shown have been measured.'
          : 'The runs that are shown have the same recipe. The plot appears once they differ.'
      }</p>`;
    }
    const axes = [...this.axes, metric].map((column) => axisOf(column, rows));
    const current = rows.find(({ run }) => run === this.cursor);
    return html`<div class="plot" role="group" tabindex="0" aria-label=${this.#summary(metric)}
        aria-describedby="plot-said" @keydown=${this.#key} @blur=${() => this.#point(null)}
        @pointermove=${this.#pointer} @pointerleave=${() => this.#point(null)} @click=${() => this.#open()}>
        ${this.width > 0 ? this.#drawing(axes, current) : nothing}
      </div>
      <p class="plot-said muted" id="plot-said" aria-live="polite">${
        current
          ? this.#said(current, metric)
          : 'Arrow keys or the pointer follow a run, Enter opens it. The best fifth is drawn in colour.'
      }</p>`;
  }

  #drawing(axes: readonly Axis[], current: RunRow | undefined): TemplateResult {
    const { rows } = this;
    const width = this.#drawnWidth(axes.length);
    const x = (i: number) => SIDE + (i * (width - 2 * SIDE)) / (axes.length - 1);
    // As many as stand between two axes.
    const letters = Math.max(18, Math.floor((x(1) - x(0) - 8) / LETTER));
    const best = rows.length - Math.max(1, Math.round(rows.length * BEST_SHARE));
    const path = (row: RunRow) =>
      axes.map((axis, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(axis.at(row))}`).join('');
    return html`<svg width=${width} height=${HEIGHT} aria-hidden="true">
      ${rows.map(
        (row, i) => svg`<path class=${`line${i >= best ? ' top' : ''}${this.selected.has(row.run) ? ' chosen' : ''}`}
        data-run=${row.run} d=${path(row)}></path>`,
      )}
      ${current ? svg`<path class="line cursor" d=${path(current)}></path>` : nothing}
      ${axes.map((axis, i) => {
        const isLast = i === axes.length - 1;
        return svg`<line class="axis" x1=${x(i)} x2=${x(i)} y1=${TOP} y2=${HEIGHT - BOTTOM}></line>
          <text class="axis-name" x=${x(i)} y="14" text-anchor="middle">${cut(nameOf(axis.column), letters)}<title>${nameOf(axis.column)}</title></text>
          ${axis.ticks.map(
            ({ at, value }) => svg`<line class="axis" x1=${x(i) - 3} x2=${x(i) + 3} y1=${y(at)} y2=${y(at)}></line>
              <text class="tick" x=${x(i) + (isLast ? 7 : -7)} y=${y(at) + 4} text-anchor=${isLast ? 'start' : 'end'}>${cut(tickText(axis.column, value), 14)}<title>${tickText(axis.column, value)}</title></text>`,
          )}
          ${rows.some((row) => axis.at(row) === null) ? svg`<text class="tick" x=${x(i)} y=${HEIGHT - 4} text-anchor="middle">none</text>` : nothing}`;
      })}
    </svg>`;
  }

  #drawnWidth(axes: number): number {
    return Math.max(this.width, 2 * SIDE + (axes - 1) * GAP);
  }

  #key = (event: KeyboardEvent): void => {
    const { rows } = this;
    const at = rows.findIndex(({ run }) => run === this.cursor);
    const last = rows.length - 1;
    const to: Record<string, number> = {
      // The best is first.
      ArrowDown: at === -1 ? last : Math.max(0, at - 1),
      ArrowRight: at === -1 ? last : Math.max(0, at - 1),
      ArrowUp: at === -1 ? last : Math.min(last, at + 1),
      ArrowLeft: at === -1 ? last : Math.min(last, at + 1),
      Home: last,
      End: 0,
    };
    const next = to[event.key];
    if (next !== undefined) this.#point(rows[next]?.run ?? null);
    else if (event.key === 'Enter') this.#open();
    else if (event.key === 'Escape') this.#point(null);
    else return;
    event.preventDefault();
  };

  #pointer = (event: PointerEvent): void => {
    const box = this.querySelector('svg')?.getBoundingClientRect();
    const { metric, rows } = this;
    if (!box || !metric) return;
    const axes = [...this.axes, metric].map((column) => axisOf(column, rows));
    const width = this.#drawnWidth(axes.length);
    const place = ((event.clientX - box.left - SIDE) / (width - 2 * SIDE)) * (axes.length - 1);
    const left = Math.min(axes.length - 2, Math.max(0, Math.floor(place)));
    const share = Math.min(1, Math.max(0, place - left));
    let nearest = { run: null as string | null, distance: 16 };
    for (const row of rows) {
      const height = y(axes[left]!.at(row)) * (1 - share) + y(axes[left + 1]!.at(row)) * share;
      const distance = Math.abs(height - (event.clientY - box.top));
      if (distance <= nearest.distance) nearest = { run: row.run, distance };
    }
    this.#point(nearest.run);
  };

  #point(run: string | null): void {
    this.cursor = run;
  }

  #open(): void {
    if (this.cursor !== null) this.opened(this.cursor);
  }

  #said(row: RunRow, metric: RunColumn): string {
    const values = this.axes.map((column) => `${nameOf(column)} ${cellText(column, row)}`);
    return `${row.name}: ${values.join(', ')}; ${nameOf(metric)} ${cellText(metric, row)}`;
  }

  #summary(metric: RunColumn): string {
    const best = this.rows.at(-1)!;
    const names = this.axes.map(nameOf).join(', ');
    return `${plural(this.rows.length, 'run')} by ${names} and ${nameOf(metric)}. Best: ${this.#said(best, metric)}. The table has every figure.`;
  }
}

/** Where a share of an axis stands; what has no value runs below it. */
const y = (at: number | null): number =>
  at === null ? HEIGHT - 14 : Math.round(10 * (HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM))) / 10;

/** A recipe's key without the strategy before it, a metric's name. */
export const nameOf = (column: RunColumn): string =>
  column.kind === 'metric' ? (METRIC_NAMES[column.id.replace('metric.', '')] ?? column.title) : column.title;

function tickText(column: RunColumn, value: NonNullable<RunCell>): string {
  if (typeof value === 'string') return value;
  if (column.kind === 'duration') return duration(value);
  if (column.kind === 'metric')
    return isPercentage(column.id.replace('metric.', '')) ? percent(value) : significant(value);
  return recipeNumber(Number(value.toPrecision(4)));
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
