import { largest } from './arrays.ts';
import { csv } from './csv.ts';
import type { Interval } from './evaluation.ts';
import type { Metrics } from './events.ts';
import { METRICS, type MetricKey, metricName, metricOf } from './metrics.ts';
import { type RunState, STATE_WORDS } from './states.ts';
import { type TaskName, taskOf } from './tasks.ts';

/** A run as a row of the runs table, for the page, the terminal and CSV. */
export interface RunRow {
  /** Its folder; what tells runs apart. */
  run: string;
  name: string;
  note: string;
  tags: string[];
  state: RunState;
  /** Its process took a call and has not answered for a while. */
  silent: boolean;
  /** Why it can only be looked at, or not even that, as a sentence; null where nothing is wrong. */
  problem: string | null;
  /** Why it failed. */
  error: string | null;
  task: TaskName;
  model: string;
  /** What people call its dataset, and all that its recipe says of it: runs of the same data compare. */
  dataset: string;
  data: string;
  strategy: string;
  created_at: string;
  /** Between its start and its end, or now; null before the start. */
  seconds: number | null;
  /** Share of the steps done; null while their number is not known. */
  progress: number | null;
  /** Of a cross-validation; its metrics are the folds' means. */
  folds: number | null;
  /** Of a run with several seeds; its metrics are their means. */
  seeds: number | null;
  /** Of the best weights, measured on the validation rows. */
  metrics: Metrics;
  /** The one that decides which weights are best. */
  main: MetricKey | null;
  /** Rows that were measured, and intervals, as its evaluation has them; null before there is one, or until it is read. */
  measured: { n: number; intervals: Partial<Record<MetricKey, Interval | null>> } | null;
  /** Training rows, once its data was read. */
  rows: number | null;
  /** Its recipe with dotted keys, without what has columns of its own. */
  recipe: Record<string, RecipeCell>;
}

export type RecipeCell = string | number | boolean;

export type RunCell = string | number | null;

export interface RunColumn {
  id: string;
  title: string;
  kind: 'text' | 'number' | 'metric' | 'duration' | 'time';
  value(row: RunRow): RunCell;
  /** What its cells are measured in; that of the row where it differs from row to row. */
  metric?(row: RunRow): MetricKey | null;
}

const RECIPE = 'recipe.';
const METRIC = 'metric.';

const text = (id: string, title: string, value: (row: RunRow) => RunCell): RunColumn => ({
  ...{ id, title, value },
  kind: 'text',
});

/** What every run has, in the order in which columns stand. */
export const RUN_COLUMNS: readonly RunColumn[] = [
  text('name', 'Name', ({ name }) => name),
  text('state', 'State', (row) => stateText(row)),
  text('task', 'Task', ({ task }) => taskOf(task).title),
  text('dataset', 'Dataset', ({ dataset }) => dataset),
  text('model', 'Model', ({ model }) => model),
  text('strategy', 'Strategy', ({ strategy }) => strategy),
  { id: 'rows', title: 'Training rows', kind: 'number', value: ({ rows }) => rows },
  { id: 'validation_rows', title: 'Validation rows', kind: 'number', value: ({ measured }) => measured?.n ?? null },
  {
    ...{ id: 'best', title: 'Main metric', kind: 'metric' },
    value: ({ main, metrics }) => (main === null ? null : (metrics[main] ?? null)),
    metric: ({ main }) => main,
  },
  { id: 'seconds', title: 'Time', kind: 'duration', value: ({ seconds }) => seconds },
  { id: 'created_at', title: 'Created', kind: 'time', value: ({ created_at }) => created_at },
  { id: 'folds', title: 'Folds', kind: 'number', value: ({ folds }) => folds },
  { id: 'seeds', title: 'Seeds', kind: 'number', value: ({ seeds }) => seeds },
  text('tags', 'Tags', ({ tags }) => tags.join(', ')),
  text('note', 'Note', ({ note }) => note),
  text('run', 'Folder', ({ run }) => run),
];

/** Shown until a person chooses. */
export const DEFAULT_COLUMNS: readonly string[] = [
  ...['name', 'state', 'task', 'model', 'strategy', 'rows', 'best', 'seconds', 'created_at'],
];

/** A state with how far it is, in words. */
export function stateText({ state, silent, progress }: Pick<RunRow, 'state' | 'silent' | 'progress'>): string {
  if (silent) return 'not answering';
  const share = state === 'running' || state === 'paused' || state === 'interrupted' ? progress : null;
  return share === null ? STATE_WORDS[state] : `${STATE_WORDS[state]}, ${Math.floor(100 * share)} %`;
}

const recipeColumn = (key: string): RunColumn => ({
  ...{ id: RECIPE + key, title: key, kind: 'text' },
  value: ({ recipe }) => cellOf(recipe[key]),
});

const cellOf = (value: RecipeCell | undefined): RunCell =>
  value === undefined ? null : typeof value === 'boolean' ? String(value) : value;

const metricColumn = (key: MetricKey): RunColumn => ({
  ...{ id: METRIC + key, title: metricName(key), kind: 'metric' },
  value: ({ metrics }) => metrics[key] ?? null,
  metric: () => key,
});

/** A column by its id; undefined for one that no version of ours has. */
export function runColumn(id: string): RunColumn | undefined {
  if (id.startsWith(RECIPE)) return recipeColumn(id.slice(RECIPE.length));
  if (id.startsWith(METRIC)) {
    const metric = metricOf(id.slice(METRIC.length));
    return metric && metricColumn(metric.key as MetricKey);
  }
  return RUN_COLUMNS.find((column) => column.id === id);
}

/** Columns of recipe values that runs have, in the order in which they are first met. */
export const recipeColumns = (rows: readonly RunRow[]): RunColumn[] =>
  [...new Set(rows.flatMap(({ recipe }) => Object.keys(recipe)))].map(recipeColumn);

/** Columns of metrics that runs were measured by, in the order in which metrics are listed. */
export const metricColumns = (rows: readonly RunRow[]): RunColumn[] =>
  METRICS.filter(({ key }) => rows.some(({ metrics }) => metrics[key] !== undefined)).map(({ key }) =>
    metricColumn(key),
  );

/**
 * Folders of the runs that are best of those that compare: the same task, data and metric. Only where there are several;
 * several that are equally good are all best.
 */
export function bestRuns(rows: readonly RunRow[]): Set<string> {
  const groups = new Map<string, { run: string; value: number; sign: number }[]>();
  for (const { run, task, data, main, metrics, problem } of rows) {
    const value = main === null ? undefined : metrics[main];
    if (main === null || value === undefined || problem !== null) continue;
    const key = JSON.stringify([task, data, main]);
    const sign = metricOf(main)?.better === 'lower' ? -1 : 1;
    groups.set(key, [...(groups.get(key) ?? []), { run, value, sign }]);
  }
  const best = new Set<string>();
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const most = largest(group.map(({ value, sign }) => sign * value));
    for (const { run, value, sign } of group) if (sign * value === most) best.add(run);
  }
  return best;
}

/**
 * Runs as CSV, for spreadsheets and pandas: plain numbers with a decimal point, times as ISO 8601, seconds. A metric
 * is three columns, with its interval's ends; the main one says which it is in a fourth.
 */
export function runsCsv(rows: readonly RunRow[], columns: readonly RunColumn[]): string {
  const fields = columns.flatMap((column): { name: string; value: (row: RunRow) => RunCell }[] => {
    const name = column.id.replace(RECIPE, '').replace(METRIC, '');
    const { metric } = column;
    if (metric === undefined) return [{ name, value: column.value }];
    const end = (side: keyof Interval) => (row: RunRow) => {
      const key = metric(row);
      return (key && row.measured?.intervals[key]?.[side]) ?? null;
    };
    return [
      ...(name === 'best' ? [{ name: 'metric', value: metric }] : []),
      { name, value: column.value },
      { name: `${name}_low`, value: end('low') },
      { name: `${name}_high`, value: end('high') },
    ];
  });
  return csv(
    fields.map(({ name }) => name),
    rows.map((row) => fields.map(({ value }) => value(row))),
  );
}
