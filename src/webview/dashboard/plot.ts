import uPlot from 'uplot';
import { tick } from '../shared/format.ts';
import type { Theme } from '../shared/theme.ts';
import type { ChartDefinition, Drawing } from './charts.ts';
import { logRange, logSplits } from './log-scale.ts';

/** Something that happened at a place on the x axis: a checkpoint, the best evaluation, a resume, or what a note says. */
export interface Marker {
  x: number;
  kind: 'checkpoint' | 'best' | 'resume' | 'mark';
}

export interface PlotCallbacks {
  onZoom(range: { min: number; max: number } | null): void;
  /** Index into the drawn data; null when the pointer left. */
  onCursor(index: number | null): void;
}

/** Distances of labels on an axis of steps: half a step there is none. */
const WHOLE = Array.from({ length: 9 }, (_, k) => [1, 2, 5].map((n) => n * 10 ** k)).flat();

/** A uPlot canvas in VS Code's colours. uPlot's own legend stays off: the page draws one that keys can reach. */
export class Plot {
  readonly #plot: uPlot;
  #x: Drawing['x'];
  #markers: readonly Marker[] = [];
  /** The best evaluation gets a line where its metrics are drawn, elsewhere its mark alone. */
  readonly #bestLine: boolean;

  constructor(
    host: HTMLElement,
    definition: ChartDefinition,
    drawing: Drawing,
    private readonly theme: Theme,
    scales: { logarithmic: boolean; wholeSteps: boolean },
    size: { width: number; height: number },
    callbacks: PlotCallbacks,
  ) {
    this.#x = drawing.x;
    this.#bestLine = definition.lines.some((line) => 'metric' in line.source);
    const fewPoints = (plot: uPlot, index: number): boolean => countOf(plot.data[index]!) < 200;
    // Axes from 0 to 1 of nothing would say 0.2 B of memory.
    const isEmpty = (plot: uPlot): boolean => plot.data[0].length === 0;
    const hardlyAny = (plot: uPlot): boolean => plot.data[0].length < 3;
    const font = `11px ${theme.font}`;
    const axis = {
      stroke: theme.muted,
      font,
      grid: { stroke: theme.grid, width: 1 },
      ticks: { show: false },
    } satisfies uPlot.Axis;
    this.#plot = new uPlot(
      {
        ...size,
        legend: { show: false },
        // Half a number's width on the right: the axis may end with one.
        padding: [8, 18, 0, 0],
        scales: {
          x: { time: false, range: () => [this.#x?.min ?? 0, this.#x?.max ?? 1] },
          y: {
            distr: scales.logarithmic ? 3 : 1,
            range: scales.logarithmic
              ? (_, min, max) => logRange(min, max)
              : (_, min, max) => {
                  if (min === null || max === null) return [0, 1];
                  const [low, high] = uPlot.rangeNum(definition.fromZero ? 0 : min, max, 0.1, true);
                  const { atMost } = definition;
                  return [
                    min >= 0 && low! < 0 ? 0 : low,
                    atMost !== null && max <= atMost ? Math.min(high!, atMost) : high,
                  ];
                },
          },
        },
        axes: [
          {
            ...axis,
            size: 28,
            gap: 4,
            space: 64,
            ...(scales.wholeSteps ? { incrs: WHOLE } : {}),
            values: (plot, splits) => splits.map((v) => (v === null || isEmpty(plot) ? '' : tick(v, 6))),
          },
          {
            ...axis,
            size: 56,
            gap: 4,
            space: 32,
            ...(scales.logarithmic
              ? {
                  splits: (_: uPlot, __: number, min: number, max: number) => logSplits(min, max),
                  filter: (_: uPlot, splits: number[]) => splits,
                }
              : {}),
            values: (plot, splits) => splits.map((v) => (v === null || isEmpty(plot) ? '' : definition.tick(v))),
          },
        ],
        series: [
          {},
          ...drawing.lines.map((line): uPlot.Series => {
            const stroke = theme.color(line.color);
            return {
              stroke,
              width: line.kind === 'raw' ? 1 : theme.highContrast ? 2 : 1.5,
              alpha: line.kind === 'raw' ? (theme.highContrast ? 0.5 : 0.3) : 1,
              spanGaps: true,
              ...(theme.highContrast && line.dash.length > 0 ? { dash: line.dash } : {}),
              points: {
                // A line of few points shows them, so that a single point is seen at all.
                show: line.kind === 'points' ? fewPoints : line.kind === 'raw' ? false : hardlyAny,
                size: 5,
                width: 1,
                stroke,
                fill: stroke,
              },
            };
          }),
        ],
        cursor: {
          y: false,
          drag: { x: true, y: false, setScale: false, dist: 4 },
          // The average's point says where the cursor is; one more on the raw line beside it would be noise.
          points: { size: (_, series) => (drawing.lines[series - 1]?.kind === 'raw' ? 0 : 6) },
          sync: { key: 'luthier', setSeries: false, scales: ['x', null] },
          bind: {
            dblclick: () => () => {
              callbacks.onZoom(null);
              return null;
            },
          },
        },
        hooks: {
          setSelect: [
            (plot) => {
              const { left, width } = plot.select;
              if (width < 4) return;
              const min = plot.posToVal(left, 'x');
              const max = plot.posToVal(left + width, 'x');
              plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              callbacks.onZoom({ min, max });
            },
          ],
          setCursor: [(plot) => callbacks.onCursor(plot.cursor.left! < 0 ? null : (plot.cursor.idx ?? null))],
          draw: [(plot) => this.#drawMarkers(plot)],
        },
      },
      drawing.data as uPlot.AlignedData,
      host,
    );
  }

  get data(): Drawing['data'] {
    return this.#plot.data as Drawing['data'];
  }

  get canvas(): HTMLCanvasElement {
    return this.#plot.ctx.canvas;
  }

  /** Draws new data of the same lines. */
  set(drawing: Drawing, markers: readonly Marker[]): void {
    this.#x = drawing.x;
    this.#markers = markers;
    // In a batch uPlot draws at once; else it waits for a microtask, past what the page's frame budget can see.
    this.#plot.batch(() => this.#plot.setData(drawing.data as uPlot.AlignedData, true));
  }

  resize(size: { width: number; height: number }): void {
    if (size.width !== this.#plot.width || size.height !== this.#plot.height) this.#plot.setSize(size);
  }

  /** Draws the same again, its axes' labels made anew. */
  redraw(): void {
    this.#plot.batch(() => this.#plot.redraw(false, true));
  }

  /** Puts the cursor on a point of the data, as the pointer would. */
  point(index: number): void {
    const x = this.data[0][index];
    if (x === undefined) return;
    this.#plot.setCursor({ left: this.#plot.valToPos(x, 'x'), top: 8 });
  }

  leave(): void {
    this.#plot.setCursor({ left: -10, top: -10 });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #drawMarkers(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const half = 3.5 * ratio;
    let last = Number.NEGATIVE_INFINITY;
    ctx.save();
    for (const marker of this.#markers) {
      if (this.#x === null || marker.x < this.#x.min || marker.x > this.#x.max) continue;
      const x = Math.round(plot.valToPos(marker.x, 'x', true)) + 0.5;
      if (marker.kind === 'checkpoint') {
        // Where there are too many for their room, some stand for all: marks that run into one another say nothing.
        if (Math.abs(x - last) < 3 * half) continue;
        last = x;
      }
      const bottom = bbox.top + bbox.height;
      ctx.strokeStyle = ctx.fillStyle = marker.kind === 'best' ? this.theme.color('charts-green') : this.theme.muted;
      ctx.lineWidth = ratio;
      if (marker.kind === 'mark' || marker.kind === 'resume' || (marker.kind === 'best' && this.#bestLine)) {
        ctx.setLineDash(marker.kind === 'mark' ? [ratio, 2 * ratio] : [3 * ratio, 3 * ratio]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bottom);
        ctx.stroke();
      }
      if (marker.kind === 'mark' || marker.kind === 'resume') continue;
      ctx.beginPath();
      ctx.moveTo(x - half, bottom);
      ctx.lineTo(x, bottom - 1.8 * half);
      ctx.lineTo(x + half, bottom);
      ctx.closePath();
      ctx.fill();
    }
    ctx.restore();
  }
}

const countOf = (values: ArrayLike<unknown>): number => {
  let n = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== null) n++;
  return n;
};
