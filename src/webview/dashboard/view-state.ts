/** How the person looks at the runs: kept over hiding, reloading and reopening. */
export const TABS = ['charts', 'evaluation', 'recipe', 'log'] as const;
export type Tab = (typeof TABS)[number];
export const AXES = ['step', 'epoch', 'time'] as const;
export type Axis = (typeof AXES)[number];

export interface ViewState {
  tab: Tab;
  /** Weight of the moving average, 0 to 0.99. */
  smoothing: number;
  axis: Axis;
  /** Shown range of the axis; null shows all and follows what comes. */
  zoom: { min: number; max: number } | null;
  /** Hidden lines, as "chart/line". */
  hidden: string[];
  hiddenRuns: string[];
  /** Charts with a logarithmic axis. */
  logarithmic: string[];
  /** Focused run, and the part of its data whose evaluation is shown. */
  focus: string | null;
  split: string | null;
  /** Open cell of the confusion matrix. */
  cell: { actual: string; predicted: string } | null;
  /** Classes shown in the matrix; 0 for all. */
  matrixSize: number;
  differencesOnly: boolean;
  scroll: number;
}

export const INITIAL_VIEW: ViewState = {
  tab: 'charts',
  smoothing: 0.9,
  axis: 'step',
  zoom: null,
  hidden: [],
  hiddenRuns: [],
  logarithmic: [],
  focus: null,
  split: null,
  cell: null,
  matrixSize: 20,
  differencesOnly: true,
  scroll: 0,
};

const number = (value: unknown, low: number, high: number): number | undefined =>
  typeof value === 'number' && value >= low && value <= high ? value : undefined;
const strings = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
const choice = <T extends string>(value: unknown, choices: readonly T[]): T | undefined =>
  choices.find((item) => item === value);

/** The view that was kept; what is missing or odd in it is as at first. */
export const parseView = (value: unknown): ViewState => {
  if (typeof value !== 'object' || value === null) return { ...INITIAL_VIEW };
  const kept = value as Record<string, unknown>;
  const zoom = kept.zoom as { min?: unknown; max?: unknown } | null | undefined;
  const cell = kept.cell as { actual?: unknown; predicted?: unknown } | null | undefined;
  return {
    tab: choice(kept.tab, TABS) ?? INITIAL_VIEW.tab,
    smoothing: number(kept.smoothing, 0, 0.99) ?? INITIAL_VIEW.smoothing,
    axis: choice(kept.axis, AXES) ?? INITIAL_VIEW.axis,
    zoom:
      typeof zoom?.min === 'number' && typeof zoom.max === 'number' && zoom.min < zoom.max
        ? { min: zoom.min, max: zoom.max }
        : null,
    hidden: strings(kept.hidden) ?? [],
    hiddenRuns: strings(kept.hiddenRuns) ?? [],
    logarithmic: strings(kept.logarithmic) ?? [],
    focus: typeof kept.focus === 'string' ? kept.focus : null,
    split: typeof kept.split === 'string' ? kept.split : null,
    cell:
      typeof cell?.actual === 'string' && typeof cell.predicted === 'string'
        ? { actual: cell.actual, predicted: cell.predicted }
        : null,
    matrixSize: number(kept.matrixSize, 0, 1000) ?? INITIAL_VIEW.matrixSize,
    differencesOnly: typeof kept.differencesOnly === 'boolean' ? kept.differencesOnly : INITIAL_VIEW.differencesOnly,
    scroll: number(kept.scroll, 0, 1e7) ?? 0,
  };
};

/** `list` with `item` in it when it was not, and without it when it was. */
export const toggled = (list: readonly string[], item: string): string[] =>
  list.includes(item) ? list.filter((other) => other !== item) : [...list, item];
