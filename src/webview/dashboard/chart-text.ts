import { csv } from '../../protocol/csv.ts';
import { count, duration, short } from '../shared/format.ts';
import { type ChartDefinition, pointAxis, stepAxis } from './charts.ts';
import type { RunView } from './store.ts';
import type { Axis } from './view-state.ts';

export const AXIS_NAMES: Readonly<Record<Axis, string>> = { step: 'Step', epoch: 'Epoch', time: 'Time' };

/** A place on the axis, in words. */
export const axisValue = (axis: Axis, value: number): string =>
  axis === 'step'
    ? `step ${count(Math.round(value))}`
    : axis === 'epoch'
      ? `epoch ${short(value)}`
      : duration(value * 60);

interface Points {
  /** Told apart by run where there are several. */
  name: string;
  series: string;
  run: RunView;
  steps: ArrayLike<number>;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
}

/** Every line's full data, nothing left out. */
const pointsOf = (chart: ChartDefinition, runs: readonly RunView[], axis: Axis): Points[] =>
  runs.flatMap((run) =>
    chart.lines.map((line) => {
      const name = runs.length > 1 ? `${run.record.name}: ${line.name}` : line.name;
      if ('metric' in line.source) {
        const key = line.source.metric;
        const evals = run.evals.filter((e) => e.split === 'validation' && e.metrics[key] !== undefined);
        return {
          name,
          series: line.name,
          run,
          steps: evals.map((e) => e.step),
          x: evals.map((e) => pointAxis(run, axis, e)),
          y: evals.map((e) => e.metrics[key]!),
        };
      }
      return {
        name,
        series: line.name,
        run,
        steps: run.steps.column('step'),
        x: stepAxis(run, axis),
        y: run.steps.column(line.source.steps),
      };
    }),
  );

/** What the chart shows, for those who do not see it: for each line how many points, first, last and best. */
export const summary = (chart: ChartDefinition, runs: readonly RunView[], axis: Axis): string => {
  const parts = pointsOf(chart, runs, axis).map(({ name, x, y }) => {
    if (y.length === 0) return `${name}: no points yet`;
    const first = chart.format(y[0]!);
    const last = chart.format(y[y.length - 1]!);
    if (y.length === 1) return `${name}: ${first} at ${axisValue(axis, x[0]!)}`;
    let extreme = 0;
    for (let i = 1; i < y.length; i++)
      if (chart.better === 'higher' ? y[i]! > y[extreme]! : y[i]! < y[extreme]!) extreme = i;
    const best =
      chart.better === null
        ? ''
        : `, ${chart.better === 'lower' ? 'lowest' : 'highest'} ${chart.format(y[extreme]!)} at ${axisValue(axis, x[extreme]!)}`;
    return `${name}: ${count(y.length)} points from ${first} to ${last}${best}`;
  });
  return `${chart.title}. ${parts.join('. ')}.`;
};

/** The chart's data as CSV: one row a point, so that lines with steps of their own need no gaps. */
export const chartCsv = (chart: ChartDefinition, runs: readonly RunView[]): string =>
  csv(
    ['run', 'series', 'step', 'value'],
    (function* () {
      for (const { run, series, steps, y } of pointsOf(chart, runs, 'step'))
        for (let i = 0; i < y.length; i++) yield [run.record.name, series, steps[i]!, y[i]!] as const;
    })(),
  );
