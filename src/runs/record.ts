import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isMissing } from '../files/errno.ts';
import { readOwnJson } from '../files/json.ts';
import { writeJson } from '../files/write-file.ts';
import { placeProblem } from '../guard/index.ts';
import {
  fittingFields,
  LuthierError,
  parseRunRecord,
  type Recipe,
  RUN_FORMAT,
  type RunRecord,
} from '../protocol/index.ts';
import { FILES } from './folder.ts';

/** What a run's folder says, and why it may only be looked at. */
export interface ReadRecord {
  record: RunRecord;
  /**
   * Why nothing may be changed in the folder (a newer version's format, a damaged run.json); null when it may. `says`
   * follows the name of the run or the folder in a sentence.
   */
  problem: { code: 'run-newer-format' | 'run-invalid'; says: string } | null;
}

/**
 * Reads `folder/run.json`. Null when there is none (the folder is no run, or is just being made or deleted).
 * A newer format or a damaged file still gives a record, as far as it can be made out, with the problem.
 */
export async function lookAtRecord(folder: string): Promise<ReadRecord | null> {
  const path = join(folder, FILES.record);
  const damaged = (given: object, why: string): ReadRecord => ({
    record: fill(given, folder),
    problem: { code: 'run-invalid', says: `cannot be read: ${why}.` },
  });
  let value: unknown;
  try {
    value = await readOwnJson(path);
  } catch (error) {
    const why = error instanceof SyntaxError ? `its ${FILES.record} is not JSON` : messageOf(error);
    const time = await stat(path).catch(() => null);
    return damaged({ created_at: time?.mtime.toISOString() }, why);
  }
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return damaged({}, `its ${FILES.record} is not an object`);
  }
  const parsed = parseRunRecord(value);
  const record = 'record' in parsed ? parsed.record : fill(value, folder);
  if (record.format > RUN_FORMAT) {
    const formats = `format ${record.format}; this version reads format ${RUN_FORMAT}`;
    const says = `is from a newer version of Luthier (${formats}); it can be viewed, but not changed.`;
    return { record, problem: { code: 'run-newer-format', says } };
  }
  if ('record' in parsed) return { record, problem: null };
  return damaged(value, `its ${FILES.record} is incomplete or damaged (${parsed.problem})`);
}

/**
 * The record of a run that is to be worked on.
 * @throws LuthierError `run-not-found` when there is none, `run-invalid` when it is half-written or no record,
 * `run-newer-format` when a newer Luthier wrote it
 */
export async function readRecord(folder: string): Promise<RunRecord> {
  const read = await lookAtRecord(folder);
  if (read === null) throw new LuthierError('run-not-found', `${folder} is not a run: it has no ${FILES.record}.`);
  if (read.problem === null) return read.record;
  const { code, says } = read.problem;
  const hint = code === 'run-newer-format' ? 'Update Luthier to resume it.' : undefined;
  throw new LuthierError(code, `${folder} ${says}`, hint);
}

/** @throws LuthierError `disk-full`, `not-writable` */
export const writeRecord = (folder: string, record: RunRecord): Promise<void> =>
  writeJson(join(folder, FILES.record), record);

/** The same of a run that no process works on and whose folder may have come from elsewhere. @throws LuthierError `run-untrusted` as well */
export async function writeRecordInPlace(folder: string, record: RunRecord): Promise<void> {
  const problem = await placeProblem(folder);
  if (problem !== null) throw new LuthierError('run-untrusted', problem);
  await writeRecord(folder, record);
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message.replace(/\.$/, '') : String(error));

/** A whole record out of whatever was read: what is missing or of the wrong kind gets a value that shows as unknown. */
function fill(given: { labels?: unknown }, folder: string): RunRecord {
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
    return (await stat(join(folder, FILES.record))).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
