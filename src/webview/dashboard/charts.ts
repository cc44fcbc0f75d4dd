import { html, type TemplateResult } from 'lit';
import { largest } from '../../protocol/arrays.ts';
import { HEADLINES, type MetricKey, metricOf } from '../../protocol/metrics.ts';
import type { StepColumn } from '../../protocol/steps.ts';
import { taskNameOf, taskOf } from '../../protocol/tasks.ts';
import {
  bytes,
  bytesTick,
  count,
  METRIC_NAMES,
  metric,
  metricInText,
  percentTick,
  significant,
  tick,
} from '../shared/format.ts';
import { align, type Decimation, decimate, type Source, windowOf } from './decimate.ts';
import { Smoother } from './smooth.ts';
import type { RunView } from './store.ts';
import type { Axis } from './view-state.ts';

/** Where a line's values come from: a column of the steps, or a metric of the validation evaluations. */
export type LineSource = { steps: StepColumn; smooth: boolean } | { metric: MetricKey };

export interface LineDefinition {
  key: string;
  name: string;
  source: LineSource;
  /** A VS Code theme colour's name, without `--vscode-`; in a comparison the run's colour stands instead. */
  color: string;
}

export interface ChartDefinition {
  id: string;
  title: string;
  lines: LineDefinition[];
  format: (value: number) => string;
  /** The same for an axis label: short, no needless noughts. */
  tick: (value: number) => string;
  /** Whether lower is better, for the summary; null when neither is. */
  better: 'lower' | 'higher' | null;
  /** Whether a logarithmic axis makes sense. */
  canBeLogarithmic: boolean;
  /** The axis starts at nought. */
  fromZero: boolean;
  /** Greatest possible value: the axis does not go beyond it. */
  atMost: number | null;
}

const steps = (
  id: string,
  title: string,
  column: StepColumn,
  color: string,
  smooth: boolean,
  format: (value: number) => string,
  options: Partial<ChartDefinition> = {},
): ChartDefinition => ({
  id,
  title,
  lines: [{ key: column, name: title, source: { steps: column, smooth }, color }],
  format,
  tick: format === bytes ? bytesTick : tick,
  better: null,
  canBeLogarithmic: false,
  fromZero: false,
  atMost: null,
  ...options,
});

const metricLine = (key: MetricKey, color: string): LineDefinition => ({
  key,
  name: METRIC_NAMES[key] ?? key,
  source: { metric: key },
  color,
});

const REST: ChartDefinition[] = [
  steps('learning_rate', 'Learning rate', 'learning_rate', 'charts-yellow', false, significant),
  steps('grad_norm', 'Gradient norm', 'grad_norm', 'charts-red', true, significant, { canBeLogarithmic: true }),
  steps('tokens_per_second', 'Tokens per second', 'tokens_per_second', 'charts-green', true, significant, {
    fromZero: true,
    better: 'higher',
  }),
  steps('rss_bytes', 'Memory', 'rss_bytes', 'charts-purple', false, bytes, { fromZero: true }),
];

const TRAINING_LOSS = { canBeLogarithmic: true, better: 'lower' } as const;

/** The metrics that say most, of the tasks that are drawn. */
const headlines = (runs: readonly RunView[]): readonly MetricKey[] =>
  HEADLINES.filter((key) => runs.some(({ record }) => taskOf(taskNameOf(record.recipe)).metrics.includes(key)));

const isShare = (key: MetricKey): boolean => metricOf(key)?.unit === 'share';

const SHARE_COLORS = ['charts-green', 'charts-purple', 'charts-yellow', 'charts-red'] as const;

/** One run: what belongs together shares a chart. */
const single = (keys: readonly MetricKey[], ofPairs: boolean, title: string): ChartDefinition[] => [
  // Where pairs are learnt, the loss of rows is another one: no line belongs beside it.
  ...(ofPairs
    ? [steps('loss', 'Loss of pairs', 'loss', 'charts-blue', true, significant, TRAINING_LOSS), validation('loss')]
    : [
        {
          id: 'loss',
          title,
          lines: [
            { key: 'loss', name: 'Training', source: { steps: 'loss', smooth: true }, color: 'charts-blue' },
            { key: 'validation', name: 'Validation', source: { metric: 'loss' }, color: 'charts-orange' },
          ],
          format: significant,
          tick,
          ...TRAINING_LOSS,
          fromZero: false,
          atMost: null,
        } satisfies ChartDefinition,
      ]),
  {
    ...validation('accuracy'),
    id: 'metrics',
    title: 'Validation metrics',
    lines: keys.filter(isShare).map((key, i) => metricLine(key, SHARE_COLORS[i % SHARE_COLORS.length]!)),
  },
  ...keys.filter((key) => key !== 'loss' && !isShare(key)).map(validation),
  ...REST,
];

/** A metric of the validation rows in a chart of its own. */
const validation = (key: MetricKey): ChartDefinition => ({
  id: `validation_${key}`,
  title: `Validation ${metricInText(key)}`,
  lines: [metricLine(key, 'charts-blue')],
  format: (value) => metric(key, value),
  tick: isShare(key) ? percentTick : tick,
  better: metricOf(key)?.better ?? null,
  canBeLogarithmic: metricOf(key)?.unit === 'nats',
  fromZero: false,
  atMost: isShare(key) ? 1 : null,
});

/** Several runs: one figure a chart, one line a run. */
const comparison = (keys: readonly MetricKey[], ofPairs: boolean, title: string): ChartDefinition[] => [
  steps(
    'loss',
    `Training ${ofPairs ? 'loss (few-shot: of pairs)' : title.toLowerCase()}`,
    'loss',
    'charts-blue',
    true,
    significant,
    TRAINING_LOSS,
  ),
  validation('loss'),
  ...keys.filter((key) => key !== 'loss').map(validation),
  ...REST,
];

const made = new Map<string, ChartDefinition[]>();

/** The same objects for the same charts: what is drawn is found again by the line that it was drawn for. */
export function chartsFor(runs: readonly RunView[]): ChartDefinition[] {
  const keys = headlines(runs);
  const ofPairs = runs.some(({ start }) => start?.loss_of === 'pairs');
  const layout = runs.length > 1 ? comparison : single;
  // What a prompt is pre-trained by is another loss than the rows'.
  const before = largest(runs, ({ start }) => start?.pretraining?.steps ?? 0, 0);
  const title = before > 0 ? `Loss (of pre-training up to step ${count(before)})` : 'Loss';
  const name = `${runs.length > 1} ${ofPairs} ${title} ${keys.join(' ')}`;
  const charts = made.get(name) ?? layout(keys, ofPairs, title).filter(({ lines }) => lines.length > 0);
  made.set(name, charts);
  return charts;
}

/** Colours of compared runs, in order; as far apart as the theme's chart colours allow. */
export const RUN_COLORS = [
  'charts-blue',
  'charts-orange',
  'charts-green',
  'charts-purple',
  'charts-red',
  'charts-yellow',
] as const;

export const RUN_DASHES: readonly number[][] = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 4]];

/** The sign of a compared run in lists and legends: its colour, and in high contrast its dashes, as its line has them. */
export const runSwatch = (index: number): TemplateResult =>
  html`<span class="swatch swatch-${RUN_COLORS[index % RUN_COLORS.length]!} dash-${index % RUN_DASHES.length}" aria-hidden="true"></span>`;

/** One drawn line: which run's, which definition, and how. */
export interface DrawnLine {
  run: RunView;
  line: LineDefinition;
  kind: 'raw' | 'smooth' | 'plain' | 'points';
  color: string;
  /** Dashes in CSS pixels; drawn in high contrast, whose few colours are alike. */
  dash: number[];
}

export interface Drawing {
  /** As uPlot takes it: x, then one array for each of `lines`. */
  data: [ArrayLike<number>, ...ArrayLike<number | null>[]];
  lines: DrawnLine[];
  /** Shown range of x; null when there is nothing to show. */
  x: { min: number; max: number } | null;
}

/** A column as an axis: x = (column − origin) · scale. */
interface AxisColumn {
  column: Float64Array;
  origin: number;
  scale: number;
}

const originOf = (run: RunView): number => run.log[0]?.time ?? run.steps.column('time')[0] ?? 0;

const axisColumn = (run: RunView, axis: Axis): AxisColumn =>
  axis === 'time'
    ? { column: run.steps.column('time'), origin: originOf(run), scale: 1 / 60 }
    : { column: run.steps.column(axis), origin: 0, scale: 1 };

/** x of a run's steps in the axis' unit: step, epoch, or minutes since the run's first line. */
export const stepAxis = (run: RunView, axis: Axis): Float64Array => {
  const { column, origin, scale } = axisColumn(run, axis);
  return axis === 'time' ? column.map((value) => (value - origin) * scale) : column;
};

/** The same of something that happened at a step. */
export const pointAxis = (run: RunView, axis: Axis, at: { step: number; epoch?: number; time: number }): number => {
  if (axis === 'step') return at.step;
  if (axis === 'time') return (at.time - originOf(run)) / 60;
  if (at.epoch !== undefined) return at.epoch;
  const index = Math.min(run.steps.length - 1, windowOf(run.steps.column('step'), at.step, at.step)[0] + 1);
  return index < 0 ? 0 : run.steps.column('epoch')[index]!;
};

/** What was computed of a run's columns, kept between drawings so that a new step costs one step. */
export class Averages {
  readonly #byRun = new WeakMap<object, Map<string, Smoother>>();
  readonly #decimations = new WeakMap<object, Map<string, { generation: number; decimation: Decimation }>>();

  /** The moving average of a column, [steps]; a view valid until the next call. */
  of(run: RunView, column: StepColumn, weight: number): Float64Array {
    const smoother = entry(this.#byRun, run.steps, column, () => new Smoother());
    return smoother.smooth(run.steps.column(column), weight, run.steps.generation);
  }

  /** Indices of a column's rows [from, to) that draw it. */
  decimate(run: RunView, column: StepColumn, from: number, to: number, buckets: number): Uint32Array {
    const kept = entry(this.#decimations, run.steps, column, () => ({
      generation: -1,
      decimation: decimate(new Float64Array(0), 0, 0, 1),
    }));
    const earlier = kept.generation === run.steps.generation ? kept.decimation : null;
    kept.decimation = decimate(run.steps.column(column), from, to, buckets, earlier);
    kept.generation = run.steps.generation;
    return kept.decimation.indices;
  }
}

const entry = <T>(byRun: WeakMap<object, Map<string, T>>, run: object, key: string, make: () => T): T => {
  let entries = byRun.get(run);
  if (!entries) {
    entries = new Map();
    byRun.set(run, entries);
  }
  let found = entries.get(key);
  if (found === undefined) {
    found = make();
    entries.set(key, found);
  }
  return found;
};

export interface DrawingRequest {
  chart: ChartDefinition;
  /** In order of their colours; hidden ones are in `hiddenRuns`. */
  runs: readonly RunView[];
  axis: Axis;
  zoom: { min: number; max: number } | null;
  smoothing: number;
  /** Keys of hidden lines in this chart, and ids of hidden runs. */
  hidden: readonly string[];
  hiddenRuns: readonly string[];
  /** Width of the plot in CSS pixels. */
  width: number;
}

/** What a chart draws: at most about two points a pixel and line, and only in the shown range. */
export const draw = (request: DrawingRequest, averages: Averages): Drawing => {
  const { chart, axis, zoom } = request;
  const range = zoom ?? { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  const sources: Source[] = [];
  const lines: DrawnLine[] = [];
  const several = request.runs.length > 1;
  request.runs.forEach((run, index) => {
    if (request.hiddenRuns.includes(run.id)) return;
    const dash = several ? RUN_DASHES[index % RUN_DASHES.length]! : [];
    for (const line of chart.lines) {
      if (request.hidden.includes(line.key)) continue;
      const color = several ? RUN_COLORS[index % RUN_COLORS.length]! : line.color;
      if ('metric' in line.source) {
        const key = line.source.metric;
        const points = run.evals.filter((e) => e.split === 'validation' && e.metrics[key] !== undefined);
        sources.push({ x: points.map((e) => pointAxis(run, axis, e)), ys: [points.map((e) => e.metrics[key]!)] });
        lines.push({ run, line, kind: 'points', color, dash });
        continue;
      }
      const { column, origin, scale } = axisColumn(run, axis);
      const y = run.steps.column(line.source.steps);
      const [from, to] = windowOf(column, range.min / scale + origin, range.max / scale + origin);
      const indices = averages.decimate(run, line.source.steps, from, to, Math.max(50, request.width));
      const x = pick(column, indices);
      if (axis === 'time') for (let i = 0; i < x.length; i++) x[i] = (x[i]! - origin) * scale;
      if (line.source.smooth && request.smoothing > 0 && several) {
        // Several runs' raw lines over one another hide what they show.
        sources.push({ x, ys: [pick(averages.of(run, line.source.steps, request.smoothing), indices)] });
        lines.push({ run, line, kind: 'smooth', color, dash });
      } else if (line.source.smooth && request.smoothing > 0) {
        const smooth = averages.of(run, line.source.steps, request.smoothing);
        sources.push({ x, ys: [pick(y, indices), pick(smooth, indices)] });
        lines.push({ run, line, kind: 'raw', color, dash: [] }, { run, line, kind: 'smooth', color, dash });
      } else {
        sources.push({ x, ys: [pick(y, indices)] });
        lines.push({ run, line, kind: 'plain', color, dash });
      }
    }
  });
  const data = align(sources);
  return { data, lines, x: zoom ?? extentOf(request.runs, axis) };
};

const pick = (values: Float64Array, indices: Uint32Array): Float64Array => {
  const picked = new Float64Array(indices.length);
  for (let i = 0; i < indices.length; i++) picked[i] = values[indices[i]!]!;
  return picked;
};

/** From nought to the last point of any run: every chart has the same range, so that they can be read together. */
const extentOf = (runs: readonly RunView[], axis: Axis): { min: number; max: number } | null => {
  let max = 0;
  for (const run of runs) {
    const { column, origin, scale } = axisColumn(run, axis);
    const evaluation = run.evals.at(-1);
    const last = column.at(-1);
    max = Math.max(
      max,
      last === undefined ? 0 : (last - origin) * scale,
      evaluation ? pointAxis(run, axis, evaluation) : 0,
    );
  }
  return max > 0 ? { min: 0, max } : null;
};

/** Value of a line nearest to index i of the common x, looking back first; null where there is none. */
export const nearest = (y: ArrayLike<number | null>, i: number): number | null => {
  for (let distance = 0; distance < y.length; distance++) {
    const before = y[i - distance];
    if (before !== undefined && before !== null) return before;
    const after = y[i + distance];
    if (after !== undefined && after !== null) return after;
  }
  return null;
};
