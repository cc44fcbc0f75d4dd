import { smallest } from './arrays.ts';
import type { StepEvent } from './events.ts';

/** A step's figures, in the order in which they are kept. */
export const STEP_COLUMNS = [
  'step',
  'time',
  'epoch',
  'loss',
  'learning_rate',
  'grad_norm',
  'tokens_per_second',
  'step_ms',
  'rss_bytes',
] as const satisfies readonly (keyof StepEvent)[];

export type StepColumn = (typeof STEP_COLUMNS)[number];

/** Steps as columns: 100,000 of them cross to a webview as nine buffers, not as 20 MB of JSON. */
export type StepColumns = Record<StepColumn, Float64Array>;

/** The part of a step that a row of StepBuffer holds. */
export type StepRow = Pick<StepEvent, StepColumn>;

/**
 * Steps in the order of their number, in typed arrays that grow by doubling.
 * A resumed run says again the steps after its checkpoint: appending step n drops what was known from n on,
 * so that a step's last line wins.
 */
export class StepBuffer {
  #columns: StepColumns;
  #length = 0;
  #generation = 0;

  constructor(capacity = 1024) {
    this.#columns = allocate(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Grows whenever rows are dropped, so that what was computed from them can be computed again. */
  get generation(): number {
    return this.#generation;
  }

  /** The last step's number; 0 when there is none. */
  get lastStep(): number {
    return this.#length === 0 ? 0 : this.#columns.step[this.#length - 1]!;
  }

  /** A column's filled part, [length]. A view: it is valid until the next append. */
  column(name: StepColumn): Float64Array {
    return this.#columns[name].subarray(0, this.#length);
  }

  append(row: StepRow): void {
    this.#rewind(row.step);
    this.#reserve(this.#length + 1);
    for (const name of STEP_COLUMNS) this.#columns[name][this.#length] = row[name];
    this.#length++;
  }

  /** Appends many steps at once; their numbers ascend. Rows beyond the shortest column are left out. */
  appendColumns(more: StepColumns): void {
    const n = smallest(STEP_COLUMNS.map((name) => more[name].length));
    if (n === 0) return;
    this.#rewind(more.step[0]!);
    this.#reserve(this.#length + n);
    for (const name of STEP_COLUMNS) this.#columns[name].set(more[name].subarray(0, n), this.#length);
    this.#length += n;
  }

  /** Another training begins, whose steps count from 1 again. */
  clear(): void {
    this.#length = 0;
    this.#generation++;
  }

  /** Copies of the columns from row `from` on, fit for postMessage. */
  toColumns(from = 0): StepColumns {
    const copy = {} as StepColumns;
    for (const name of STEP_COLUMNS) copy[name] = this.column(name).slice(from);
    return copy;
  }

  #rewind(step: number): void {
    if (step > this.lastStep) return;
    this.#length = lowerBound(this.column('step'), step);
    this.#generation++;
  }

  #reserve(rows: number): void {
    if (rows <= this.#columns.step.length) return;
    const grown = allocate(Math.max(rows, 2 * this.#columns.step.length));
    for (const name of STEP_COLUMNS) grown[name].set(this.column(name));
    this.#columns = grown;
  }
}

const allocate = (rows: number): StepColumns => {
  const columns = {} as StepColumns;
  for (const name of STEP_COLUMNS) columns[name] = new Float64Array(rows);
  return columns;
};

/** Index of the first element that is at least `value`, in an ascending array; its length when there is none. */
export const lowerBound = (ascending: ArrayLike<number>, value: number): number => {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
};
