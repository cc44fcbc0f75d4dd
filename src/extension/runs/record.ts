import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Recipe, RUN_FORMAT, type RunRecord, type RunState } from '../../protocol/index.ts';
import { isMissing, readJson } from '../files.ts';

/** States in which a process should be working on the run. */
export const WORKING: ReadonlySet<RunState> = new Set(['starting', 'running', 'paused', 'stopping']);
/** States that a run does not leave by itself. */
export const FINISHED: ReadonlySet<RunState> = new Set(['done', 'stopped', 'cancelled', 'failed']);

/** What a run's folder says, and why it may only be looked at. */
export interface ReadRecord {
  record: RunRecord;
  /** Why nothing may be changed in the folder (a newer version's format, an unreadable run.json); null when it may. */
  readOnly: string | null;
  /** run.json is there but makes no sense: half-written by something, or damaged. */
  damaged: boolean;
}

/**
 * Reads `folder/run.json`. Null when there is none (the folder is no run, or is just being made or deleted).
 * A newer format or a damaged file still gives a record, as far as it can be made out, marked read-only.
 */
export async function readRecord(folder: string): Promise<ReadRecord | null> {
  let value: unknown;
  try {
    value = await readJson(join(folder, 'run.json'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'its run.json is not JSON' : (error as Error).message;
    const time = await stat(join(folder, 'run.json')).catch(() => null);
    return {
      record: fill({ created_at: time?.mtime.toISOString() }, folder),
      readOnly: `This run cannot be read: ${reason}.`,
      damaged: true,
    };
  }
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { record: fill({}, folder), readOnly: 'This run cannot be read: its run.json is no object.', damaged: true };
  }
  const given = value as Record<string, unknown>;
  const record = fill(given, folder);
  if (record.format > RUN_FORMAT) {
    return {
      record,
      readOnly: `This run is from a newer version of Luthier (format ${record.format}); it can be looked at, not changed.`,
      damaged: false,
    };
  }
  const damaged = typeof given.id !== 'string' || typeof given.state !== 'string';
  return { record, readOnly: damaged ? 'This run cannot be read: its run.json is incomplete.' : null, damaged };
}

const STATES: ReadonlySet<string> = new Set<RunState>([
  'queued',
  'starting',
  'running',
  'paused',
  'stopping',
  'done',
  'stopped',
  'cancelled',
  'failed',
  'interrupted',
]);

/** A whole record out of whatever was read: what is missing or of the wrong kind gets a value that shows as unknown. */
function fill(given: Record<string, unknown>, folder: string): RunRecord {
  const text = (key: string) => (typeof given[key] === 'string' ? (given[key] as string) : null);
  const count = (key: string) => (Number.isFinite(given[key]) ? (given[key] as number) : 0);
  const object = (key: string) =>
    typeof given[key] === 'object' && given[key] !== null && !Array.isArray(given[key]) ? given[key] : null;
  const id = text('id') ?? basename(folder);
  const state = text('state');
  const best = object('best') as RunRecord['best'];
  const error = object('error') as RunRecord['error'];
  return {
    format: count('format') || RUN_FORMAT,
    id,
    name: text('name') ?? id,
    note: text('note') ?? '',
    state: state && STATES.has(state) ? (state as RunState) : 'failed',
    recipe: (object('recipe') ?? {}) as Recipe,
    recipe_path: text('recipe_path'),
    created_at: text('created_at') ?? new Date(0).toISOString(),
    started_at: text('started_at'),
    finished_at: text('finished_at'),
    step: count('step'),
    total_steps: count('total_steps'),
    labels: Array.isArray(given.labels) ? given.labels.filter((label) => typeof label === 'string') : [],
    best: best && typeof best.metrics === 'object' && best.metrics !== null ? best : null,
    model: text('model'),
    error: error && typeof error.message === 'string' ? error : null,
    environment: object('environment') as RunRecord['environment'],
  };
}

/** Time of the last change to run.json in milliseconds, null when it is not there. */
export async function recordTime(folder: string): Promise<number | null> {
  try {
    return (await stat(join(folder, 'run.json'))).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
