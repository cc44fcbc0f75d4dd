import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fittingFields, parseRunRecord, type Recipe, RUN_FORMAT, type RunRecord } from '../../protocol/index.ts';
import { isMissing, readOwnJson } from '../files.ts';

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
    value = await readOwnJson(join(folder, 'run.json'));
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
    return {
      record: fill({}, folder),
      readOnly: 'This run cannot be read: its run.json is not an object.',
      damaged: true,
    };
  }
  const given = value as Record<string, unknown>;
  const parsed = parseRunRecord(value);
  const record = 'record' in parsed ? parsed.record : fill(given, folder);
  if (record.format > RUN_FORMAT) {
    return {
      record,
      readOnly: `This run is from a newer version of Luthier (format ${record.format}); it can be viewed, but not changed.`,
      damaged: false,
    };
  }
  if ('record' in parsed) return { record, readOnly: null, damaged: false };
  return {
    record,
    readOnly: `This run cannot be read: its run.json is incomplete or damaged (${parsed.problem}).`,
    damaged: true,
  };
}

/** A whole record out of whatever was read: what is missing or of the wrong kind gets a value that shows as unknown. */
function fill(given: Record<string, unknown>, folder: string): RunRecord {
  const id = basename(folder);
  const fitting = fittingFields(given);
  return {
    format: RUN_FORMAT,
    id,
    note: '',
    state: 'failed',
    recipe: {} as Recipe,
    recipe_path: null,
    created_at: new Date(0).toISOString(),
    started_at: null,
    finished_at: null,
    step: 0,
    total_steps: 0,
    best: null,
    model: null,
    error: null,
    environment: null,
    ...fitting,
    name: fitting.name ?? fitting.id ?? id,
    labels: Array.isArray(given.labels) ? given.labels.filter((label) => typeof label === 'string') : [],
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
