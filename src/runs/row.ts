import { join } from 'node:path';
import { isMissing } from '../files/errno.ts';
import { openOwnFile } from '../files/regular-file.ts';
import {
  parseRunEvent,
  type RecipeCell,
  type RunRecord,
  type RunRow,
  type StartEvent,
  taskNameOf,
  WORKING_STATES,
} from '../protocol/index.ts';
import { bestMetric, datasetName } from './figures.ts';
import { FILES } from './folder.ts';
import { readReports } from './reports.ts';

/** What a run's folder says besides its record: of the evaluation and of the data. */
export type Measured = Pick<RunRow, 'measured' | 'rows'>;

export const NOT_MEASURED: Measured = { measured: null, rows: null };

/** What is told of a run beside its folder. */
export interface RowState extends Pick<RunRow, 'state' | 'silent' | 'problem'> {
  /** Of its steps, where that is newer than the record. */
  step?: number;
  total?: number;
}

/** A run as a row of the runs table. */
export function runRow(
  run: string,
  record: RunRecord,
  { state, silent, problem, step = record.step, total = record.total_steps }: RowState,
  { measured, rows }: Measured,
  now = Date.now(),
): RunRow {
  const { recipe, best } = record;
  return {
    run,
    ...{ name: record.name, note: record.note, tags: record.tags ?? [] },
    ...{ state, silent, problem },
    error: state === 'failed' ? (record.error?.message ?? null) : null,
    task: taskNameOf({ task: recipe.task ?? 'text-classification', problem_type: recipe.problem_type }),
    model: recipe.model ?? '',
    ...{ dataset: datasetName(record), data: JSON.stringify(recipe.dataset ?? null) },
    strategy: recipe.strategy?.type ?? '',
    created_at: record.created_at,
    seconds: secondsOf(record, WORKING_STATES.has(state), now),
    progress: total > 0 ? Math.min(1, step / total) : null,
    folds: record.folds?.count ?? null,
    seeds: record.seeds?.values.length ?? null,
    metrics: best?.metrics ?? {},
    main: bestMetric(record)?.key ?? null,
    // With several seeds the metrics are means, and the intervals one model's.
    measured: measured && record.seeds ? { ...measured, intervals: {} } : measured,
    rows,
    recipe: recipeCells(recipe),
  };
}

/** Seconds between start and end, or now; null for a run that never started or whose end is not known. */
function secondsOf({ started_at, finished_at }: RunRecord, isWorking: boolean, now: number): number | null {
  if (started_at === null) return null;
  const end = finished_at === null ? (isWorking ? now : Number.NaN) : Date.parse(finished_at);
  const seconds = (end - Date.parse(started_at)) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

/** What has columns of its own in the table, or says nothing there. */
const OWN = new Set(['version', 'task', 'problem_type', 'model', 'dataset', 'strategy.type']);

/** An object of more parts, such as the weights of many classes, is one cell. */
const MOST_PARTS = 20;

/** A recipe's values by dotted keys; lists in one cell. */
function recipeCells(recipe: object): Record<string, RecipeCell> {
  const cells: [string, RecipeCell][] = [];
  const add = (key: string, value: unknown): void => {
    if (OWN.has(key) || value === null || value === undefined) return;
    if (Array.isArray(value)) cells.push([key, value.map((item) => textOf(item)).join(', ')]);
    else if (typeof value === 'object' && Object.keys(value).length <= MOST_PARTS) {
      for (const [part, item] of Object.entries(value)) add(`${key}.${part}`, item);
    } else if (typeof value === 'object') cells.push([key, JSON.stringify(value)]);
    else cells.push([key, typeof value === 'number' || typeof value === 'boolean' ? value : String(value)]);
  };
  for (const [key, value] of Object.entries(recipe)) add(key, value);
  return Object.fromEntries(cells);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Reads what a run's folder says besides its record. What is missing or cannot be read is left out. */
export async function readMeasured(folder: string): Promise<Measured> {
  const [{ reports }, start] = await Promise.all([readReports(folder), readStart(folder).catch(() => null)]);
  const report = reports.find(({ split }) => split === 'validation');
  return {
    measured: report ? { n: report.n, intervals: report.intervals } : null,
    // In a cross-validation each row is trained on in all folds but one.
    rows: start && start.num_train_rows + (start.fold === undefined ? 0 : start.num_validation_rows),
  };
}

/** Its first events are read for it: a start that does not stand there is not looked for. */
const START_BYTES = 128 * 1024;

async function readStart(folder: string): Promise<(StartEvent & { fold?: number }) | null> {
  try {
    const { handle } = await openOwnFile(join(folder, FILES.metrics));
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(START_BYTES), 0, START_BYTES, 0);
      for (const line of buffer.toString('utf8', 0, bytesRead).split('\n')) {
        if (!line.includes('"start"')) continue;
        const event = parseRunEvent(parsed(line));
        if (event.ok && event.message.event === 'start') return event.message;
      }
      return null;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The last line of what was read is cut.
    return null;
  }
}
