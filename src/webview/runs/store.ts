import type { ErrorData } from '../../protocol/errors.ts';
import type { MetricKey } from '../../protocol/metrics.ts';
import { metricOf } from '../../protocol/metrics.ts';
import {
  bestRuns,
  DEFAULT_COLUMNS,
  metricColumns,
  RUN_COLUMNS,
  type RunCell,
  type RunColumn,
  type RunRow,
  recipeColumns,
  runColumn,
  runsCsv,
} from '../../protocol/run-row.ts';
import { type BrokenRun, parseRunsState, type RunsMessage, type RunsState } from '../../protocol/runs-page.ts';
import { RUN_STATES, STATE_WORDS } from '../../protocol/states.ts';
import { TASKS } from '../../protocol/tasks.ts';

/** A choice of a filter, with how many runs it fits. */
export interface FilterChoice {
  value: string;
  title: string;
  n: number;
}

export type Filter = Pick<RunsState, 'text' | 'state' | 'task' | 'tag'>;

const NO_FILTER: Filter = { text: '', state: '', task: '', tag: '' };

const INITIAL: RunsState = {
  version: 1,
  columns: [...DEFAULT_COLUMNS],
  sort: { column: 'created_at', descending: true },
  ...NO_FILTER,
  plot: { shown: false, axes: null, metric: null },
};

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** What the runs table shows; no DOM in here. What follows from the runs and the person's choices is found once. */
export class RunsStore {
  loaded = false;
  changeable = false;
  broken: BrokenRun[] = [];
  failure: ErrorData | null = null;
  /** Folders of the rows that are chosen, in the order in which they were. */
  readonly selected = new Set<string>();
  #rows = new Map<string, RunRow>();
  #state: RunsState = INITIAL;
  /** Grows with each change that rows or their order may follow. */
  #version = 0;
  readonly #found = new Map<string, { version: number; value: unknown }>();

  get state(): RunsState {
    return this.#state;
  }

  apply(message: RunsMessage): void {
    switch (message.type) {
      case 'snapshot':
        this.#rows = new Map(message.rows.map((row) => [row.run, row]));
        this.broken = message.broken;
        this.changeable = message.changeable;
        this.loaded = true;
        this.failure = null;
        break;
      case 'changed':
        for (const row of message.rows) this.#rows.set(row.run, row);
        for (const run of message.removed) this.#rows.delete(run);
        break;
      case 'broken':
        this.broken = message.broken;
        return;
      case 'failed':
        this.failure = message.error;
        return;
    }
    for (const run of this.selected) if (!this.#rows.has(run)) this.selected.delete(run);
    this.#version++;
  }

  change(change: Partial<RunsState>): void {
    this.#state = { ...this.#state, ...change };
    this.#version++;
  }

  get all(): RunRow[] {
    return this.#once('all', () => [...this.#rows.values()]);
  }

  /** Those that fit the filter, sorted; what has no value stands last whichever way. */
  get rows(): RunRow[] {
    return this.#once('rows', () => {
      const { sort } = this.#state;
      const column = runColumn(sort.column) ?? RUN_COLUMNS[0]!;
      const fits = fitting(this.#state);
      const keyed = this.all.filter(fits).map((row) => ({ row, value: column.value(row) }));
      const sign = sort.descending ? -1 : 1;
      keyed.sort((a, b) => {
        if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
        return sign * compareCells(a.value, b.value) || newest(a.row, b.row);
      });
      return keyed.map(({ row }) => row);
    });
  }

  get best(): ReadonlySet<string> {
    return this.#once('best', () => bestRuns(this.all));
  }

  get columns(): RunColumn[] {
    return this.#once('columns', () => this.#state.columns.map(runColumn).filter((column) => column !== undefined));
  }

  /** Every column that there is, as the chooser offers them; of recipe values those that differ first. */
  get choices(): { title: string; columns: RunColumn[] }[] {
    return this.#once('choices', () => {
      const recipe = recipeColumns(this.all);
      const differs = (column: RunColumn) => this.#distinct(column) > 1;
      return [
        { title: 'Run', columns: [...RUN_COLUMNS] },
        { title: 'Recipe, different among these runs', columns: recipe.filter(differs) },
        { title: 'Recipe, the same in all', columns: recipe.filter((column) => !differs(column)) },
        { title: 'Metrics on the validation rows', columns: metricColumns(this.all) },
      ].filter(({ columns }) => columns.length > 0);
    });
  }

  #distinct(column: RunColumn): number {
    return new Set(this.all.map((row) => column.value(row))).size;
  }

  /** Columns of the plot that a person may choose: what differs among the runs that are shown. */
  get axisChoices(): RunColumn[] {
    return this.#once('axisChoices', () => {
      const columns = [
        ...BEFORE.map(runColumn),
        ...recipeColumns(this.rows).filter(({ id }) => !UNPLOTTED.has(id)),
        ...BEHIND.map(runColumn),
      ].filter((column) => column !== undefined);
      return columns.filter((column) => {
        const values = new Set(this.rows.map((row) => column.value(row)).filter((value) => value !== null));
        // More words than this on an axis are no longer read.
        const words = [...values].filter((value) => typeof value === 'string').length;
        return values.size > 1 && words <= MOST_WORDS;
      });
    });
  }

  get axes(): RunColumn[] {
    const { axes } = this.#state.plot;
    return axes === null
      ? this.axisChoices.slice(0, DEFAULT_AXES)
      : this.axisChoices.filter(({ id }) => axes.includes(id));
  }

  get metricChoices(): RunColumn[] {
    return this.#once('metricChoices', () => metricColumns(this.rows));
  }

  /** The metric of the plot: as chosen, or the one that decides for most of the runs that are shown. */
  get plotMetric(): RunColumn | undefined {
    const { metricChoices, rows } = this;
    const chosen = metricChoices.find(({ id }) => id === this.#state.plot.metric);
    if (chosen) return chosen;
    const counts = new Map<MetricKey, number>();
    for (const { main } of rows) if (main !== null) counts.set(main, (counts.get(main) ?? 0) + 1);
    const [most] = [...counts].sort((a, b) => b[1] - a[1]);
    return metricChoices.find(({ id }) => id === `metric.${most?.[0]}`);
  }

  /** Those that the plot draws, the worst first so that the best lies on top. */
  get plotted(): RunRow[] {
    return this.#once('plotted', () => {
      const metric = this.plotMetric;
      const key = metric?.metric?.(this.all[0]!);
      if (metric === undefined || !key) return [];
      const sign = metricOf(key)?.better === 'lower' ? -1 : 1;
      const value = (row: RunRow) => sign * Number(metric.value(row));
      return this.rows.filter((row) => metric.value(row) !== null).sort((a, b) => value(a) - value(b));
    });
  }

  get stateChoices(): FilterChoice[] {
    return this.#once('states', () =>
      RUN_STATES.map((state) => ({
        ...{ value: state, title: STATE_WORDS[state] },
        n: this.all.filter((row) => row.state === state).length,
      })).filter(isThere(this.#state.state)),
    );
  }

  get taskChoices(): FilterChoice[] {
    return this.#once('tasks', () =>
      TASKS.map(({ name, title }) => ({
        ...{ value: name, title },
        n: this.all.filter(({ task }) => task === name).length,
      })).filter(isThere(this.#state.task)),
    );
  }

  get tagChoices(): FilterChoice[] {
    return this.#once('tags', () => {
      const counts = new Map<string, number>();
      if (this.#state.tag !== '') counts.set(this.#state.tag, 0);
      for (const { tags } of this.all) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
      return [...counts]
        .map(([value, n]) => ({ value, title: value, n }))
        .sort((a, b) => collator.compare(a.title, b.title));
    });
  }

  get isFiltered(): boolean {
    const { text, state, task, tag } = this.#state;
    return text.trim() !== '' || state !== '' || task !== '' || tag !== '';
  }

  clearFilter(): void {
    this.change(NO_FILTER);
  }

  /** Sorts by a column: the best, longest or newest first, texts by the alphabet; again, the other way round. */
  sortBy(column: RunColumn): void {
    const { sort } = this.#state;
    const descending = sort.column === column.id ? !sort.descending : beginsDescending(column);
    this.change({ sort: { column: column.id, descending } });
  }

  toggleColumn(id: string): void {
    const { columns } = this.#state;
    const order = this.choices.flatMap((group) => group.columns.map((column) => column.id));
    const chosen = columns.includes(id) ? columns.filter((one) => one !== id) : [...columns, id];
    // In the order of the chooser. Without its name nobody could tell which run a row is.
    const rank = (one: string) => order.indexOf(one);
    this.change({ columns: chosen.includes('name') ? chosen.sort((a, b) => rank(a) - rank(b)) : columns });
  }

  resetColumns(): void {
    this.change({ columns: [...DEFAULT_COLUMNS] });
  }

  select(run: string, on = !this.selected.has(run)): void {
    if (on) this.selected.add(run);
    else this.selected.delete(run);
  }

  /** The rows from one to another, as they stand. */
  selectRange(from: string, to: string): void {
    const at = (run: string) => this.rows.findIndex((row) => row.run === run);
    const [first, last] = [at(from), at(to)].sort((a, b) => a - b) as [number, number];
    for (const { run } of this.rows.slice(Math.max(0, first), last + 1)) this.selected.add(run);
  }

  /** The rows as they stand, with the columns that are shown. */
  csv(): string {
    return runsCsv(this.rows, this.columns);
  }

  kept(): RunsState {
    return this.#state;
  }

  restore(value: unknown): void {
    const parsed = parseRunsState(value);
    if (parsed.ok) this.change(parsed.message);
  }

  #once<T>(key: string, find: () => T): T {
    const found = this.#found.get(key);
    if (found?.version === this.#version) return found.value as T;
    const value = find();
    this.#found.set(key, { version: this.#version, value });
    return value;
  }
}

/** Of a run itself, what may be an axis: before its recipe's values, and behind them. */
const BEFORE = ['model', 'strategy'];
const BEHIND = ['dataset', 'rows', 'seconds'];
/** Recipe values that say nothing of how a run learns. */
const UNPLOTTED = new Set(['recipe.seed', 'recipe.backend', 'recipe.save_steps', 'recipe.logging_steps']);
const MOST_WORDS = 12;
const DEFAULT_AXES = 5;

const isThere =
  (chosen: string) =>
  ({ value, n }: FilterChoice): boolean =>
    n > 0 || value === chosen;

/** Every word must be found somewhere in what a run is called, made of, or tagged with. */
function fitting({ text, state, task, tag }: Filter): (row: RunRow) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (row) => {
    if (state !== '' && row.state !== state) return false;
    if (task !== '' && row.task !== task) return false;
    if (tag !== '' && !row.tags.includes(tag)) return false;
    if (words.length === 0) return true;
    const { name, note, model, dataset, strategy, tags, problem, error } = row;
    const hay = [name, note, model, dataset, strategy, ...tags, problem ?? '', error ?? ''].join('\n').toLowerCase();
    return words.every((word) => hay.includes(word));
  };
}

const compareCells = (a: NonNullable<RunCell>, b: NonNullable<RunCell>): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));

const newest = (a: RunRow, b: RunRow): number =>
  Number(a.created_at < b.created_at) - Number(a.created_at > b.created_at);

/** The main metric is of another kind from row to row; most are better when they are higher. */
function beginsDescending({ id, kind }: RunColumn): boolean {
  if (kind === 'text') return false;
  return kind !== 'metric' || metricOf(id.replace('metric.', ''))?.better !== 'lower';
}
